#!/usr/bin/env python3
"""Holds `marimba run --prompts` against single runs.

  check_batch.py MARIMBA STORIES GOLDEN WORK

STORIES is a model with a tokenizer, GOLDEN one without.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import checker
import tiny_models

SECONDS = 120
PROMPTS = 64
TOKENS = 12
WORDS = "once upon a time there was dog cat girl named Lily who liked to play in the park with her red ball and".split()


class Checker(checker.Checker):
    loud = True

    def __init__(self, marimba, stories, golden, work):
        super().__init__(work)
        self.marimba, self.stories, self.golden = marimba, stories, golden
        draw = random.Random(7)
        self.prompts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 40))) for _ in range(PROMPTS)]
        self.input = self.write("in.jsonl", [{"id": f"p{i}", "prompt": p} for i, p in enumerate(self.prompts)])
        self.alone = self.run(self.input, "alone.jsonl", "--batch", "1")

    def write(self, name, lines):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        return self.path(name)

    def command(self, prompts, output, *flags, model=None):
        return [
            self.marimba, "run", model or self.stories, "--dtype=f32", "--threads=1", "--quiet",
            "--prompts", prompts, "-o", self.path(output), "--max-tokens", str(TOKENS), *flags,
        ]

    def run(self, prompts, output, *flags, model=None):
        subprocess.run(self.command(prompts, output, *flags, model=model), check=True, timeout=SECONDS)
        self.expect(f"{output}: no journal is left", not os.path.exists(self.path(output) + ".partial"), "")
        return self.read(output)

    def read(self, output):
        with open(self.path(output), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def fail(self, what, message, prompts, output, *flags, model=None):
        done = subprocess.run(
            self.command(prompts, output, *flags, model=model), capture_output=True, check=False, timeout=SECONDS
        )
        err = done.stderr.decode()
        self.expect(what, done.returncode == 1 and message in err, (done.returncode, err))

    def case_together(self):
        self.equal("alone: all of them, in order", [f"p{i}" for i in range(PROMPTS)], [a["id"] for a in self.alone])
        for number in (0, 17, 63):
            command = [self.marimba, "run", self.stories, "--dtype=f32", "--threads=1", "--quiet", "--json"]
            command += ["--prompt", self.prompts[number], "--max-tokens", str(TOKENS)]
            single = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=SECONDS).stdout)
            self.equal(f"alone: prompt {number} as a single run", single["tokens"], self.alone[number]["tokens"])
            self.equal(f"alone: its text", single["text"], self.alone[number]["text"])
        for batch in ("7", "64"):
            self.equal(f"together: {batch} at once", self.alone, self.run(self.input, f"b{batch}.jsonl", "--batch", batch))
        ends = {answer["end"] for answer in self.alone}
        self.expect("alone: ends", ends <= {"length", "model"} and "length" in ends, ends)

    def case_sampled(self):
        """Random numbers belong to a prompt, not to its place in a batch."""
        flags = ["--temperature", "0.9", "--seed", "5", "--min-p", "0.02", "--repetition-penalty", "1.1"]
        one = self.run(self.input, "s1.jsonl", "--batch", "1", *flags)
        five = self.run(self.input, "s5.jsonl", "--batch", "5", *flags)
        self.equal("sampled: the same in a batch", one, five)
        self.expect("sampled: not greedy", one != self.alone, "")

    def case_stop(self):
        stop = "a"
        cut = self.run(self.input, "stop.jsonl", "--batch", "9", "--stop", stop)
        for whole, part in zip(self.alone, cut):
            text = whole["text"]
            expected = text.split(stop)[0] if stop in text else text
            if part["text"] != expected or (part["end"] == "stop") != (stop in text):
                self.equal(f"stop: {whole['id']}", expected, part)
        self.expect("stop: some do", any(part["end"] == "stop" for part in cut), cut)

    def case_killed(self):
        """SIGKILL again and again, wherever it hits: the same file in the end."""
        journal = self.path("killed.jsonl.partial")
        command = self.command(self.input, "killed.jsonl", "--batch", "4")
        kills = 0
        for target in (2, 9, 9, 30, 63):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                if os.path.exists(journal):
                    with open(journal, "rb") as file:
                        if file.read().count(b"\n") > target:
                            process.send_signal(signal.SIGKILL)
                            break
                time.sleep(0.002)
            kills += process.wait(SECONDS) == -signal.SIGKILL
        self.expect("killed: several times", kills >= 3, kills)
        if os.path.exists(journal):
            # As if the last line had been cut while it was written.
            with open(journal, "a", encoding="utf-8") as file:
                file.write('{"prompt":63,"answer":{"te')
        self.equal("killed: the same file", self.alone, self.run(self.input, "killed.jsonl", "--batch", "4"))
        with open(self.path("killed.jsonl"), "rb") as ours, open(self.path("alone.jsonl"), "rb") as theirs:
            self.expect("killed: to the byte", ours.read() == theirs.read(), "")

    def case_other_journal(self):
        journal = self.path("other.jsonl.partial")
        self.write("other.jsonl.partial", ['{"answers_of":"something else"}'])
        self.fail("journal: of another run", "other.jsonl.partial: was begun with other prompts, options or another model", self.input, "other.jsonl")
        self.expect("journal: stays", os.path.exists(journal), "")

    def case_ids(self):
        lines = [{"ids": list(range(1, n + 2))} for n in range(9)]
        path = self.write("ids.jsonl", lines)
        three = self.run(path, "ids3.jsonl", "--batch", "3", model=self.golden)
        one = self.run(path, "ids1.jsonl", "--batch", "1", model=self.golden)
        self.equal("ids: without a tokenizer", one, three)
        self.equal("ids: no text", {None}, {answer["text"] for answer in one})
        self.equal("ids: tokens", True, all(answer["tokens"] for answer in one))

    def case_bad_input(self):
        for name, line, message in [
            ("json", '{"prompt": ', "bad.jsonl:3: "),
            ("kind", '["a"]', 'bad.jsonl:3: expected an object with "prompt" or "ids"'),
            ("both", '{"prompt": "a", "ids": [1]}', 'bad.jsonl:3: expected an object with "prompt" or "ids"'),
            ("text", '{"prompt": 3}', 'bad.jsonl:3: "prompt": expected a text'),
            ("ids", '{"ids": [1, "x"]}', 'bad.jsonl:3: "ids": expected an array of token ids'),
            ("range", '{"ids": [99999]}', "bad.jsonl: prompt 2: token id 99999 (number 1 of 1) is out of range"),
        ]:
            path = self.write("bad.jsonl", ['{"prompt": "a"}', "", line])
            self.fail(f"bad input: {name}", message, path, "bad.out")
            self.expect(f"bad input: {name}: no file", not os.path.exists(self.path("bad.out")), "")
        self.fail("bad input: empty", "empty.jsonl: has no prompts", self.write("empty.jsonl", []), "bad.out")
        self.fail("bad input: none", "none.jsonl: cannot be read: No such file", self.path("none.jsonl"), "bad.out")


    def case_ids_as_written(self):
        """Any JSON comes back byte for byte, also from a journal."""
        ids = [
            "1.0", "-0", "1e400", "1E+2", "12345678901234567890123", "null", "false", '"\\u0041"', '"\\ud83d\\ude00"',
            '"\\ud800"', '"\u2028"', '{"a":1,"a":[2, {}]}', "[ 1 ,null]", '""', '"\\/"', '{"id": 3}', "[" * 60 + "]" * 60,
        ]
        path = self.write("any.jsonl", ['{"id": %s , "ids": [3]}' % value for value in ids])
        self.run(path, "any.out", "--max-tokens", "1", model=self.golden)
        with open(self.path("any.out"), encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        self.equal("as written: lines", len(ids), len(lines))
        for value, line in zip(ids, lines):
            self.expect(f"as written: {value[:24]}", f'"id":{value},"text"' in line, line)
            json.loads(line)
        # A journal that stops behind the first: the others are computed again.
        journal = self.path("again.out.partial")
        command = self.command(path, "again.out", "--max-tokens", "1", model=self.golden)
        process = subprocess.Popen(command)
        while process.poll() is None and not (os.path.exists(journal) and open(journal, "rb").read().count(b"\n") > 1):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
        self.run(path, "again.out", "--max-tokens", "1", model=self.golden)
        with open(self.path("again.out"), "rb") as ours, open(self.path("any.out"), "rb") as theirs:
            self.expect("as written: after a kill", ours.read() == theirs.read(), "")

    def case_forms(self):
        """Marks, line ends, long lines, numbers: what JSON and editors write."""
        for name, raw in [
            ("mark", b'\xef\xbb\xbf{"ids": [3]}\n'),
            ("windows", b'{"ids": [3]}\r\n\r\n'),
            ("no end", b'\n \n{"ids": [3]}'),
            ("floats", b'{"ids": [3.0]}'),
            ("names", b'{"\\u0069ds": [3]}'),
            ("twice", b'{"ids": [5], "ids": [3]}'),
            ("more", b'{"messages": [], "prompt2": {"ids": 5}, "ids": [3]}'),
            ("long", b'{"more": "' + b"x" * (8 << 20) + b'", "ids": [3]}'),
        ]:
            with open(self.path("form.jsonl"), "wb") as file:
                file.write(raw)
            found = self.run(self.path("form.jsonl"), f"{name}.out", "--max-tokens", "1", model=self.golden)
            self.equal(f"form: {name}", 1, len(found))
            self.form = getattr(self, "form", found)
            self.equal(f"form: {name}: its tokens", self.form, found)

    def case_no_tokens(self):
        """A text without tokens is answered by an error, as alone; the others by
        what they give. Where a text begins with a token, an empty one has that."""
        path = self.write("empty.jsonl", [{"prompt": "", "id": 1}, {"prompt": "To", "id": 2}])
        chain = tiny_models.Chain()
        chain.say("<s>", "A", "B", "</s>")
        chain.say("o", "m", "</s>")
        plain = chain.write(self.path("plain"))
        begun = chain.write(self.path("begun"), tokenizer=chain.tokenizer(bos="<s>"))
        self.run(path, "none.out", model=plain)
        none = {"end": "error", "error": "no tokens in this text", "id": 1, "text": None, "tokens": []}
        tom = {"end": "model", "id": 2, "text": "m", "tokens": [chain.id("m"), chain.id("</s>")]}
        self.equal("no tokens: an error in its place", [none, tom], self.read("none.out"))
        self.run(path, "begun.out", model=begun)
        start = {"end": "model", "id": 1, "text": "AB", "tokens": [chain.id(c) for c in ("A", "B", "</s>")]}
        self.equal("no tokens: a start of text", [start, tom], self.read("begun.out"))

    def case_not_json(self):
        for name, line, message in [
            ("NaN", b'{"ids": [3], "id": NaN}', b"column 20: not valid JSON: expected a value"),
            ("zeros", b'{"ids": [3], "id": 01}', b"column 21: not valid JSON: expected ',' or '}'"),
            ("point", b'{"ids": [3], "id": 1.}', b"column 22: not valid JSON: expected a digit"),
            ("deep", b'{"ids": [3], "id": ' + b"[" * 100000, b"column 83: not valid JSON: nests deeper than 64 levels"),
            ("half", b'{"prompt": "\\ud800"}', b'"prompt": has half of a surrogate pair'),
            ("latin1", b'{"prompt": "caf\xe9"}', b"is not UTF-8: byte 0xe9 at offset 29 begins"),
            ("none", b'{"ids": []}', b'"ids": expected an array of token ids'),
            ("negative", b'{"ids": [-1]}', b'"ids": expected an array of token ids'),
            ("fraction", b'{"ids": [1.5]}', b'"ids": expected an array of token ids'),
            ("large", b'{"ids": [4294967299]}', b'"ids": expected an array of token ids'),
            ("null", b'{"prompt": null, "ids": null}', b'expected an object with "prompt" or "ids"'),
            ("two", b'{"ids": [3]} {"ids": [3]}', b"column 14: not valid JSON: expected nothing behind the object"),
        ]:
            with open(self.path("bad.jsonl"), "wb") as file:
                file.write(b'{"ids": [3]}\n\n' + line + b"\n")
            where = "bad.jsonl: " if name == "latin1" else "bad.jsonl:3: "
            self.fail(f"not JSON: {name}", where + message.decode(), self.path("bad.jsonl"), "bad.out", model=self.golden)
            self.expect(f"not JSON: {name}: no file", not os.path.exists(self.path("bad.out")), "")

    def case_output_is_input(self):
        with open(self.input, "rb") as file:
            before = file.read()
        self.fail("output: the prompts", "in.jsonl: would replace", self.input, "in.jsonl")
        os.symlink(self.input, self.path("to-input"))
        self.fail("output: the prompts by a link", "to-input: would replace", self.input, "to-input")
        with open(self.input, "rb") as file:
            self.expect("output: the prompts are as before", file.read() == before, "")


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
