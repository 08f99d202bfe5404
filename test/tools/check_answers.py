#!/usr/bin/env python3
"""How an answer begins, goes on and ends, by what a model's files say, in run, chat,
batches and a program that uses the C interface.

  check_answers.py MARIMBA LIBRARY WORK

LIBRARY is libmarimba-runtime.so, or "none" where it cannot be loaded.
"""

import json
import os
import subprocess
import sys

import checker
import marimba_library

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from tiny_models import ARRAY, I32, STRING, U32, U64, Chain, write_gguf  # noqa: E402

SECONDS = 120
MOST = 9  # new tokens, where nothing ends them
# The last character of a question is what a Chain answers.
TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n\n{% endfor %}"


class Checker(checker.Checker):
    def __init__(self, marimba, library, work):
        super().__init__(work)
        self.marimba, self.library = marimba, library

    def run(self, *arguments, stdin=""):
        command = [self.marimba, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)

    def answer(self, model, *flags, prompt="Hi\n"):
        """The text of `marimba run` and its number of tokens."""
        done = self.run("run", model, "--prompt", prompt, "--max-tokens", str(MOST), "--json", "--quiet", *flags)
        if done.returncode:
            return done.stderr, -1
        made = json.loads(done.stdout)
        return made["text"], len(made["tokens"])

    def turn(self, model, *flags, question="Hi"):
        """The answer of `marimba chat` and why it ended."""
        done = self.run("chat", model, "--max-tokens", str(MOST), "--json", "--quiet", *flags, stdin=question + "\n")
        if done.returncode:
            return done.stderr, "error"
        made = json.loads(done.stdout)
        return made["answer"], made["end"]

    def batch(self, model, *flags, prompts=("Hi\n",)):
        lines, out = self.path("prompts.jsonl"), self.path("answers.jsonl")
        if os.path.exists(out):
            os.remove(out)
        with open(lines, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
        done = self.run("run", model, "--prompts", lines, "-o", out, "--max-tokens", str(MOST), "--quiet", *flags)
        if done.returncode:
            return [(done.stderr, "error")]
        with open(out, encoding="utf-8") as file:
            return [(made["text"], made["end"]) for made in map(json.loads, file)]

    @staticmethod
    def chain(end, specials=(), extra=()):
        """Answers "Yes", the token `end`, and "No" for ever."""
        specials = ("<unk>", "<s>", "</s>", *specials)
        made = Chain(specials + ((end,) if end not in specials + tuple(extra) else ()), extra)
        made.say("\n", "Y", "e", "s", end, "N", "o", "N")
        return made

    def gguf(self, chain, types=None, **keys):
        keys = {f"tokenizer.ggml.{key}": value for key, value in keys.items()}
        meta, tensors = chain.gguf(**keys)
        for token, kind in (types or {}).items():
            meta["tokenizer.ggml.token_type"][1][1][chain.ids[token]] = kind
        return write_gguf(self.path("model.gguf"), meta, tensors)

    def ends(self, what, model, good=True, everywhere=False):
        found = self.answer(model)
        self.expect(what, found == (("Yes", 4) if good else ("YesNoNoN", MOST)), found)
        for way, found in (("chat", self.turn(model)), ("batch", self.batch(model)[0])) if everywhere else ():
            self.expect(f"{what}: {way}", found == (("Yes", "model") if good else ("YesNoNoN", "length")), found)

    def case_gguf_texts(self):
        """Whatever the keys say; a part of the list of llama.cpp in one model."""
        for end in ("<|eot_id|>", "<end_of_turn>", "[EOT]", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|repo_name|>"):
            text, count = self.answer(self.gguf(self.chain(end)))
            self.expect(f"GGUF, {end}", (text, count) == ("Yes", 4), (text, count))
        for kind, what in ((1, "normal"), (4, "defined by the user")):
            text, count = self.answer(self.gguf(self.chain("<|im_end|>"), {"<|im_end|>": kind}))
            self.expect(f"GGUF, <|im_end|>, {what}", (text, count) == ("Yes", 4), (text, count))
        text, count = self.answer(self.gguf(self.chain("<|im_end|>")), "--no-eos")
        self.expect("GGUF, --no-eos", count == MOST, (text, count))
        text, count = self.answer(self.gguf(self.chain("<|start|>")))
        self.expect("GGUF, another control token", count == MOST, (text, count))

    def case_gguf_keys(self):
        chain = self.chain("<x>")
        end, other = chain.ids["<x>"], chain.ids["<s>"]
        none = 2**32 - 1
        for what, keys, good in (
            ("eos", {"eos_token_id": (U32, end)}, True),
            ("eot", {"eot_token_id": (U32, end)}, True),
            ("eom", {"eom_token_id": (U32, end)}, True),
            ("a list", {"eos_token_ids": (ARRAY, (I32, [other, end]))}, True),
            ("a list with none in it", {"eos_token_ids": (ARRAY, (U64, [2**64 - 1, end]))}, True),
            ("no token in 64 bits", {"eos_token_id": (U64, 2**63), "eot_token_id": (U32, end)}, True),
            ("between files", {"fim_sep_token_id": (U32, end)}, True),
            ("start of text", {"bos_token_id": (U32, end)}, False),
            ("none", {"eot_token_id": (U32, none), "eom_token_id": (I32, -1)}, False),
        ):
            text, count = self.answer(self.gguf(chain, **keys))
            self.expect(f"GGUF, {what}", count == (4 if good else MOST), (text, count))

    def case_exclusions(self):
        """GPT-OSS: <|end|> ends a message where there are <|return|> and <|call|>."""
        alone = self.chain("<|end|>")
        self.expect("<|end|> alone", self.answer(self.gguf(alone))[1] == 4)
        both = self.chain("<|end|>", ("<|return|>", "<|call|>"))
        self.expect("<|end|> beside <|return|>", self.answer(self.gguf(both))[1] == MOST)
        self.expect("in a directory", self.answer(both.write(self.path("oss")))[1] == MOST)
        gemma = Chain(("<unk>", "<s>", "</s>", "<eos>", "<|tool_response>"))
        gemma.say("\n", "Y", "e", "s", "</s>", "N", "o", "N")
        self.expect("</s> of Gemma 4", self.answer(self.gguf(gemma, eos_token_id=(U32, gemma.ids["<eos>"])))[1] == MOST)

    def case_directory(self):
        im_end = self.chain("<|im_end|>")
        self.ends("the vocabulary", im_end.write(self.path("vocabulary"), template=TEMPLATE), everywhere=True)
        plain = im_end.tokenizer()
        plain["added_tokens"][-1]["special"] = False
        model = im_end.write(self.path("words"), tokenizer=plain)
        self.expect("a word that looks like it", self.answer(model)[1] == MOST)
        x = self.chain("<x>")
        end = x.ids["<x>"]
        for number, (what, files, good) in enumerate((
            ("config.json", {"config": {"eos_token_id": end}}, True),
            ("config.json, a list", {"config": {"eos_token_id": [2, end]}}, True),
            ("generation_config.json", {"generation": {"eos_token_id": [2, end]}}, True),
            ("generation_config.json, in place of config.json", {"config": {"eos_token_id": end}, "generation": {"eos_token_id": 2}}, False),
            ("generation_config.json, null", {"config": {"eos_token_id": end}, "generation": {"eos_token_id": None}}, True),
            ("generation_config.json, -1", {"config": {"eos_token_id": end}, "generation": {"eos_token_id": -1}}, True),
            ("tokenizer_config.json", {"tokenizer_config": {"eos_token": "<x>"}}, True),
            ("tokenizer_config.json, an object", {"tokenizer_config": {"eos_token": {"content": "<x>"}}}, True),
            ("tokenizer_config.json, no token", {"tokenizer_config": {"eos_token": "<y>"}}, False),
            ("tokenizer_config.json, null", {"tokenizer_config": {"eos_token": None}}, False),
        )):
            self.ends(what, x.write(self.path(f"files-{number}"), template=TEMPLATE, **files), good, number == 6)
        model = x.write(self.path("map"), template=TEMPLATE)
        with open(os.path.join(model, "special_tokens_map.json"), "w", encoding="utf-8") as file:
            json.dump({"eos_token": "<x>"}, file)
        self.ends("special_tokens_map.json", model)
        model = im_end.write(self.path("nothing"), generation={"eos_token_id": []})
        self.expect("an empty list: nothing ends", self.answer(model)[1] == MOST)
        ids = ",".join(map(str, x.encode("Hi\n")))
        done = self.run("run", self.path("files-6"), "--ids", ids, "--max-tokens", str(MOST), "--quiet")
        self.expect("--ids", len(done.stdout.split()) == 4, done.stdout + done.stderr)

    def case_inspect(self):
        x = self.chain("<x>", ("<|im_end|>",))
        model = x.write(self.path("inspected"), tokenizer_config={"eos_token": "<x>"})
        done = self.run("inspect", model)
        self.expect("inspect", "<x> (tokenizer_config.json: eos_token)" in done.stdout, done.stdout + done.stderr)
        listed = json.loads(self.run("inspect", model, "--json").stdout)
        ids = [x.ids[token] for token in ("</s>", "<x>", "<|im_end|>")]
        self.expect("inspect --json", listed["end_token_ids"] == ids, listed)

    def case_stop(self):
        """Special tokens in stop texts; nothing of a stop text is shown, and what only
        began as one is."""
        chain = Chain(("<unk>", "<s>", "</s>", "<tool>", "<user>"))
        chain.say("\n", "Y", "e", "s", "<tool>", "U", "<user>", "r", "x")
        models = (chain.write(self.path("stops"), template=TEMPLATE),
                  self.gguf(chain, **{}))
        for model in models:
            for stop, shown in (
                ("<tool>", "Yes"),
                ("s<tool>", "Ye"),
                ("es<tool>U", "Y"),
                ("<tool>U<user>", "Yes"),
                ("U<user>r", "Yes"),
                ("sU<user>", "Ye"),  # over a token that it does not name
                ("sUr", "Ye"),
                ("es", "Y"),
                ("<tool>X", None),
                ("s<tool><user>", None),
                ("tool", None),  # a part of a token is none
                ("<to", None),
                ("tool>U", None),
            ):
                found = self.batch(model, "--stop", stop, "--stop", "never")[0]
                wanted = (shown, "stop") if shown else ("YesUrxxx"[: MOST - 2], "length")
                self.expect(f"--stop {stop} of {os.path.basename(model)}", found == wanted, found)
        text, _ = self.answer(models[0], "--stop", "es<tool>U")
        self.expect("run --stop", text == "Y", text)
        found = self.turn(models[0], "--stop", "es<tool>U")
        self.expect("chat --stop", found == ("Y", "stop"), found)
        # A stop text with the end of an answer in it.
        found = self.turn(self.chain("<|im_end|>").write(self.path("both"), template=TEMPLATE), "--stop", "s<|im_end|>")
        self.expect("--stop with an end", found == ("Ye", "stop"), found)

    def case_gguf_templates(self):
        """The form of a conversation in a GGUF file is that of a directory."""
        chain = Chain(("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"))
        chain.say("\n", "Y", "e", "s", "</s>")
        chain.say("!", "N", "o", "</s>")
        form = (
            "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
            "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        )
        keys, tensors = chain.gguf(**{
            "tokenizer.chat_template": (STRING, form),
            "tokenizer.chat_templates": (ARRAY, (STRING, ["rag"])),
            "tokenizer.chat_template.rag": (STRING, "{{ messages[0]['content'] }}!"),
            "tokenizer.chat_template.tool_use": (STRING, "{{ eos_token }}!"),
        })
        gguf = write_gguf(self.path("forms.gguf"), keys, tensors)
        folder = chain.write(self.path("forms"), template=form, tokenizer_config={"bos_token": "<s>"})
        states = []
        for model in (gguf, folder):
            state = self.path("form.state")
            done = self.run("chat", model, "--quiet", "--system", "Be kind.", stdin=f"Hi\n/save {state}\n")
            self.expect(f"{os.path.basename(model)}: answers", done.stdout == "Yes\n" and not done.stderr, done.stdout + done.stderr)
            states.append(json.loads(self.run("inspect", state, "--json").stdout)["tokens"])
        text = chain.decode(states[0])
        wanted = "<s><|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes"
        self.expect("the same tokens", states[0] == states[1] and text == wanted, text)
        for name, answer in (("default", "Yes"), ("rag", "No"), ("tool_use", "No")):
            found = self.turn(gguf, "--template", name)
            self.expect(f"GGUF, --template {name}", found == (answer, "model"), found)
        found, _ = self.turn(gguf, "--template", "other")
        self.expect("GGUF, no such template", 'has no template called "other", only "default", "rag"' in found, found)
        found, _ = self.turn(self.gguf(chain), "--template", "rag")
        self.expect("GGUF, no template", found == f"error: {self.path('model.gguf')}: has no chat_template\n", found)
        empty, _ = chain.gguf(**{"tokenizer.chat_template": (STRING, "")})
        done = self.run("chat", write_gguf(self.path("empty.gguf"), empty, tensors), "--max-tokens", "1", stdin="Hi\n")
        self.expect("GGUF, an empty template", "has no chat template; messages are written" in done.stderr, done.stderr)
        keys["tokenizer.chat_template"] = (STRING, "")
        found, _ = self.turn(write_gguf(gguf, keys, tensors))
        self.expect("GGUF, an empty default", 'has no template called "default", only "rag", "tool_use"' in found, found)
        keys["tokenizer.chat_template"] = (U32, 3)
        found, _ = self.turn(write_gguf(gguf, keys, tensors))
        self.expect("GGUF, a number", "key 'tokenizer.chat_template' is 3, expected a string" in found, found)

    def case_defaults(self):
        """generation_config.json samples as transformers does; options win one by one."""
        chain = self.chain("<x>")
        for number, (given, flags, greedy, note) in enumerate((
            ({"temperature": 9, "top_p": 0.5}, [], True, ""),
            ({"do_sample": False, "temperature": 9}, [], True, ""),
            ({"do_sample": True, "temperature": 9}, [], False, " --temperature 9 --top-k 50"),
            ({"do_sample": True, "temperature": 9, "top_k": 1}, [], True, " --temperature 9 --top-k 1"),
            ({"do_sample": True, "temperature": 9.0, "top_k": None, "min_p": 0.1}, [], False, " --temperature 9 --min-p 0.1"),
            ({"do_sample": True, "temperature": 9, "top_k": 0, "top_p": 0.001}, [], True, " --temperature 9 --top-p 0.001"),
            ({"do_sample": True, "temperature": 9}, ["--temperature", "0"], True, ""),
            ({"do_sample": True, "temperature": 9}, ["--top-k", "1"], True, " --temperature 9"),
            ({"do_sample": True, "temperature": 9, "top_k": 5}, ["--temperature", "0.01"], True, " --top-k 5"),
            ({"temperature": 9}, ["--seed", "1"], False, " --temperature 9"),
            ({"do_sample": None, "temperature": None, "top_p": None}, [], True, ""),
        )):
            model = chain.write(self.path(f"defaults-{number}"), generation={"eos_token_id": 2, **given}, template=TEMPLATE)
            line = f"note: {model}/generation_config.json:{note} where options do not say otherwise\n"
            done = self.run("run", model, "--prompt", "Hi\n", "--max-tokens", "5", *flags)
            self.expect(f"{given} {flags}: run", (done.stdout == "Hi\nYesN\n") == greedy, done.stdout)
            self.expect(f"{given} {flags}: note", (line in done.stderr) if note else "options" not in done.stderr, done.stderr)
            if number % 4 != 3:
                continue
            found = self.turn(model, *flags)[0]
            self.expect(f"{given} {flags}: chat", (found == "YesNoNoN") == greedy, found)
            found = self.batch(model, *flags)[0][0]
            self.expect(f"{given} {flags}: batch", (found == "YesNoNoN") == greedy, found)
        model = chain.write(self.path("penalty"), generation={"eos_token_id": 2, "repetition_penalty": 1e9})
        done = self.run("run", model, "--prompt", "\n", "--max-tokens", "1")
        self.expect("a penalty counts without do_sample", ": --repetition-penalty 1e+09 where" in done.stderr, done.stderr)
        for name, value, message in (
            ("temperature", -1, "temperature is -1, allowed"),
            ("temperature", "hot", 'temperature: expected a number, found "hot"'),
            ("top_p", -0.5, "top-p is -0.5, allowed"),
            ("do_sample", 2, "do_sample: expected true or false, found 2"),
        ):
            chain.write(model, generation={name: value})
            done = self.run("run", model, "--prompt", "\n")
            good = done.returncode == 1 and f"error: {model}/generation_config.json: {message}" in done.stderr
            self.expect(f"{name} {value}", good, done.stderr)

    def case_goes_on(self):
        """A session that was saved at --max-tokens goes on without new text."""
        chain = self.chain("<x>")
        model = chain.write(self.path("long"), template=TEMPLATE)
        first, second = self.path("first.state"), self.path("second.state")
        load = ["run", model, "--quiet", "--load-state"]
        done = self.run("run", model, "--prompt", "Hi\n", "--max-tokens", "2", "--quiet", "--save-state", first)
        self.expect("saved", done.stdout == "Hi\nYe\n", done.stdout + done.stderr)
        done = self.run(*load, first, "--max-tokens", "3", "--save-state", second)
        self.expect("goes on", done.stdout == "sN\n", done.stdout + done.stderr)
        done = self.run(*load, second, "--max-tokens", "3", "--stop", "N")
        self.expect("and on", done.stdout == "o\n", done.stdout + done.stderr)
        done = self.run(*load, first, "--prompt", "!\n", "--max-tokens", "2")
        self.expect("or with more text", done.stdout == "!\nYe\n", done.stdout + done.stderr)
        self.run("run", model, "--prompt", "Hi\n", "--save-state", first)
        done = self.run(*load, first, "--max-tokens", "3")
        self.expect("behind a prompt", done.stdout == "Yes\n", done.stdout + done.stderr)
        self.run("chat", model, "--max-tokens", "2", stdin=f"Hi\n/save {first}\n")
        done = self.run(*load, first, "--max-tokens", "3")
        self.expect("behind a conversation", done.stdout == "sN\n", done.stdout + done.stderr)
        done = self.run("chat", model, "--quiet", "--max-tokens", "3", "--load-state", first, stdin=f"/save {second}\nHi\n")
        self.expect("the conversation itself", done.stdout == "Yes\n", done.stdout + done.stderr)
        done = self.run(*load, second, "--max-tokens", "1")
        self.expect("behind a conversation that was loaded", done.stdout == "s\n", done.stdout + done.stderr)
        done = self.run("run", model)
        self.expect("nothing to go on from", "or --load-state" in done.stderr, done.stderr)

    def case_reader(self):
        """A reader that goes away ends the run at the first write that fails."""
        chain = Chain()
        chain.say("\n", "a", "\n")
        model = chain.write(self.path("endless"), template=TEMPLATE)
        state = self.path("endless.state")
        many = str(10**9)
        for what, arguments in (
            ("run", ["run", model, "--prompt", "\n", "--max-tokens", many, "--save-state", state]),
            ("ids", ["run", model, "--ids", "3", "--max-tokens", many, "--quiet"]),
            ("chat", ["chat", model, "--max-tokens", many]),
        ):
            # Not to be killed by the signal is what a shell may ask for.
            process = subprocess.Popen([self.marimba, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, restore_signals=False)
            process.stdin.write(b"Hi\n" * 3)
            process.stdin.close()
            process.stdout.read(10)
            process.stdout.close()
            code = process.wait(timeout=SECONDS)
            errors = process.stderr.read()
            self.expect(f"{what}: no reader", code == 1 and b"error: stdout: Broken pipe\n" in errors, (code, errors))
        self.expect("nothing is saved", not os.path.exists(state))

    def case_c_interface(self):
        if self.library == "none":
            return
        library = marimba_library.Library(self.library)
        chain = self.chain("<|im_end|>", ("<x>",))
        for name, model in (
            ("directory", chain.write(self.path("of-c"), tokenizer_config={"eos_token": "<x>"})),
            ("GGUF", self.gguf(chain, eom_token_id=(U32, chain.ids["<x>"]))),
        ):
            package = self.path(f"{name}.marimba")
            done = self.run("compile", model, "--emit=package", "-o", package)
            self.expect(f"C, {name}: compiles", done.returncode == 0, done.stderr)
            opened = library.open(package)
            ids = [chain.ids[token] for token in ("</s>", "<x>", "<|im_end|>")]
            self.expect(f"C, {name}: ends", opened.end_ids() == ids, opened.end_ids())
            answer = opened.answer(["<x>N"], chain.encode("Hi\n"))
            pushed = [answer.push(chain.id(token)) for token in ("s", "<x>", "o", "<x>", "N")]
            self.expect(f"C, {name}: a stop text", pushed == [("s", 0), ("", 0), ("o", 0), ("", 0), ("", 1)], pushed)
            answer = opened.answer(["<x>N", "o!"], [])
            pushed = [answer.push(chain.id(token)) for token in ("<x>", "o")] + [answer.finish()]
            session = opened.session()
            logits = session.append(chain.encode("Hi\n"))
            session.save(self.path("c.state"))
            again = opened.session()
            again.restore(self.path("c.state"))
            self.expect(f"C, {name}: goes on", again.logits() == logits)
            self.expect(f"C, {name}: no stop text", pushed == [("", 0), ("", 0), "o"], pushed)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
