#!/usr/bin/env python3
"""What a FileCheck line cannot see of `marimba run`: single writes, a terminal,
Ctrl-C.

  check_run.py MARIMBA STORIES GOLDEN WORK

STORIES is a model with a tokenizer; GOLDEN is the golden jamba_bf16, which has
none and whose greedy tokens are known.
"""

import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROMPT = [42, 117, 109, 61, 34, 73, 186]
# The greedy tokens after PROMPT (golden.safetensors), each with bytes of its own
# here: characters of two to four bytes in pieces, bytes that are none, and at
# the end a character that stays unfinished.
TOKENS = [
    (185, b"\xf0\x9f"),
    (57, b"\x98"),
    (81, b"\x80"),
    (172, b" "),
    (187, b"\xc3"),
    (165, b"\xa9"),
    (37, b"\xe2"),
    (24, b"\x82\xacA"),
    (53, b"\xff"),
    (89, b"B\xe2\x82"),
    (196, b"C"),
    (17, b"\xc3\xa9\xe2\x82"),
]
SECONDS = 60


def byte_alphabet():
    """The characters that stand for bytes in a byte-level vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    table = {byte: chr(byte) for byte in plain}
    table.update({byte: chr(256 + i) for i, byte in enumerate(others)})
    return table


def tokenizer_json(size):
    """A tokenizer of `size` tokens for PROMPT, "abcdefg", and TOKENS."""
    spelling = {token: f"<{token}>" for token in range(size)}
    spelling.update(dict(zip(PROMPT, "abcdefg")))
    table = byte_alphabet()
    for token, data in TOKENS:
        spelling[token] = "".join(table[byte] for byte in data)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    byte_level["trim_offsets"] = True
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {text: token for token, text in spelling.items()},
            "merges": [],
        },
    }


class Checker:
    def __init__(self, marimba, stories, golden, work):
        self.marimba, self.stories, self.work = marimba, stories, work
        self.failures = 0
        shutil.rmtree(work, ignore_errors=True)
        # What an earlier run of this test packed belongs to other files.
        os.environ["MARIMBA_CACHE_DIR"] = os.path.join(work, "cache")
        # A model with our tokenizer, and one without any.
        self.tokens_only = os.path.join(work, "tokens-only")
        self.spelling = os.path.join(work, "spelling")
        for folder in (self.tokens_only, self.spelling):
            os.makedirs(folder)
            for name in ("config.json", "generation_config.json", "model.safetensors"):
                shutil.copyfile(
                    os.path.join(golden, name), os.path.join(folder, name)
                )
        with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
            size = json.load(file)["vocab_size"]
        path = os.path.join(self.spelling, "tokenizer.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(tokenizer_json(size), file)

    def expect(self, what, good, found):
        print("ok  " if good else "FAIL", what, "" if good else f"| {found!r}")
        self.failures += not good

    def equal(self, what, expected, found):
        self.expect(what, expected == found, found)

    def command(self, model, *arguments):
        return [self.marimba, "run", model, "--dtype=f32", *arguments]

    def run(self, *arguments):
        """stdout and stderr of a run that succeeds."""
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
            timeout=SECONDS,
        )
        self.equal(f"exit code of {' '.join(arguments[1:])}", 0, done.returncode)
        return done.stdout, done.stderr

    def case_streaming(self):
        """Every write to stdout is whole characters, and comes by itself."""
        expected = b"".join(data for _, data in TOKENS).decode("utf-8", "replace")
        flags = ["--prompt", "abcdefg", "--max-tokens", str(len(TOKENS)), "--quiet"]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            ours.settimeout(SECONDS)
            # Packets keep what was written together apart from what was not.
            process = subprocess.Popen(
                self.command(self.spelling, *flags), stdout=theirs
            )
            theirs.close()
            writes = list(iter(lambda: ours.recv(65536), b""))
            self.equal("streaming: exit code", 0, process.wait(SECONDS))
        halves = []
        for data in writes:
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                halves.append(data)
        self.equal("streaming: no half of a character", [], halves)
        text = b"".join(writes).decode("utf-8", "replace")
        self.equal("streaming: the text", "abcdefg" + expected + "\n", text)
        self.expect("streaming: in pieces", len(writes) >= 8, writes)

        out, _ = self.run(self.spelling, *flags, "--json")
        answer = json.loads(out)
        self.equal("--json: tokens", [token for token, _ in TOKENS], answer["tokens"])
        self.equal("--json: text", expected, answer["text"])

    def case_without_tokenizer(self):
        ids = ",".join(map(str, PROMPT))
        tokens = [token for token, _ in TOKENS]
        flags = ["--ids", ids, "--max-tokens", str(len(tokens))]
        out, err = self.run(self.tokens_only, *flags)
        self.equal("--ids: the new ids", " ".join(map(str, tokens)) + "\n", out.decode())
        lines = err.decode().splitlines()
        good = len(lines) == 1 and lines[0].startswith("compiled in ")
        self.expect("--ids: one line of timing, no progress", good, err)
        out, err = self.run(self.tokens_only, *flags, "--json", "--quiet")
        answer = json.loads(out)
        self.equal("--ids --json: tokens", tokens, answer["tokens"])
        self.equal("--ids --json: no text", None, answer["text"])
        self.equal("--ids --json: timing", len(PROMPT), answer["timing"]["prompt_tokens"])
        self.equal("--quiet: nothing on stderr", b"", err)

    def on_terminal(self, *arguments, until=None):
        """Exit code, stdout and what a terminal on stderr has seen; Ctrl-C where
        it has seen `until`."""
        terminal, ours = pty.openpty()
        with tempfile.TemporaryFile(dir=self.work) as out:
            process = subprocess.Popen(
                self.command(*arguments), stdout=out, stderr=ours
            )
            os.close(ours)
            seen = b""
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                if not select.select([terminal], [], [], 1)[0]:
                    continue
                try:
                    data = os.read(terminal, 65536)
                except OSError:  # the other side is closed
                    break
                if not data:
                    break
                seen += data
                if until and until in seen:
                    process.send_signal(signal.SIGINT)
                    until = None
            os.close(terminal)
            code = process.wait(SECONDS)
            out.seek(0)
            return code, out.read(), seen

    def case_terminal(self):
        flags = [self.tokens_only, "--ids", "3", "--max-tokens", "1", "--json"]
        code, _, seen = self.on_terminal(*flags)
        self.equal("terminal: exit code", 0, code)
        self.expect("terminal: a progress bar", b"\r[#" in seen, seen)
        _, erased, rest = seen.rpartition(b"\r\x1b[K")
        self.expect("terminal: the bar is erased", erased and b"[#" not in rest, seen)
        self.expect("terminal: then the timing", rest.startswith(b"compiled in"), seen)
        code, _, seen = self.on_terminal(*flags, "--quiet")
        self.equal("terminal: --quiet", (0, b""), (code, seen))

    def case_interrupted_while_loading(self):
        flags = [self.tokens_only, "--ids", "3", "--max-tokens", "1"]
        code, out, seen = self.on_terminal(*flags, until=b"\r[")
        self.equal("Ctrl-C while loading: exit code", 130, code)
        self.equal("Ctrl-C while loading: nothing on stdout", b"", out)
        self.expect("Ctrl-C while loading: no bar left", seen.endswith(b"\x1b[K"), seen)

    def case_interrupted(self):
        """Ctrl-C while text comes: what there is, complete, and exit code 130."""
        flags = ["--prompt", "Once upon a time", "--no-eos", "--max-tokens", "9999999"]
        process = subprocess.Popen(
            self.command(self.stories, *flags),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        begin = os.read(process.stdout.fileno(), 10)
        while len(begin) < 40:
            begin += os.read(process.stdout.fileno(), 10)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        out = begin + out
        self.equal("Ctrl-C: exit code", 130, process.returncode)
        self.expect("Ctrl-C: the text begins", out.startswith(b"Once upon a time"), out)
        self.expect("Ctrl-C: the line ends", out.endswith(b"\n"), out[-20:])
        out.decode("utf-8")
        self.expect("Ctrl-C: the line of timing", err.startswith(b"compiled in"), err)


NEED_TERMINAL = ("case_terminal", "case_interrupted_while_loading")


def has_terminals():
    """A bare chroot may lack /dev/pts."""
    try:
        for end in pty.openpty():
            os.close(end)
        return True
    except OSError:
        return False


def main():
    checker = Checker(*sys.argv[1:])
    for name, case in vars(Checker).items():
        if not name.startswith("case_"):
            continue
        if name in NEED_TERMINAL and not has_terminals():
            print("skip", name, "this machine has no pseudo-terminals")
            continue
        case(checker)
    print(f"{checker.failures} failures")
    return 1 if checker.failures else 0


if __name__ == "__main__":
    sys.exit(main())
