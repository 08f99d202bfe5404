#!/usr/bin/env python3
"""Where an answer ends, by what a model's files say, in run, chat, batches and a
program that uses the C interface.

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
from tiny_models import ARRAY, I32, U32, Chain, write_gguf  # noqa: E402

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

    def ends(self, what, model, good=True):
        for way, found in (("run", self.answer(model)[1]), ("chat", self.turn(model)[1]), ("batch", self.batch(model)[0][1])):
            wanted = {"run": 4 if good else MOST, "chat": "model" if good else "length", "batch": "model" if good else "length"}[way]
            self.expect(f"{what}: {way}", found == wanted, found)

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
        self.ends("the vocabulary", im_end.write(self.path("vocabulary"), template=TEMPLATE))
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
            self.ends(what, x.write(self.path(f"files-{number}"), template=TEMPLATE, **files), good)
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
            self.expect(f"C, {name}: no stop text", pushed == [("", 0), ("", 0), "o"], pushed)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
