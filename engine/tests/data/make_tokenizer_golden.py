"""Makes tokenizer-golden.json: token ids by the reference implementation, the PyPI package `tokenizers`.

Usage: python make_tokenizer_golden.py TOKENIZER_JSON HELDOUT_TXT > tokenizer-golden.json
TOKENIZER_JSON is the file of that name in the release of bitnet-stories-14m; HELDOUT_TXT is engine/models/heldout.txt.
"""

import hashlib
import json
import sys

import tokenizers

TEXTS = [
    "",
    "Once upon a time, there was a little girl named Holly.",
    " leading and trailing ",
    "two  blanks, three   blanks, a tab\tand\n\nlines\r\n  indented",
    "I'll we've they're it's don't I'm he'd I'LL",
    "1 12 123 1234 3.14 2026-11-23 a1b2",
    "...!? (well) -- \"quoted\" 'single' #$%&*+/=@^_`|~",
    "na\u00efve caf\u00e9 \u00c5ngstr\u00f6m \u0441\u043a\u0430\u0437\u043a\u0430 \u6545\u4e8b \u0642\u0635\u0629 \u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \u00a0\u2003\u3000 \u00ad\u200b\ufeff\u0000\u007f",
    "<|bos|>Hello<|eos|> <|eos|><|bos|> <|eos <|end|> |>",
    "\u00bd \u2167 \u0663\u0664 \U0001d7d8 x\u00b2",
    "a" * 300 + " " * 70 + "\n" * 5,
]


def main():
    tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        heldout = file.read()

    def ids(text, as_text):
        tokenizer.encode_special_tokens = as_text
        return tokenizer.encode(text, add_special_tokens=False).ids

    def digest(text):
        flat = ids(text, True)
        data = b"".join(i.to_bytes(4, "little") for i in flat)
        return {"n_ids": len(flat), "sha256": hashlib.sha256(data).hexdigest()}

    json.dump(
        {
            "made_by": f"make_tokenizer_golden.py, tokenizers {tokenizers.__version__}",
            "heldout": digest(heldout),
            "texts": [{"text": t, "ids": ids(t, True), "ids_with_control": ids(t, False)} for t in TEXTS],
        },
        sys.stdout,
        indent=None,
        separators=(",", ":"),
    )
    print()


main()
