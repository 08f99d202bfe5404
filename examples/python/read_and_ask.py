#!/usr/bin/env python3
"""Reads a long text once, keeps what the model remembers of it, and asks several questions.

  read_and_ask.py MODEL TEXT STATE QUESTION...

TEXT is a file. STATE is where the session is saved; where it is there already, nothing is read
again. Each question goes on from the end of the text by a fork, as if it were the only one:

  python3 examples/python/read_and_ask.py examples/stories-jamba book.txt book.state \\
    " What was the secret word of the day? It was"
"""

import os
import sys
import time

import marimba

WIDTH = 30


def show_progress(done, total):
    full = WIDTH * done // total
    print(f"\r[{'#' * full}{'.' * (WIDTH - full)}] {done} of {total} tokens", end="", file=sys.stderr)


def read(model, text, state):
    """A session behind the text: from the file, else read and saved."""
    if os.path.exists(state):
        return model.session(state)
    session = model.session()
    with open(text, encoding="utf-8") as file:
        session.append(file.read(), progress=show_progress)
    print(file=sys.stderr)
    session.save(state)
    return session


def main(path, text, state, *questions):
    model = marimba.Model(path)
    start = time.monotonic()
    book = read(model, text, state)
    print(f"{len(book)} tokens are there after {time.monotonic() - start:.2f} s", file=sys.stderr)
    for question in questions:
        with book.fork().stream(question, max_tokens=20, stop=["\n", "."]) as answer:
            print(f"{question.strip()}", end="", flush=True)
            for piece in answer:
                print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (marimba.Error, OSError) as error:
        sys.exit(f"error: {error}")
