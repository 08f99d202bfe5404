#!/usr/bin/env python3
"""Model directories whose tokenizer is in other files than tokenizer.json alone,
through each program that reads a text, and through a package.

  check_tokenizer_files.py MARIMBA LIBRARY WORK

LIBRARY is libmarimba-runtime.so.
"""

import json
import os
import subprocess
import sys

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")
sys.path.append(TOOLS)
import checker  # noqa: E402
import marimba_library  # noqa: E402
import tiny_models  # noqa: E402

LLAMA = {"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 17\n"


class Files(checker.Checker):
    def __init__(self, marimba, library, work):
        super().__init__(work)
        self.marimba = marimba
        self.library = library
        self.chain = tiny_models.Chain()
        self.env = dict(os.environ, MARIMBA_CACHE_DIR=self.path("cache"))

    def run(self, *arguments):
        return subprocess.run([self.marimba, *arguments], capture_output=True, text=True, env=self.env)

    def model(self, name, files=None, **given):
        folder = self.chain.write(self.path(name), **given)
        for file, content in (files or {}).items():
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(content if isinstance(content, str) else json.dumps(content))
        return folder

    def ids(self, folder, text="ab"):
        done = self.run("tokenize", folder, "--text", text)
        return [int(i) for i in done.stdout.split(",")] if done.returncode == 0 else done.stderr

    def case_every_entry_takes_the_configuration(self):
        # A token of the vocabulary that only the configuration makes one of texts.
        self.chain = tiny_models.Chain(("<unk>", "<s>", "</s>", "<go>"))
        self.chain.say("<go>", "q", "</s>")
        start, ab, go = self.chain.id("<s>"), self.chain.encode("ab"), self.chain.id("<go>")
        tokenizer = self.chain.tokenizer()
        del tokenizer["added_tokens"][3]
        config = dict(LLAMA, add_bos_token=True, additional_special_tokens=["<go>"])
        folder = self.model("flags", tokenizer=tokenizer, tokenizer_config=config)
        found = self.ids(folder, "ab<go>")
        self.expect("tokenize", found == [start] + ab + [go], found)
        run = self.run("run", folder, "--prompt", "ab<go>", "--json", "--max-tokens", "2", "--temperature", "0")
        answer = json.loads(run.stdout) if run.returncode == 0 else {}
        good = answer.get("text") == "q" and answer["timing"]["prompt_tokens"] == 4
        self.expect("run", good, run.stdout + run.stderr)
        with open(self.path("prompts"), "w", encoding="utf-8") as file:
            file.write('{"prompt": "ab<go>"}\n')
        answers = self.path("answers")
        self.run("run", folder, "--prompts", self.path("prompts"), "-o", answers, "--max-tokens", "2", "--temperature", "0")
        with open(answers, encoding="utf-8") as file:
            answer = json.loads(file.readline())
        self.expect("batch", answer["text"] == "q", answer)
        with open(self.path("text"), "w", encoding="utf-8") as file:
            file.write("ab" * 20 + "<go>")
        done = self.run("eval", folder, "--text", self.path("text"), "--window", "42", "--json")
        self.expect("eval", done.returncode == 0, done.stderr)
        done = self.run("eval", folder, "--text", self.path("text"), "--window", "43")
        self.expect("eval of a window more", "has 42 tokens" in done.stderr, done.stderr)
        self.chain = tiny_models.Chain()

    def case_packages_take_it_too(self):
        start, ab = self.chain.id("<s>"), self.chain.encode("ab")
        added = {str(self.chain.size): {"content": "<|im_end|>", "special": True}}
        config = dict(LLAMA, add_bos_token=True, added_tokens_decoder=added)
        folder = self.model("packaged", tokenizer_config=config)
        done = self.run("compile", folder, "--emit=package", "-o", self.path("packed.marimba"))
        self.expect("compile", done.returncode == 0, done.stderr)
        model = marimba_library.Library(self.library).open(self.path("packed.marimba"))
        n = self.ids(folder, "<|im_end|>")[-1]
        self.expect("package", model.encode("ab<|im_end|>") == [start] + ab + [n], model.encode("ab<|im_end|>"))

    def case_vocabulary_and_merges(self):
        vocab = {token: i for i, token in enumerate(self.chain.tokens)}
        folder = self.model("slow", tokenizer=False, files={"vocab.json": vocab, "merges.txt": "#version: 0.2\n~ ~\n"})
        self.expect("vocab.json", self.ids(folder, "~~ b") == self.chain.encode(["~~", " ", "b"]), self.ids(folder, "~~ b"))
        os.remove(os.path.join(folder, "merges.txt"))
        found = self.ids(folder)
        self.expect("no merges", isinstance(found, str) and "; vocab.json is there, but needs merges.txt beside it" in found, found)

    def case_other_files(self):
        for name, what in (("sentencepiece.bpe.model", "has other ids than its model"), ("vocab.txt", "word pieces")):
            found = self.ids(self.model("other-" + name, tokenizer=False, files={name: "x"}))
            self.expect(name, isinstance(found, str) and f"; {name} is there, but " in found and what in found, found)
            self.expect("one line", found.count("\n") == 1, found)
        for name in ("tokenizer.json", "tokenizer.model", "tekken.json", "spiece.model", "tiktoken.model", "tokenizer_config.json"):
            has_own = name == "tokenizer_config.json"
            folder = self.model("lfs-" + name, tokenizer=None if has_own else False, files={name: POINTER})
            for command in (["tokenize", folder, "--text", "a"], ["run", folder, "--prompt", "a"]):
                done = self.run(*command)
                good = done.returncode == 1 and f"{name}: is a Git LFS pointer" in done.stderr and "git lfs pull" in done.stderr
                self.expect(f"pointer as {name}", good and done.stderr.count("\n") == 1, done.stderr)

    def case_notes(self):
        tokenizer = self.chain.tokenizer()
        tokenizer["added_tokens"][2]["id"] = 700
        folder = self.model("notes", tokenizer=tokenizer)
        end = self.chain.id("</s>")
        for command in (["tokenize", folder, "--text", "a"], ["run", folder, "--prompt", "a", "--max-tokens", "1"]):
            done = self.run(*command)
            note = f'note: {folder}/tokenizer.json: added_tokens[2] says that the id of "</s>" is 700, but it is {end}, by model.vocab\n'
            self.expect("note of " + command[0], done.returncode == 0 and note in done.stderr, done.stderr)

    def case_expressions_that_explode(self):
        tokenizer = self.chain.tokenizer()
        tokenizer["pre_tokenizer"] = {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": "(?:a|aa)+$"}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False, "trim_offsets": True},
            ],
        }
        folder, text = self.model("explosion", tokenizer=tokenizer), "a" * 60 + "b"
        with open(self.path("explosive"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(self.path("explosive.jsonl"), "w", encoding="utf-8") as file:
            file.write(json.dumps({"prompt": text}) + "\n")
        for command in (
            ["tokenize", folder, "--text", text],
            ["run", folder, "--prompt", text],
            ["run", folder, "--prompts", self.path("explosive.jsonl"), "-o", self.path("none")],
            ["eval", folder, "--text", self.path("explosive")],
        ):
            done = self.run(*command)
            good = done.returncode == 1 and f'{folder}/tokenizer.json: the expression "(?:a|aa)+$" cannot' in done.stderr
            self.expect("explosion in " + " ".join(command[:1] + command[2:3]), good, done.stderr)
        self.expect("no answers", not os.path.exists(self.path("none")))


sys.exit(checker.run_cases(Files))
