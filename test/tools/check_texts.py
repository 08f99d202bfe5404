#!/usr/bin/env python3
"""Texts of other encodings, from wherever they come: an error with the offset of
the first byte that is no UTF-8, as Python counts it.

  check_texts.py MARIMBA WORK
"""

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import checker
import tiny_models

SECONDS = 60
TEXT = "Once upon a time there was a caf\u00e9. " * 8


class Texts(checker.Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        self.model = tiny_models.Chain().write(self.path("m"))

    def run(self, args, stdin=b""):
        return subprocess.run(
            [os.fsencode(arg) for arg in [self.marimba, *args]],
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )

    def refused(self, what, args, message, stdin=b""):
        done = self.run(args, stdin)
        err = done.stderr.decode(errors="replace")
        # Notes of the cache may stand in front.
        last = err.rstrip("\n").split("\n")[-1] + "\n"
        good = done.returncode == 1 and last.startswith("error: ") and message in last
        self.expect(what, good, (done.returncode, err))

    def write(self, raw):
        with open(self.path("text"), "wb") as file:
            file.write(raw)
        return self.path("text")

    def readers(self, text):
        """Every option that takes a file of text."""
        model, out = self.model, self.path("out")
        yield ["tokenize", model, "--file", text]
        yield ["run", model, "--prompt-file", text]
        yield ["eval", model, "--text", text]
        yield ["eval", model, "--text", text, "--compare", model]
        yield ["eval", model, "--recall", text]
        yield ["quantize", model, "--weights=int8", "--calibrate", text, "-o", out]
        yield ["run", model, "--prompts", text, "-o", out]
        yield ["logits", model, "--ids-file", text, "-o", out]
        yield ["logits", model, "--batch", text, "-o", out]
        yield ["bench", model, "--context-sweep", "64", "-o", out, "--with", text]

    def case_files(self):
        raw = TEXT.encode()
        for name, bad in [
            ("latin-1", TEXT.encode("latin-1")),
            ("overlong", raw[:5] + b"\xc0\xaf" + raw),
            ("a surrogate", raw[:7] + b"\xed\xa0\x80" + raw),
            ("past the last", raw[:9] + b"\xf4\x90\x80\x80" + raw),
            ("cut off", raw[: raw.index(b"\xc3") + 1]),
            ("UTF-16", TEXT.encode("utf-16")),
        ]:
            try:
                bad.decode()
                self.expect(f"{name}: is bad", False)
            except UnicodeDecodeError as error:
                offset = error.start
            text = self.write(bad)
            for args in self.readers(text) if name == "latin-1" else [["tokenize", self.model, "--file", text]]:
                message = f"text: is not UTF-8: byte 0x{bad[offset]:02x} at offset {offset} begins no character"
                self.refused(f"{name}: {args}", args, message)
        self.expect("files: no output", not os.path.exists(self.path("out")), os.listdir(self.work))

    def case_what_it_looks_like(self):
        raw = TEXT.encode()
        for looks, bad in [
            ("UTF-16", TEXT.encode("utf-16")),
            ("UTF-16", b"\xfe\xff" + TEXT.encode("utf-16-be")),
            ("UTF-32", TEXT.encode("utf-32")),
            ("a file of gzip", gzip.compress(raw)),
            ("a file of bzip2", bz2.compress(raw)),
            ("a file of xz", lzma.compress(raw)),
        ]:
            args = ["eval", self.model, "--text", self.write(bad)]
            self.refused(f"looks like {looks}", args, f"begins no character; it looks like {looks}\n")
        # Two bytes a character, but ASCII: the reader says what it sees.
        done = self.run(["tokenize", self.model, "--file", self.write("Tom".encode("utf-16-le"))])
        note = b"3 of its 6 bytes are 0: is it UTF-16 or UTF-32?"
        self.expect("looks like UTF-16 without a mark", done.returncode == 0 and note in done.stderr, done.stderr)

    def case_templates(self):
        """A template is a text, too, and never what a download left."""
        model = self.path("model")
        shutil.copytree(self.model, model)
        template = os.path.join(model, "chat_template.jinja")
        for name, bad, message in [
            ("latin-1", b"caf\xe9", "is not UTF-8: byte 0xe9 at offset 3 begins no character"),
            ("UTF-16", "{{ 1 }}".encode("utf-16"), "is UTF-16, expected text"),
            ("UTF-16 without a mark", "{{ 1 }}".encode("utf-16-le"), "holds zero bytes, expected a template in UTF-8"),
            ("gzip", gzip.compress(b"{{ 1 }}"), "is a file of gzip, expected text"),
            ("pointer", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer, not the file itself"),
            ("page", b"<!DOCTYPE html>", "is an HTML page: a download that failed?, expected text"),
        ]:
            with open(template, "wb") as file:
                file.write(bad)
            self.refused(f"template: {name}", ["chat", model], f"chat_template.jinja: {message}")
        shutil.rmtree(model)

    def case_arguments(self):
        latin = b"caf\xe9"
        message = "is not UTF-8: byte 0xe9 at offset 3 begins no character"
        model = self.model
        for option, args in [
            ("--text", ["tokenize", model, "--text", latin]),
            ("--prompt", ["run", model, "--prompt", latin]),
            ("--stop", ["run", model, "--prompt", "a", "--stop", latin]),
            ("--stop", ["chat", model, "--stop", latin]),
            ("--system", ["chat", model, "--system", latin]),
            ("--template-values", ["chat", model, "--template-values", latin]),
        ]:
            self.refused(f"{args[0]} {option}", args, f"error: {option}: {message}")
        self.refused("stdin", ["tokenize", model, "--file", "-"], f"stdin: {message}", latin)
        chat = ["chat", model, "--quiet", "--max-tokens", "1"]
        self.refused("a message", chat, f"the message: {message}", latin + b"\n")
        edit = b"Hi\n/edit caf\xe9\n"
        self.expect("/edit", message in self.run(chat, edit).stderr.decode(), self.run(chat, edit).stderr)

    def case_good(self):
        """What is UTF-8 stays so: zeros, marks, characters of all lengths."""
        plain = self.run(["tokenize", self.model, "--file", self.write(b"Tom\n")])
        marked = self.run(["tokenize", self.model, "--file", self.write(b"\xef\xbb\xbfTom\n")])
        self.expect("good: a mark is left out", plain.stdout == marked.stdout, marked)
        note = f"note: {self.path('text')}: begins with a byte order mark, which is left out\n"
        self.expect("good: and said", marked.stderr.decode() == note, marked.stderr)
        self.expect("good: nothing is said", not plain.stderr, plain.stderr)
        for text in ("a\0b c d e f", "\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff", "\r\n", ""):
            done = self.run(["tokenize", self.model, "--file", self.write(text.encode())])
            self.expect(f"good: {text!r}", done.returncode == 0 and not done.stderr, done.stderr)
        done = self.run(["tokenize", self.model, "--file", "/dev/stdin"], b"Tom\n")
        self.expect("good: /dev/stdin", done.stdout == plain.stdout, done)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Texts))
