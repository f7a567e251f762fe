#!/bin/sh
# In the place of the linker, for one crate: links the same objects once per layout, and then as rustc asked.
# In: rustc's arguments; in this script's folder `seeds`, one a line. Out: `layout-0`, `layout-1`, … there; `called`, to
# show that it was; `refused`, with what the linker said, where it does not know the option.
# A second `-o` takes the place of the first, also of one within a response file, so the arguments stay as they are.
folder=${0%/*}
rm -f "$folder"/layout-* "$folder/refused"
: >"$folder/called"
n=0
while read -r seed; do
    if ! cc "$@" "-Wl,--shuffle-sections=*=$seed" -o "$folder/layout-$n" 2>"$folder/said" </dev/null; then
        if [ "$n" = 0 ] && grep -q shuffle-sections "$folder/said"; then
            mv "$folder/said" "$folder/refused"
            break
        fi
        # Anything else would go wrong without the option too, or is too rare to be called an answer.
        cat "$folder/said" >&2
        exit 1
    fi
    n=$((n + 1))
done <"$folder/seeds"
exec cc "$@"
