#!/usr/bin/env python3
"""Holds the module `marimba` against the program: same bits, same texts.

  check_python.py MARIMBA STORIES WORK
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time

import checker
import marimba
import numpy as np

SECONDS = 120
FLAGS = ["--dtype=f32", "--threads=1"]
PROMPT = "Once upon a time there was a dog."


def read_tensor(path, name):
    """A tensor of f32 of a safetensors file."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + size + begin)
        return np.frombuffer(file.read(end - begin), np.float32).reshape(entry["shape"])


class Checker(checker.Checker):
    def __init__(self, program, stories, work):
        super().__init__(work)
        self.program, self.stories = program, stories
        self.model = marimba.Model(stories, dtype="f32", threads=1)
        with open(os.path.join(stories, "sample.txt"), encoding="utf-8") as file:
            self.text = file.read()
        self.ids = self.model.tokenize(self.text)

    def run(self, command, *arguments, **options):
        done = subprocess.run([self.program, command, *arguments], capture_output=True, text=True, timeout=SECONDS, **options)
        self.expect(f"{command} {arguments}", done.returncode == 0, done)
        return done.stdout

    def alone(self, *flags):
        """Text and tokens of `marimba run`."""
        answer = json.loads(self.run("run", self.stories, "--json", "--quiet", *FLAGS, *flags))
        return answer["text"], answer["tokens"]

    def fails(self, what, code, message, function, *arguments, **options):
        try:
            function(*arguments, **options)
            self.expect(what, False, "no error")
        except marimba.Error as error:
            self.expect(what, error.code == code and message in str(error), f"{error.code!r}: {error}")

    def case_generate(self):
        variety = [
            ({"max_tokens": 9}, ["--max-tokens", "9"]),
            ({"max_tokens": 20, "temperature": 1.5, "seed": 7}, ["--temperature", "1.5", "--seed", "7", "--max-tokens", "20"]),
            ({"max_tokens": 20, "temperature": 1, "top_k": 5, "min_p": 0.1, "seed": 1 << 40},
             ["--temperature", "1", "--top-k", "5", "--min-p", "0.1", "--seed", str(1 << 40), "--max-tokens", "20"]),
            ({"max_tokens": 30, "stop": ".", "ignore_end": True}, ["--stop", ".", "--no-eos", "--max-tokens", "30"]),
            ({"max_tokens": 15, "repetition_penalty": 1.5, "top_p": 0.5, "temperature": 1, "seed": 3},
             ["--repetition-penalty", "1.5", "--top-p", "0.5", "--temperature", "1", "--seed", "3", "--max-tokens", "15"]),
            ({"max_tokens": 15, "frequency_penalty": 2, "presence_penalty": 1},
             ["--frequency-penalty", "2", "--presence-penalty", "1", "--max-tokens", "15"]),
            ({"max_tokens": 15, "frequency_penalty": -2}, ["--frequency-penalty", "-2", "--max-tokens", "15"]),
        ]  # fmt: skip
        for options, flags in variety:
            if "temperature" not in options:
                flags = ["--temperature", "0", *flags]
            text, tokens = self.alone("--prompt", PROMPT, *flags)
            found = self.model.generate(PROMPT, **options)
            self.equal(f"{options}", (text, tokens), (found.text, found.ids))
            self.equal(f"{options}: end", "stop" if "stop" in options else "length", found.end)
            stream = self.model.stream(PROMPT, **options)
            pieces = list(stream)
            self.equal(f"{options}: stream", (text, tokens, found.end), ("".join(pieces), stream.ids, stream.end))
            self.expect(f"{options}: pieces", len(pieces) > 3 and all(pieces), pieces)
            self.equal(f"{options}: str", text, str(found))
        # More tokens than a piece of the session has.
        text, tokens = self.alone("--prompt", self.text, "--temperature", "0", "--max-tokens", "5")
        self.equal("a long prompt", (text, tokens), self.model.generate(self.text, max_tokens=5)[:2])
        for ids in (self.ids, list(self.ids), self.ids.astype(np.uint64), self.ids[::-1].copy()[::-1]):
            self.equal("ids", tokens, self.model.generate(ids, max_tokens=5).ids)

    def case_penalties(self):
        """Against their formula, on the logits of greedy answers."""
        options = {"frequency_penalty": 0.5, "presence_penalty": 0.25, "logit_bias": {5: 3.0, 7: -100}}
        session = self.model.session()
        logits, expected = session.append(PROMPT), []
        counts = np.zeros(self.model.vocabulary, np.float32)
        for _ in range(24):
            changed = logits - 0.5 * counts - 0.25 * (counts > 0)
            changed[5] += 3
            changed[7] -= 100
            expected.append(int(changed.argmax()))
            counts[expected[-1]] += 1
            logits = session.append([expected[-1]])
        found = self.model.generate(PROMPT, max_tokens=24, ignore_end=True, **options)
        self.equal("penalties", expected, found.ids)
        plain = self.model.generate(PROMPT, max_tokens=24, ignore_end=True)
        self.expect("they matter", plain.ids != found.ids, plain)
        self.equal("one token", [9] * 3, self.model.generate(PROMPT, max_tokens=3, logit_bias={9: 100}).ids)

    def case_logits(self):
        request = self.path("request.json")
        with open(request, "w", encoding="utf-8") as file:
            json.dump([{"name": "x", "ids": self.ids.tolist()}], file)
        self.run("logits", self.stories, "--batch", request, "-o", self.path("logits"), *FLAGS)
        expected = read_tensor(self.path("logits"), "x.logits")[0]
        found = self.model.logits(self.ids)
        self.expect("same bits", found.dtype == np.float32 and np.array_equal(expected, found), (expected, found))
        session = self.model.session()
        heard = []
        row = session.append(self.text, progress=lambda *numbers: heard.append(numbers))
        self.expect("the last row", np.array_equal(row, expected[-1]), row)
        total = len(self.ids)
        self.equal("progress", [(512, total), (1024, total), (total, total)], heard)
        self.expect("no copy", np.shares_memory(row, session.logits))
        self.equal("to be read only", (False, False), (row.flags.writeable, found.flags.writeable))
        # Whatever becomes of the session, and of the model.
        copy = row.copy()
        session.generate(max_tokens=3)
        self.expect("the session went on", np.array_equal(row, copy) and not np.shares_memory(row, session.logits))
        after = session.logits
        session.reset()
        del session
        gc.collect()
        self.expect("the session is gone", np.array_equal(row, copy) and np.isfinite(after).all())
        # An append in two pieces that are no whole ones.
        session = self.model.session()
        first = session.append(self.ids[:100], every=True)
        second = session.append(self.ids[100:], every=True)
        self.expect("cut", np.array_equal(first, expected[:100]) and np.allclose(second, expected[100:], rtol=0, atol=1e-3))
        self.expect("the last of all", np.array_equal(second[-1], session.logits))

    def case_sessions(self):
        session = self.model.session()
        self.equal("empty", 0, len(session))
        self.fails("no logits", marimba.Code.BAD_STATE, "what follows the last token is not known", lambda: session.logits)
        self.fails("nothing to go on from", marimba.Code.BAD_STATE, "what follows the last token", session.generate)
        session.append(PROMPT)
        expected = self.model.generate(PROMPT, max_tokens=12)
        mark, fork = session.mark(), session.fork()
        self.equal("a session", expected, session.generate(max_tokens=12))
        self.equal("its tokens", self.model.tokenize(PROMPT).tolist() + expected.ids, session.ids.tolist())
        self.equal("a fork", expected, fork.generate(max_tokens=12))
        session.append(" More.")
        session.rewind(mark)
        self.equal("rewound", expected, session.generate(max_tokens=12))
        self.equal("again, and another", expected, fork.fork() and (fork.rewind(mark) or fork.generate(max_tokens=12)))
        other = self.model.session()
        other.append("Something else")
        self.fails("not of this one", marimba.Code.BAD_STATE, "does not go on from", other.rewind, mark)
        # Files go between the module and the program.
        session.rewind(mark)
        session.save(self.path("python.state"))
        flags = ["--temperature", "0", "--max-tokens", "12"]
        text, tokens = self.alone("--load-state", self.path("python.state"), *flags)
        self.equal("saved here", (expected.text, expected.ids), (text, tokens))
        self.run("run", self.stories, "--prompt", PROMPT, "--save-state", self.path("run.state"), "--quiet", *FLAGS)
        self.equal("saved there", expected, self.model.session(self.path("run.state")).generate(max_tokens=12))
        question = " What did it do?"
        text, tokens = self.alone("--load-state", self.path("run.state"), "--prompt", question, *flags)
        loaded = marimba.Session(self.model, self.path("run.state"))
        self.equal("a question", (text, tokens), loaded.generate(question, max_tokens=12)[:2])
        length = len(loaded)
        self.fails("no file", marimba.Code.BAD_STATE, "none.state", loaded.load, self.path("none.state"))
        self.equal("as before", length, len(loaded))

    def case_streams(self):
        """What is left early is in the session."""
        whole = self.model.generate(PROMPT, max_tokens=12)
        session = self.model.session()
        session.append(PROMPT)
        fork = session.fork()
        for piece in session.stream(max_tokens=12):
            if len(session) > len(fork) + 4:
                break
        self.equal("after a break", whole.ids[: len(session) - len(fork)], session.ids[len(fork):].tolist())
        rest = session.generate(max_tokens=12 - (len(session) - len(fork)))
        self.equal("the rest", whole.ids, session.ids[len(fork):].tolist())
        self.expect("its text", whole.text.endswith(rest.text), rest)
        with fork.stream(max_tokens=12) as stream:
            next(stream)
        self.equal("closed", ("interrupted", whole.ids[: len(stream.ids)]), (stream.end, stream.ids))
        self.equal("nothing comes", [], list(stream))
        stream = fork.stream(max_tokens=12)
        next(stream)
        fork.append(" And")
        self.fails("by other calls", marimba.Code.BAD_STATE, "the session went on by other calls", next, stream)

    def case_chat(self):
        flags = ["--quiet", "--json", "--temperature", "0", "--max-tokens", "10", "--system", "Be kind.", *FLAGS]
        lines = self.run("chat", self.stories, *flags, input="Hello\nAnd then?\n/undo\nWho?\n").splitlines()
        expected = [(json.loads(line)["answer"], json.loads(line)["end"]) for line in lines]
        chat = self.model.chat(system="Be kind.", max_tokens=10)
        found = [chat.ask("Hello"), chat.stream("And then?").answer()]
        self.equal("undo", (True, True, False), (chat.undo(), len(found) == 2, self.model.chat().undo()))
        chat.save(self.path("chat.state"))
        found.append(chat.ask("Who?"))
        self.equal("answers", expected, [(answer.text, answer.end) for answer in found])
        other = self.model.chat(max_tokens=10)
        other.load(self.path("chat.state"))
        stream = other.stream("Who?")
        pieces = list(stream)
        self.equal("pieces", found[2].text, "".join(pieces).lstrip())
        self.expect("some", len(pieces) > 3, pieces)
        heard = []

        def hear(piece):
            heard.append(piece)
            self.fails("in use", marimba.Code.BAD_STATE, "the conversation is in use", other.reset)

        self.expect("heard", other._native.ask("And?", hear) and heard, heard)
        other.reset()
        self.equal("reset", False, other.undo())
        bad = marimba.Code.BAD_ARGUMENT
        self.fails("tools", bad, "options.tools: expected a list of JSON", self.model.chat, tools={"a": 1})
        self.fails("values", bad, "options.template_values", self.model.chat, template_values="3")
        self.fails("form", marimba.Code.BAD_MODEL, "has no chat_template", self.model.chat, form="rag")

    def case_errors(self):
        bad, model, generate = marimba.Code.BAD_ARGUMENT, self.model, self.model.generate
        self.fails("an id", bad, "token id 2048 (number 2 of 2) is out of range", generate, [1, 2048])
        self.fails("a large id", bad, "an id is 4294967297", generate, [1 << 32 | 1])
        self.fails("floats", bad, "ids are float64", generate, [1.0])
        self.fails("truths", bad, "ids are bool", generate, [True])
        self.fails("a matrix", bad, "ids have 2 dimensions", generate, [[1]])
        self.fails("none", bad, "expected at least one id", generate, [])
        self.fails("zero", bad, "the character U+0000 (number 3)", generate, "ab\0")
        self.fails("surrogates", bad, "half of a surrogate pair", generate, "a\ud800")
        self.fails("a number", bad, "temperature is -1, allowed: finite and >= 0", generate, "a", temperature=-1)
        self.fails("no number", bad, "temperature is 'hot', expected a number", generate, "a", temperature="hot")
        self.fails("tokens", bad, "max_tokens is 0, expected 1 to", generate, "a", max_tokens=0)
        self.fails("a seed", bad, "seed is -1, expected 0 to", generate, "a", seed=-1)
        self.fails("a penalty", bad, "presence", generate, "a", presence_penalty=3)
        self.fails("a bias", bad, "expected a dict of ids and numbers", generate, "a", logit_bias=[1])
        self.fails("a stop", bad, "stop has an empty text", generate, "a", stop=["a", ""])
        self.fails("threads", bad, "options.threads is 5000", marimba.Model, self.stories, threads=5000)
        self.fails("a type", bad, "options.dtype is 'f64'", marimba.Model, self.stories, dtype="f64")
        self.fails("no model", marimba.Code.BAD_MODEL, "none", marimba.Model, self.path("none"))
        self.fails("compile", bad, "expected a package or options.dump_ir", marimba.compile, self.stories)
        try:
            generate("a", tempo=1)
            self.expect("a name", False)
        except TypeError as error:
            self.expect("a name", "Model.generate() got an unexpected keyword argument 'tempo'" in str(error), error)
        session = model.session()

        def fail(done, total):
            raise KeyError(done)

        try:
            session.append(self.ids, progress=fail)
            self.expect("raised", False)
        except KeyError as error:
            self.equal("raised", 512, error.args[0])
        self.equal("what was read", 512, len(session))
        session.append(self.ids[512:])
        self.expect("read on", np.array_equal(session.logits, model.logits(self.ids)[-1]))
        self.fails("from within", marimba.Code.BAD_STATE, "the session is in use", session.append, self.ids,
                   progress=lambda done, total: session.reset())  # fmt: skip

    def case_threads(self):
        """Sessions compute beside each other, and Python goes on meanwhile."""
        prompts = [f"{PROMPT} {word}" for word in ("It", "She", "The dog", "One day")]
        expected = [self.model.generate(prompt, max_tokens=16) for prompt in prompts]
        found = [None] * len(prompts)

        def work(i):
            found[i] = self.model.generate(prompts[i], max_tokens=16)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(prompts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.equal("threads", expected, found)
        # Between two pieces nothing runs but what has the GIL.
        counts, session = [0], self.model.session()
        done = threading.Event()

        def count():
            while not done.is_set():
                counts[0] += 1

        counter = threading.Thread(target=count)
        counter.start()
        ids, seen = np.tile(self.ids[1:], 3), []
        session.append(ids, progress=lambda *_: seen.append(counts[0]))
        done.set()
        counter.join()
        steps = np.diff(seen)
        self.expect("Python goes on", len(steps) > 4 and (steps > 0).all(), seen)
        session = self.model.session()
        hears = threading.Event()
        reading = threading.Thread(target=lambda: session.append(np.tile(ids, 4), progress=lambda *_: hears.set()))
        reading.start()
        hears.wait()
        self.fails("two threads", marimba.Code.BAD_STATE, "in use by another thread", session.append, [1])
        reading.join()

    def interrupted(self, code):
        """What a program prints that gets SIGINT after its first line."""
        # Whoever started this test may have had SIGINT ignored, which programs inherit.
        start = f"import marimba, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nmodel = marimba.Model({self.stories!r}, dtype='f32', threads=1)\n"
        program = [sys.executable, "-c", start + code]
        with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
            first = started.stdout.readline()
            time.sleep(0.05)
            started.send_signal(signal.SIGINT)
            try:
                out, errors = started.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                started.kill()
                out, errors = started.communicate()
            self.expect(code, started.returncode == 0 and first == "now\n", (started.returncode, errors))
            return out

    def case_interrupt(self):
        out = self.interrupted(
            "session = model.session()\nsession.append('Once')\nstream = session.stream(max_tokens=10**9, ignore_end=True)\n"
            "next(stream)\nprint('now', flush=True)\n"
            "try:\n  for piece in stream: pass\nexcept KeyboardInterrupt: print(stream.end, len(session.ids) - len(stream.ids))\n"
        )
        self.equal("a stream", f"interrupted {len(self.model.tokenize('Once'))}\n", out)
        out = self.interrupted(
            "session = model.session()\nids = [5] * 10**6\nhear = lambda done, total: done == 512 and print('now', flush=True)\n"
            "try: session.append(ids, progress=hear)\nexcept KeyboardInterrupt: print(0 < len(session) < len(ids), len(session) % 512)\n"
        )
        self.equal("reading", "True 0\n", out)
        out = self.interrupted(
            "chat = model.chat(max_tokens=10**9)\nprint('now', flush=True)\n"
            "try: chat.ask('word ' * 10**6)\nexcept KeyboardInterrupt: print(chat.undo(), chat.ask.__name__)\n"
        )
        self.equal("a conversation", "False ask\n", out)

    def case_packages(self):
        """The library without the compiler runs what was compiled."""
        package, dump = self.path("stories.marimba"), self.path("ir")
        marimba.compile(self.stories, package, dump_ir=dump, dtype="f32")
        names = sorted(os.listdir(dump))
        self.expect("IR", names[0].startswith("0") and names[-1].endswith("-llvm.mlir") and len(names) > 5, names)
        with open(os.path.join(dump, names[-1]), encoding="utf-8") as file:
            self.expect("of the model", "llvm.func" in file.read(100000))
        self.fails("it is there", marimba.Code.BAD_MODEL, "stories.marimba", marimba.compile, self.stories, package)
        expected = self.model.generate(PROMPT, max_tokens=12)
        self.equal("with the compiler", expected, marimba.Model(package).generate(PROMPT, max_tokens=12))
        code = (
            f"import marimba\nassert not marimba.has_compiler and marimba.library.endswith('libmarimba-runtime.so.0'), marimba.library\n"
            f"print(marimba.Model({package!r}).generate({PROMPT!r}, max_tokens=12).ids)\n"
            f"try: marimba.Model({self.stories!r})\nexcept marimba.Error as error: print(error.code.name, error)\n"
            f"try: marimba.compile({self.stories!r}, 'x')\nexcept marimba.Error as error: print(error.code.name)\n"
            "import os; print('LLVM' in open('/proc/self/maps').read())\n"
        )
        environment = {**os.environ, "MARIMBA_LIBRARY": marimba.library.replace("libmarimba.so", "libmarimba-runtime.so")}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, env=environment)
        lines = done.stdout.splitlines()
        self.expect("without", done.returncode == 0 and len(lines) == 4, done)
        self.equal("its answer", str(expected.ids), lines[0])
        self.expect("what it lacks", lines[1].startswith("NO_COMPILER") and "libmarimba-runtime has no compiler" in lines[1], lines)
        self.equal("no LLVM", ["NO_COMPILER", "False"], lines[2:])
        environment["MARIMBA_LIBRARY"] = "/none/libmarimba.so"
        done = subprocess.run([sys.executable, "-c", "import marimba"], capture_output=True, text=True, timeout=SECONDS, env=environment)
        self.expect("no library", "ImportError: marimba: /none/libmarimba.so: cannot open" in done.stderr, done)

    def case_examples(self):
        folder = os.path.join(os.path.dirname(self.stories), "python")

        def example(name, *arguments):
            done = subprocess.run([sys.executable, os.path.join(folder, name), *arguments], capture_output=True, text=True, timeout=SECONDS)
            self.expect(name, done.returncode == 0, done)
            return done.stdout, done.stderr

        with open(os.path.join(self.stories, "recall.jsonl"), encoding="utf-8") as file:
            case = json.loads(file.readline())
        text, question = case["text"].split(" What was the secret word", 1)
        question = " What was the secret word" + question
        with open(self.path("book.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        arguments = [self.stories, self.path("book.txt"), self.path("book.state"), question, " The dog was"]
        once, told = example("read_and_ask.py", *arguments)
        self.expect("the word", once.splitlines()[0] == question.strip() + case["answer"], once)
        self.expect("progress", "######" in told, told)
        again, told = example("read_and_ask.py", *arguments)
        self.expect("from the file", again == once and "####" not in told, (again, told))
        out, told = example("stream.py", self.stories, PROMPT, "12")
        expected = self.run("run", self.stories, "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "12", "--quiet")
        self.equal("stream", expected.rstrip("\n"), out.rstrip("\n"))
        out, _ = example("surprise.py", self.stories, PROMPT)
        self.equal("surprise", len(self.model.tokenize(PROMPT)), len(out.splitlines()))


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
