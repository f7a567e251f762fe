#!/bin/sh
# Writes the profiles anew: a C compiler and valgrind 3.19.0 are needed. The folder's name is part of what they hold.
set -eu
rm -rf /tmp/toy && mkdir /tmp/toy
cp toy.c toy.h /tmp/toy/
here=$PWD
cd /tmp/toy
cc -g -O1 -no-pie -o base toy.c
cc -g -O1 -no-pie -DPLANTED -o head toy.c
count() {
  out=$1
  shift
  valgrind --quiet --tool=callgrind --callgrind-out-file="$out" --toggle-collect=main "$@"
}
count "$here/base.callgrind" ./base
count "$here/head.callgrind" ./head
# All that the format has: addresses, jumps, more costs than one, names in full.
count "$here/full.callgrind" --dump-instr=yes --collect-jumps=yes --cache-sim=yes --compress-strings=no ./base
