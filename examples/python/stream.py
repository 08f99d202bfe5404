#!/usr/bin/env python3
"""Continues a prompt, text as it is made; Ctrl-C ends it.

  stream.py MODEL PROMPT [TOKENS] [TEMPERATURE] [SEED]
"""

import sys

import marimba


def main(path, prompt, tokens="200", temperature="0", seed="0"):
    model = marimba.Model(path)
    options = {"max_tokens": int(tokens), "temperature": float(temperature), "seed": int(seed)}
    print(prompt, end="", flush=True)
    answer = model.stream(prompt, **options)
    try:
        for piece in answer:
            print(piece, end="", flush=True)
    except KeyboardInterrupt:
        pass
    print(f"\n{len(answer.ids)} tokens, ended by: {answer.end}", file=sys.stderr)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 6:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (marimba.Error, ValueError) as error:
        sys.exit(f"error: {error}")
