#!/usr/bin/env python3
"""How surprising each token of a text is to a model: -log2 of its probability, by numpy.

  surprise.py MODEL TEXT

Prints the tokens with their bits, and the mean. The logits of all tokens come without a copy.
"""

import sys

import numpy as np

import marimba


def main(path, text):
    model = marimba.Model(path)
    ids = model.tokenize(text)
    # Row i says what may follow token i.
    logits = model.logits(ids)[:-1].astype(np.float64)
    highest = logits.max(axis=1, keepdims=True)
    normalized = logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    bits = -normalized[np.arange(len(ids) - 1), ids[1:]] / np.log(2)
    for id, surprise in zip(ids[1:], bits):
        print(f"{surprise:6.2f}  {model.detokenize([id])!r}")
    print(f"{bits.mean():6.2f}  bits a token")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except marimba.Error as error:
        sys.exit(f"error: {error}")
