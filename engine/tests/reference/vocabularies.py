"""Tokenizes llama.cpp's own vocabulary tests with `bench model tokenize` and compares ids.

Usage: python vocabularies.py BENCH FOLDER
FOLDER holds `ggml-vocab-NAME.gguf` with `.gguf.inp` (texts, a line `__ggml_vocab_test__` between them) and `.gguf.out` (ids, a line
for each text): `vendor/llama.cpp/models` of the source package of PyPI `llama-cpp-python`
(`pip download --no-deps --no-binary :all: llama-cpp-python`).
Prints a line for each vocabulary. Exits 1 if a text of a supported one has other ids, or none is supported; a vocabulary of a
family that `bench` does not know is named, with its reason.
"""

import json
import pathlib
import subprocess
import sys

SEPARATOR = "\n__ggml_vocab_test__\n"


def tokenize(bench, vocabulary, text):
    command = [bench, "model", "tokenize", "--model", vocabulary, "--file", "-", "--format", "json"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=False)


def main(bench, folder):
    supported, differ = 0, 0
    for vocabulary in sorted(pathlib.Path(folder).glob("ggml-vocab-*.gguf")):
        texts, ids = vocabulary.with_suffix(".gguf.inp"), vocabulary.with_suffix(".gguf.out")
        first = tokenize(bench, vocabulary, "a")
        if first.returncode != 0:
            print(f"{vocabulary.name}: not supported: {first.stderr.decode().strip()[-110:]}")
            continue
        if not texts.exists():
            print(f"{vocabulary.name}: supported, without texts")
            continue
        supported += 1
        texts = texts.read_bytes().decode().split(SEPARATOR)
        wanted = [[int(id) for id in line.split()] for line in ids.read_text().split("\n")]
        equal = 0
        for text, want in zip(texts, wanted[: len(texts)], strict=True):
            answer = tokenize(bench, vocabulary, text)
            found = json.loads(answer.stdout)["ids"] if answer.returncode == 0 else answer.stderr.decode()
            equal += found == want
            if found != want:
                print(f"  {text!r}: {found}, llama.cpp {want}")
        differ += len(texts) - equal
        print(f"{vocabulary.name}: {equal} of {len(texts)} texts have the same ids")
    print("holds" if supported and not differ else "does not hold")
    return 0 if supported and not differ else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
