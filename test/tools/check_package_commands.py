#!/usr/bin/env python3
"""Holds run, run --prompts, chat, eval and tokenize on packages against the same on
the models that they were compiled from.

  check_package_commands.py MARIMBA MODEL GGUF WORK

MODEL is a directory with a tokenizer, GGUF a file with one and a chat template.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import checker

SECONDS = 300
COMPILE = ["--dtype=f32", "--threads=1"]
TEXT = "Once upon a time there was a dog. It had a red ball. " * 12
FORM = "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content|trim }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


class Checker(checker.Checker):
    def __init__(self, marimba, model, gguf, work):
        super().__init__(work)
        self.marimba, self.gguf = marimba, gguf
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")
        self.model = self.path("model")
        shutil.copytree(model, self.model)
        self.write("model/chat_template.jinja", FORM)
        self.write("model/generation_config.json", json.dumps({"do_sample": True, "temperature": 0.8, "top_k": 40}))
        # Nothing of the compiler is beside it: what needs it would fail.
        os.mkdir(self.path("alone"))
        self.alone = shutil.copy(marimba, self.path("alone"))
        self.package = self.compile(self.model, "model.marimba")
        self.text = self.write("text.txt", TEXT)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *arguments, program=None, **options):
        return subprocess.run([program or self.marimba, *arguments], capture_output=True, text=True, timeout=SECONDS, **options)

    def compile(self, model, name):
        package = self.path(name)
        done = self.run("compile", model, "--emit=package", "-o", package, *COMPILE)
        self.expect(f"compiles {name}", done.returncode == 0, done.stderr)
        return package

    def same(self, what, command, *arguments, **options):
        """stdout and the notes, but for the package's name; timing is left out."""
        theirs = self.run(command, self.model, *arguments, *([] if command == "tokenize" else COMPILE), **options)
        ours = self.run(command, self.package, *arguments, program=self.alone, **options)
        good = theirs.returncode == ours.returncode == 0 and theirs.stdout and theirs.stdout == ours.stdout
        self.expect(what, good and self.notes(theirs) == self.notes(ours), (theirs, ours))
        return ours

    @staticmethod
    def notes(done):
        return [line for line in done.stderr.splitlines() if line.startswith("note")]

    def case_run(self):
        for flags in ([], ["--seed", "7"], ["--temperature", "0"], ["--no-eos", "--stop", "dog"], ["--chunk", "4"]):
            self.same(f"run {flags}", "run", "--prompt", "Once upon a time", "--max-tokens", "24", *flags)
        self.same("run --ids", "run", "--ids", "1,57,18", "--max-tokens", "8")
        self.same("run --prompt-file", "run", "--prompt-file", self.text, "--max-tokens", "8")
        self.same("run on stdin", "run", "--prompt-file", "-", "--max-tokens", "8", input="One day")
        done = self.run("run", self.package, "--prompt", "One", "--max-tokens", "3", "--json", "--quiet", program=self.alone)
        answer = json.loads(done.stdout)
        self.expect("run --json", len(answer["tokens"]) == 3 and answer["timing"]["compile_seconds"] == 0, answer)

    def case_saved(self):
        """Sessions go from one to the other."""
        state, other = self.path("ours.state"), self.path("theirs.state")
        self.run("run", self.package, "--prompt", "Once upon", "--save-state", state, program=self.alone)
        self.run("run", self.model, "--prompt", "Once upon", "--save-state", other, *COMPILE)
        with open(state, "rb") as one, open(other, "rb") as two:
            self.expect("the same file", one.read() == two.read())
        self.same("run --load-state", "run", "--load-state", state, "--prompt", " a time", "--max-tokens", "12")
        done = self.run("run", self.package, "--prompt", "x", "--save-state", os.path.join(self.package, "model.json"), program=self.alone)
        self.expect("replaces no file of the package", done.returncode == 1 and "would replace" in done.stderr, done.stderr)

    def case_prompts(self):
        lines = [{"prompt": "Once upon a time", "id": 1}, {"ids": [1, 57, 18]}, {"prompt": "One day Tom", "id": "x"}, {"prompt": ""}]
        prompts = self.write("prompts.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        flags = ["--prompts", prompts, "--max-tokens", "16", "--batch", "2", "--stop", " and"]
        theirs = self.run("run", self.model, *flags, "-o", self.path("theirs.jsonl"), *COMPILE)
        ours = self.run("run", self.package, *flags, "-o", self.path("ours.jsonl"), program=self.alone)
        self.expect("run --prompts", theirs.returncode == ours.returncode == 0, (theirs, ours))
        with open(self.path("theirs.jsonl"), encoding="utf-8") as one, open(self.path("ours.jsonl"), encoding="utf-8") as two:
            one, two = one.read(), two.read()
        self.expect("run --prompts: answers", one == two and len(one.splitlines()) == 4, (one, two))
        done = self.run("run", self.package, *flags, "-o", "-", program=self.alone)
        self.expect("run --prompts to stdout", done.stdout == one, done)

    def case_chat(self):
        talk = "Who are you?\nAnd then?\n/undo\n/edit What did the dog do?\n"
        self.same("chat", "chat", "--max-tokens", "16", "--seed", "3", input=talk)
        self.same("chat --system", "chat", "--max-tokens", "8", "--temperature", "0", "--system", "Be kind.", "--checkpoint", "4", input=talk)
        done = self.run("chat", self.package, "--template", "none", program=self.alone, input="")
        self.expect("chat --template", done.returncode == 1 and "only" in done.stderr, done)

    def case_process(self):
        """Neither LLVM nor MLIR is in the process while it answers."""
        with subprocess.Popen([self.marimba, "chat", self.package, "--json", "--quiet", "--max-tokens", "4"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as chat:
            chat.stdin.write("Hello\n")
            chat.stdin.flush()
            answer = json.loads(chat.stdout.readline())
            with open(f"/proc/{chat.pid}/maps", encoding="utf-8") as file:
                maps = file.read()
            chat.stdin.close()
            chat.wait(SECONDS)
        self.expect("it answers", answer["new_tokens"] > 0, answer)
        files = {os.path.basename(path) for path in re.findall(r"/\S+", maps)}
        self.expect("the package's code is there", any(re.fullmatch(r"code-\w+\.so", name) for name in files), sorted(files))
        self.expect("no compiler is there", not [name for name in files if "LLVM" in name or "MLIR" in name], sorted(files))

    def case_eval(self):
        for flags in (["--text", self.text, "--window", "32"], ["--text", self.text, "--window", "32", "--json"]):
            theirs = self.run("eval", self.model, *flags, *COMPILE)
            ours = self.run("eval", self.package, *flags, program=self.alone)
            timeless = [re.sub(r'"seconds": .*', "", done.stdout) for done in (theirs, ours)]
            self.expect(f"eval {flags}", timeless[0] and timeless[0] == timeless[1], (theirs, ours))
        recall = self.write("recall.jsonl", '{"text": "Once upon a", "answer": " time"}\n')
        self.same("eval --recall", "eval", "--recall", recall)

    def case_tokenize(self):
        self.same("tokenize", "tokenize", "--text", "Once upon a time")
        self.same("tokenize --decode", "tokenize", "--decode", "1,57,18", "--json")

    def case_gguf(self):
        """Tokenizer and template are in the package."""
        package = self.compile(self.gguf, "gguf.marimba")
        for arguments in (["run", "--prompt", "Once upon", "--max-tokens", "8"], ["chat", "--max-tokens", "8"], ["tokenize", "--text", "Once"]):
            flags = [] if arguments[0] == "tokenize" else COMPILE
            theirs = self.run(arguments[0], self.gguf, *arguments[1:], *flags, input="Hello\n")
            ours = self.run(arguments[0], package, *arguments[1:], program=self.alone, input="Hello\n")
            good = ours.returncode == 0 and ours.stdout and theirs.stdout == ours.stdout and self.notes(theirs) == self.notes(ours)
            self.expect(f"GGUF {arguments}", good, (theirs, ours))
        plain = self.run("chat", package, "--template", "none", program=self.alone, input="")
        self.expect("GGUF, no such template", plain.returncode == 1 and "no template called" in plain.stderr, plain)

    def fails(self, what, message, *arguments, program=None):
        done = self.run(*arguments, program=program, input="")
        good = done.returncode == 1 and done.stderr.startswith("error: ") and message in done.stderr
        self.expect(what, good and done.stderr.count("\n") == 1, done)

    def case_decided(self):
        """What compiling has decided cannot be asked for again."""
        ids = ["--ids", "1", "--quiet"]
        for option in ("--dtype=f32", "--reference", "--kv=int8", "--vector-bits=128", "--matmul=loops"):
            name = option.split("=")[0]
            self.fails(option, f"{name}: compiling {self.package} decided it", "run", self.package, *ids, option)
        self.fails("--threads", f"--threads: {self.package} was compiled for 1, expected", "run", self.package, *ids, "--threads", "3")
        done = self.run("run", self.package, *ids, "--threads", "1", "--max-tokens", "1", program=self.alone)
        self.expect("the same threads", done.returncode == 0, done)
        other = ["eval", self.package, "--text", self.text, "--compare", self.model]
        self.fails("--compare", "expected model directories, found the package", *other)

    def case_command_line(self):
        """The compiler's program says what is wrong with options, where it is there."""
        run = ["run", self.package]
        self.fails("a number", "--max-tokens: expected a whole number", *run, "--max-tokens", "x")
        self.fails("an option", "Unknown command line argument '--florb'", *run, "--florb")
        self.fails("no prompt", "expected one of --prompt", *run)
        self.fails("a number, alone", "--max-tokens: expected a whole number, 0 to 2147483647, found 'x'", *run, "--max-tokens", "x", program=self.alone)
        self.fails("a model directory, alone", "marimba-compiler, which compiles models", "run", self.model, "--ids", "1", program=self.alone)
        help_text = self.run("run", "--help").stdout
        self.expect("help", "--prompt=<text>" in help_text, help_text)
        # Another way to write an option is read by the other parser, in its process.
        done = self.run(*run, "--ids=1", "--max-tokens=2", "--quiet=true")
        right = self.run(*run, "--ids=1", "--max-tokens=2", "--quiet", program=self.alone)
        self.expect("in the compiler's process", done.stdout and done.stdout == right.stdout, (done, right))

    def case_broken(self):
        bad = self.path("bad.marimba")
        shutil.copytree(self.package, bad)
        with open(os.path.join(bad, "model.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.fails("model.json", "model.json: [json.exception", "run", bad, "--ids", "1")


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
