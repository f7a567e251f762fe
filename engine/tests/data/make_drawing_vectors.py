"""Makes drawing-vectors.json: the first words of named streams, by an independent ChaCha8 written from RFC 8439.

Usage: python make_drawing_vectors.py > drawing-vectors.json
Key: SHA-256(label, then the seed as 8 little-endian bytes). 64-bit counter from 0, 64-bit nonce 0, 8 rounds.
"""

import hashlib
import json
import sys

MASK = 0xFFFFFFFF


def rotl(x, n):
    return (x << n | x >> (32 - n)) & MASK


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & MASK
    s[d] = rotl(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & MASK
    s[b] = rotl(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & MASK
    s[d] = rotl(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & MASK
    s[b] = rotl(s[b] ^ s[c], 7)


def block(key, counter):
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start += [int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4)]
    start += [counter & MASK, counter >> 32, 0, 0]
    s = list(start)
    for _ in range(4):
        for a, b, c, d in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]:
            quarter(s, a, b, c, d)
        for a, b, c, d in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]:
            quarter(s, a, b, c, d)
    return [(x + y) & MASK for x, y in zip(s, start)]


def words(seed, label):
    key = hashlib.sha256(label.encode() + seed.to_bytes(8, "little")).digest()
    return [word for counter in range(20) for word in block(key, counter)]


def below(n, stream):
    """Lemire's rejection, with the threshold in its plain form: 2^32 mod n."""
    while True:
        product = next(stream) * n
        if product & MASK >= 2**32 % n:
            return product >> 32


def row(seed, label):
    w = words(seed, label)
    pairs = [low | high << 32 for low, high in zip(w[::2], w[1::2])]
    rolls = iter(w)
    big = 3_000_000_000  # rejects three words of ten: the retry is exercised
    bigs = iter(w)
    return {
        "seed": str(seed),
        "label": label,
        "u32": w[:8],
        "u32_at_300": w[300],
        "u64": [str(pair) for pair in pairs[:4]],
        "below_6": [below(6, rolls) for _ in range(16)],
        "below_3e9": [below(big, bigs) for _ in range(16)],
        "unit_f32": [(word >> 8) / 2**24 for word in w[:4]],
        "unit_f64": [(pair >> 11) / 2**53 for pair in pairs[:4]],
    }


rows = [row(0, ""), row(42, "sampler"), row(2**64 - 1, "prompt")]
json.dump(rows, sys.stdout, indent=1)
print()
