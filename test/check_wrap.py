#!/usr/bin/env python3
"""Prose of docs/ and of the READMEs has lines of at most 100 columns.

  check_wrap.py ROOT           list the lines of prose that are longer; exit code 1 if there are any
  check_wrap.py --fix FILE...  wrap the paragraphs and list items of these files that have such lines
  check_wrap.py --self-test    check that every rule finds what it is for

Not prose: tables, code blocks, headings, link definitions, and a line that is
one word (a URL). docs/reference/ is generated and not checked.
"""

import os
import re
import sys
import unicodedata

COLUMNS = 100

FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"(\s*)([-*+]|\d+[.)])(\s+)")
NOT_PROSE = re.compile(r"\s*(\||#{1,6}\s|<|\[[^\]]+\]:\s|!\[)")
# A word that must not come first in a line: Markdown would start a block there,
# or it is a percent sign.
BLOCK_START = re.compile(r"([-*+=]+|\d+[.)]|#{1,6}|>.*|\|.*|~~~.*|```.*|%\W*)$")
# A code span or a word; punctuation that follows stays with it.
WORD = re.compile(r"(?:[^\s`]|`[^`]+`|`)+")


def width(text):
    """Columns of a text in a terminal: a wide character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def blocks(lines):
    """(first line, lines, is prose) of each paragraph, list item, table, code block."""
    found, start, prose, fence, last_blank = [], 0, None, False, True
    in_list = False

    def close(end):
        if prose is not None and end > start:
            found.append((start, lines[start:end], prose))

    for number, line in enumerate(lines):
        if FENCE.match(line):
            if not fence:
                close(number)
                start, prose = number, False
            fence = not fence
            if not fence:
                close(number + 1)
                prose = None
            last_blank = False
            continue
        if fence:
            continue
        if not line.strip():
            close(number)
            prose, last_blank = None, True
            continue
        item = ITEM.match(line)
        # An indented line after an empty one is code, unless a list goes on.
        code = line.startswith("    ") and last_blank and not (in_list and item)
        if prose is None:
            start, prose = number, not code and not NOT_PROSE.match(line)
            in_list = bool(item) or (in_list and line.startswith(" "))
        elif prose and (item or NOT_PROSE.match(line)):
            close(number)
            start, prose = number, not NOT_PROSE.match(line)
            in_list = bool(item)
        elif not prose and NOT_PROSE.match(lines[start]) and not NOT_PROSE.match(line):
            close(number)
            start, prose = number, True
        last_blank = False
    close(len(lines))
    return found


def too_long(lines):
    """Numbers, from 1, of the lines of prose that are longer than COLUMNS."""
    return [
        start + offset + 1
        for start, block, prose in blocks(lines)
        if prose
        for offset, line in enumerate(block)
        if width(line) > COLUMNS and len(WORD.findall(ITEM.sub("", line, count=1))) > 1
    ]


def wrap(block):
    """The lines of one paragraph or list item, wrapped."""
    item = ITEM.match(block[0])
    first = item[0] if item else re.match(r"\s*", block[0])[0]
    rest = " " * len(first)
    text = " ".join([block[0][len(first):]] + [line.strip() for line in block[1:]])
    words = []
    for word in WORD.findall(text):
        if words and BLOCK_START.match(word):
            words[-1] += " " + word
        else:
            words.append(word)
    lines, line = [], first
    for word in words:
        joined = line + word if line in (first, rest) else line + " " + word
        if width(joined) > COLUMNS and line not in (first, rest):
            lines.append(line)
            joined = rest + word
        line = joined
    return lines + [line]


def fix(text):
    """The text with every block of prose wrapped that has a line too long."""
    lines, out, done = text.split("\n"), [], 0
    for start, block, prose in blocks(lines):
        out += lines[done:start]
        done = start + len(block)
        out += wrap(block) if prose and too_long(block) else block
    return "\n".join(out + lines[done:])


def documents(root):
    """Paths of the documents that are checked, relative to root."""
    yield from ("README.md", "bench/README.md", "examples/README.md", "test/e2e/README.md")
    for name in sorted(os.listdir(os.path.join(root, "docs"))):
        if name.endswith(".md"):
            yield os.path.join("docs", name)


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


WORDS = "word " * 30
# a text, the lines that are too long
CASES = [
    (WORDS, [1]),
    ("word " * 19 + "end", []),
    (f"# Heading {WORDS}", []),
    (f"text\n\n- item\n- item {WORDS}", [4]),
    (f"- item\n  {WORDS}", [2]),
    (f"1. item\n\n   {WORDS}", [3]),
    (f"| cell | {WORDS} |\n|---|---|\n| a | {WORDS} |", []),
    (f"| cell |\n\n{WORDS}", [3]),
    (f"```\n{WORDS}\n\n{WORDS}\n```\n{WORDS}", [6]),
    (f"text:\n\n    code {WORDS}", []),
    (f"text\n    goes on {WORDS}", [2]),
    ("https://example.org/" + "a" * 100, []),
    ("- [title](https://example.org/" + "a" * 100 + ")", []),
    (f"text\n[name]: https://example.org/{'a' * 100}", []),
    ("\u6f22" * 40 + " " + "\u5b57" * 20, [1]),
]
# a text, what fix makes of it
FIXES = [
    ("a " * 60, "a " * 49 + "a\n" + "a " * 9 + "a"),
    ("- " + "ab " * 40, "- " + "ab " * 32 + "ab\n  " + "ab " * 6 + "ab"),
    ("word " * 19 + "word 1. word", "word " * 18 + "word\nword 1. word"),
    ("word " * 19 + "two 5 %, word", "word " * 19 + "two\n5 %, word"),
    ("word " * 19 + "`marimba run MODEL` word", "word " * 18 + "word\n`marimba run MODEL` word"),
    (f"| {WORDS}|", f"| {WORDS}|"),
    ("short\nlines", "short\nlines"),
]


def self_test():
    """Names of the cases that go wrong."""
    wrong = [f"{text[:40]!r}: {too_long(text.splitlines())}, expected {lines}"
             for text, lines in CASES if too_long(text.splitlines()) != lines]
    wrong += [f"--fix {text[:40]!r}: {fix(text)!r}" for text, wanted in FIXES if fix(text) != wanted]
    wrong += [f"--fix leaves {text[:40]!r}" for text, _ in CASES if too_long(fix(text).splitlines())]
    return wrong


def main(arguments):
    if arguments == ["--self-test"]:
        found = self_test()
        print("\n".join(found) or f"{len(CASES)} cases, {len(FIXES)} fixes")
    elif arguments[:1] == ["--fix"] and len(arguments) > 1:
        found = []
        for path in arguments[1:]:
            fixed = fix(read(path))
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(fixed)
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        root = arguments[0]
        found = [
            f"{name}:{line}: longer than {COLUMNS} columns (check_wrap.py --fix {name})"
            for name in documents(root)
            for line in too_long(read(os.path.join(root, name)).splitlines())
        ]
        print("\n".join(found) or f"{len(list(documents(root)))} documents")
    else:
        print(__doc__)
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
