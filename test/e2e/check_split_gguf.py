#!/usr/bin/env python3
"""Models in several GGUF files, as llama-gguf-split cuts them: any part stands
for all, with the numbers of the one file; what does not fit together is named.

  check_split_gguf.py MARIMBA GOLDENS TOKENIZER WORK

TOKENIZER is one of test/runtime/Inputs. A broken model is a function `case_...`
that changes the files of a whole one and returns words of the message.
"""

import json
import os
import shutil
import subprocess
import sys

import compare
import gguf_file
import make_gguf
from gguf_file import STRING, UINT16, UINT32
from gguf_tokenizer import tokenizer_keys

IDS = "3,17,5,9,2"
FLAGS = ["--dtype=f32", "--threads=1"]


class Model:
    """A golden as one file and as parts, the first without tensors."""

    def __init__(self, goldens, golden, kind, tokenizer):
        config, tensors = make_gguf.read_model(os.path.join(goldens, golden))
        self.keys = {**make_gguf.metadata(config), **tokenizer}
        self.tensors = make_gguf.convert(config, tensors, kind)
        third = len(self.tensors) // 3
        self.counts = [0, third, len(self.tensors) - third]

    def whole(self, path):
        gguf_file.write_gguf(path, self.keys, self.tensors)

    def parts(self, stem):
        return gguf_file.write_split(stem, self.keys, self.tensors, self.counts)


class Checks:
    def __init__(self, marimba, work):
        self.marimba, self.work, self.failures = marimba, work, 0

    def expect(self, what, good, why=""):
        print("ok  " if good else "FAIL", what, "" if good else why)
        self.failures += not good

    def run(self, *arguments):
        """Exit code, stdout, stderr."""
        environment = {**os.environ, "MARIMBA_CACHE_DIR": os.path.join(self.work, "kept")}
        done = subprocess.run(
            [self.marimba, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
            env=environment,
        )
        return done.returncode, done.stdout, done.stderr

    def good(self, *arguments):
        code, out, words = self.run(*arguments)
        self.expect(" ".join(arguments[:2]), code == 0, words)
        return out

    def logits(self, model, *flags):
        out = os.path.join(self.work, "out.safetensors")
        self.good("logits", model, "--ids", IDS, "-o", out, *FLAGS, *flags)
        return compare.load(out)["logits"].values.tobytes()


def check_numbers(checks, model, folder):
    """Any part gives the logits of the one file, which is not there."""
    one = os.path.join(checks.work, "one.gguf")
    model.whole(one)
    expected = checks.logits(one, "--no-cache")
    parts = model.parts(os.path.join(folder, "model"))
    for part in parts:
        name = os.path.basename(part)
        checks.expect(f"{name}: the numbers of one file", checks.logits(part, "--no-cache") == expected)
    # What is kept by one part's name is found by another's.
    timings = []
    for part in parts:
        out = checks.good("run", part, "--ids", IDS, "--max-tokens", "2", "--json", *FLAGS)
        timings.append(json.loads(out)["timing"])
    kept = [t["weights_packed"] == 0 and t["code_from_cache"] for t in timings]
    checks.expect("kept once for all parts", kept == [False, True, True], str(timings))
    return parts


def check_texts(checks, parts):
    """The first part has the tokenizer, of which the others are not needed."""
    answers = [checks.good("tokenize", part, "--text", "Once upon", "--json") for part in parts]
    checks.expect("one tokenizer", len(set(answers)) == 1 and answers[0].startswith("{"))
    alone = os.path.join(checks.work, "alone")
    os.makedirs(alone)
    shutil.copy(parts[0], alone)
    first = os.path.join(alone, os.path.basename(parts[0]))
    checks.expect("of the first part alone", checks.good("tokenize", first, "--text", "Once upon", "--json") == answers[0])


def check_package(checks, model, parts):
    """A package reads all parts, where they and it are moved together."""
    package = os.path.join(os.path.dirname(parts[0]), "model.marimba")
    checks.good("compile", parts[1], "--emit=package", "-o", package, *FLAGS)
    moved = os.path.join(checks.work, "moved")
    os.rename(os.path.dirname(parts[0]), moved)
    package = os.path.join(moved, "model.marimba")
    one = os.path.join(checks.work, "one.gguf")
    arguments = ["--ids", IDS, "--max-tokens", "4", "--json", "--no-cache"]
    ids = [json.loads(checks.good("run", where, *arguments, *flags))["tokens"] for where, flags in ((package, []), (one, FLAGS))]
    checks.expect("the package's ids", ids[0] == ids[1], str(ids))
    out = checks.good("inspect", package)
    checks.expect("two files hold weights", "in 2 files" in out, out)
    other = os.path.join(moved, os.path.basename(parts[2]))
    first = os.path.join(moved, os.path.basename(parts[0]))
    code, _, words = checks.run("logits", first, "--ids", IDS, "-o", other)
    checks.expect("no part is written over", code == 1 and "would replace" in words, words)


def check_copy(checks, parts):
    """A file of other types, made of parts, is that made of the one file."""
    made = []
    for i, source in enumerate((os.path.join(checks.work, "one.gguf"), parts[1])):
        made.append(os.path.join(checks.work, f"copy-{i}.gguf"))
        checks.good("quantize", source, "-o", made[-1], "--weights=q8_0")
    contents = []
    for path in made:
        with open(path, "rb") as file:
            contents.append(file.read())
    checks.expect("one file of parts", contents[0] == contents[1] and len(contents[0]) > 1000)


class Broken:
    def __init__(self, model, folder):
        self.model, self.folder = model, folder
        self.paths = model.parts(os.path.join(folder, "model"))

    def write(self, part, keys, tensors=None):
        """Part `part`, from 0 on, with other keys beside those of its place."""
        begin = sum(self.model.counts[:part])
        names = list(self.model.tensors)[begin : begin + self.model.counts[part]]
        own = gguf_file.split_keys(part, 3, len(self.model.tensors))
        base = self.model.keys if part == 0 else {}
        keys = {key: value for key, value in {**base, **own, **keys}.items() if value}
        if tensors is None:
            tensors = {name: self.model.tensors[name] for name in names}
        gguf_file.write_gguf(self.paths[part], keys, tensors)

    def case_part_missing(self):
        os.remove(self.paths[1])
        return ["'model-00002-of-00003.gguf' is missing", "all 3 parts"]

    def case_parts_missing(self):
        os.remove(self.paths[1])
        os.remove(self.paths[2])
        return ["'model-00002-of-00003.gguf', 'model-00003-of-00003.gguf' are missing"]

    def case_first_is_a_link_to_nothing(self):
        os.remove(self.paths[2])
        os.symlink("nothing", self.paths[2])
        return ["model-00003-of-00003.gguf: cannot be read"]

    def case_renamed(self):
        os.rename(self.paths[0], os.path.join(self.folder, "renamed.gguf"))
        self.paths[0] = os.path.join(self.folder, "renamed.gguf")
        return ["renamed.gguf", "'split.count' is 3", "NAME-00001-of-0000N.gguf"]

    def case_count_other(self):
        self.write(0, {"split.count": (UINT16, 4)})
        return ["model-00001-of-00003.gguf", "'split.count' is 4", "expected 3", "part 1 of 3"]

    def case_count_of_another_part(self):
        self.write(2, {"split.count": (UINT16, 5)})
        return ["model-00003-of-00003.gguf", "'split.count' is 5", "expected 3"]

    def case_count_text(self):
        self.write(0, {"split.count": (STRING, "3")})
        return ["'split.count' is \"3\"", "expected 3"]

    def case_count_huge(self):
        self.write(0, {"split.count": (UINT32, 2**32 - 1)})
        huge = os.path.join(self.folder, "model-1-of-4294967295.gguf")
        os.rename(self.paths[0], huge)
        self.paths[0] = huge
        return ["'split.count' is 4294967295"]

    def case_number_other(self):
        self.write(1, {"split.no": (UINT16, 2)})
        return ["model-00002-of-00003.gguf", "'split.no' is 2", "expected 1", "part 2 of 3"]

    def case_number_missing(self):
        self.write(1, {"split.no": None})
        return ["model-00002-of-00003.gguf", "'split.no' is absent"]

    def case_parts_exchanged(self):
        os.rename(self.paths[1], self.paths[1] + ".x")
        os.rename(self.paths[2], self.paths[1])
        os.rename(self.paths[1] + ".x", self.paths[2])
        return ["model-00002-of-00003.gguf", "'split.no' is 2", "expected 1"]

    def case_whole_model_for_a_part(self):
        self.model.whole(self.paths[1])
        return ["model-00002-of-00003.gguf", "'split.count' is absent", "expected 3"]

    def case_part_is_no_gguf(self):
        with open(self.paths[2], "wb") as file:
            file.write(b"<html>")
        return ["model-00003-of-00003.gguf", "HTML"]

    def case_part_cut(self):
        os.truncate(self.paths[2], os.path.getsize(self.paths[2]) - 64)
        return ["model-00003-of-00003.gguf", "truncated"]

    def case_tensor_twice(self):
        name = "token_embd.weight"
        self.write(1, {}, {name: self.model.tensors[name]})
        self.write(2, {}, {name: self.model.tensors[name]})
        return ["model-00003-of-00003.gguf", name, "also in model-00002-of-00003.gguf"]

    def case_tensors_fewer(self):
        self.write(2, {}, {})
        return ["model-00001-of-00003.gguf", "'split.tensors.count'", "3 parts have"]

    def case_tensors_of_another_model(self):
        self.write(1, {"split.tensors.count": (UINT32, 999)})
        return ["model-00002-of-00003.gguf", "'split.tensors.count' is 999", "parts of one model"]

    def case_architecture_of_another_model(self):
        self.write(1, {"general.architecture": (STRING, "mamba")})
        return ["model-00002-of-00003.gguf", "'general.architecture'", "mamba", "llama", "parts of one model"]

    def case_tensor_of_another_shape(self):
        name = next(n for n in list(self.model.tensors)[self.model.counts[1] :] if n.endswith("ffn_up.weight"))
        begin = self.model.counts[1]
        tensors = {n: self.model.tensors[n] for n in list(self.model.tensors)[begin:]}
        shape, kind, raw = tensors[name]
        tensors[name] = [shape[0] * 2, shape[1]], kind, raw * 2
        self.write(2, {}, tensors)
        return ["model-00003-of-00003.gguf", name, "shape"]


def check_broken(checks, model, work):
    for case in sorted(name for name in dir(Broken) if name.startswith("case_")):
        folder = os.path.join(work, "broken")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        broken = Broken(model, folder)
        words = getattr(broken, case)()
        out = os.path.join(work, "no.safetensors")
        code, printed, message = checks.run("logits", broken.paths[0], "--ids", "3", "-o", out)
        lacking = [word for word in words if word not in message]
        good = code == 1 and not printed and not os.path.exists(out) and message.startswith("error: ") and not lacking
        checks.expect(case, good, f"exit code {code}, {message} lacks {lacking}")


def main():
    marimba, goldens, tokenizer, work = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    folder = os.path.join(work, "model")
    os.makedirs(folder)
    with open(tokenizer, encoding="utf-8") as file:
        keys = tokenizer_keys(json.load(file)["tokenizer"], "gpt-2")
    checks = Checks(marimba, work)
    model = Model(goldens, "llama_main", "Q4_0", keys)
    parts = check_numbers(checks, model, folder)
    check_texts(checks, parts)
    check_copy(checks, parts)
    check_package(checks, model, parts)
    check_broken(checks, model, work)
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
