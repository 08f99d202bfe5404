#!/usr/bin/env python3
"""Compiled models are loaded without the compiler, give the numbers of the compiler's
own process, bit for bit, and are refused where something does not fit.

  check_packages.py MARIMBA LIBRARY MODEL WORK

LIBRARY is libmarimba-runtime.so, MODEL a directory with a tokenizer.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import checker
import marimba_library

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import compare  # noqa: E402

IDS = [1, 57, 18, 26, 43, 301, 77]
SECONDS = 300
BAD_ARGUMENT, BAD_MODEL, BAD_STATE, NO_COMPILER = 1, 2, 3, 5


def change(path, place):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


class Checker(checker.Checker):
    def __init__(self, marimba, library, model, work):
        super().__init__(work)
        self.marimba, self.path_of_library = marimba, library
        self.library = marimba_library.Library(library)
        # A copy: some cases change it.
        self.model = self.path("model")
        os.mkdir(self.model)
        for file in os.listdir(model):
            shutil.copy(os.path.join(model, file), self.model)
        self.package = self.compile("model.marimba", "--dtype=f32")

    def run(self, *arguments, **options):
        return subprocess.run([self.marimba, *arguments], capture_output=True, text=True, timeout=SECONDS, **options)

    def compile(self, name, *options):
        package = self.path(name)
        done = self.run("compile", self.model, "--emit=package", "-o", package, *options)
        self.expect(f"compiles {name}", done.returncode == 0 and not done.stderr, done.stderr)
        return package

    def logits(self, *options, ids=IDS):
        """Rows of `marimba logits`: after the last id, fed by itself, and after two tokens
        that it adds."""
        out = self.path("logits.safetensors")
        split = f"{len(ids) - 1},1" if len(ids) > 1 else "1"
        done = self.run("logits", self.model, "--ids", ",".join(map(str, ids)), "--split", split, "--greedy", "3",
                        "-o", out, *options)
        if not self.expect(f"logits {options}", done.returncode == 0 and "note" not in done.stderr, done.stderr):
            return [], []
        tensors = compare.load(out)
        values, tokens = tensors["greedy_logits"].values, list(tensors["tokens"].values)
        size = len(values) // len(tokens)
        return tokens, [values[i * size : (i + 1) * size] for i in range(len(tokens))]

    def equal(self, what, model, expected):
        session = model.session()
        session.append(IDS[:-1])
        self.goes_on(what, session, IDS[-1], expected)

    def goes_on(self, what, session, last, expected):
        tokens, rows = expected
        self.expect(f"{what}: numbers to compare", len(rows) == 3)
        for token, row in zip([last] + tokens, rows):
            self.expect(f"{what}: bits after {token}", session.append([token]) == row)

    def refused(self, what, message, code=BAD_MODEL, directory=None, package=None, **options):
        try:
            self.library.open(package or self.package, directory, **options)
            self.expect(what, False, "was opened")
        except marimba_library.Error as error:
            self.expect(what, error.code == code and message in str(error), f"code {error.code}: {error}")

    def changed(self, name, edit):
        """A copy of the package, `edit` applied to its model.json."""
        copy = self.path(name)
        shutil.copytree(self.package, copy)
        path = os.path.join(copy, "model.json")
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        edit(manifest)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        return copy, os.path.join(copy, manifest["code"]["file"])

    def case_numbers(self):
        self.equal("f32", self.library.open(self.package), self.logits("--dtype=f32", "--threads=1"))
        package = self.compile("other.marimba", "--threads=2", "--kv=int8")
        self.equal("2 threads", self.library.open(package, threads=2), self.logits("--threads=2", "--kv=int8"))

    def case_other_code_under_the_same_path(self):
        """While a program has the first in use."""
        package = self.compile("again.marimba", "--dtype=f32")
        first = self.library.open(package)
        shutil.rmtree(package)
        self.compile("again.marimba", "--reference")
        plain, reference = (self.logits(*o, "--threads=1") for o in (["--dtype=f32"], ["--reference"]))
        self.expect("the routes differ in bits", plain[1] != reference[1])
        self.equal("the second", self.library.open(package), reference)
        self.equal("the first", first, plain)

    def case_states(self):
        """Sessions move between the two, and are the same files."""
        model = self.library.open(self.package)
        ours, theirs = self.path("ours.state"), self.path("theirs.state")
        session = model.session()
        session.append(IDS)
        session.save(ours)
        # Both ask for the logits of the last token alone: of how many rows a product is may change its last bits.
        done = self.run("run", self.model, "--dtype=f32", "--threads=1", "--ids", ",".join(map(str, IDS)),
                        "--max-tokens", "0", "--save-state", theirs)
        self.expect("saves a state", done.returncode == 0, done.stderr)
        with open(ours, "rb") as one, open(theirs, "rb") as other:
            self.expect("the same file", one.read() == other.read())
        expected = self.logits("--dtype=f32", "--threads=1", "--load-state", ours, ids=[5])
        session = model.session()
        session.restore(theirs)
        self.goes_on("restored", session, 5, expected)
        try:
            change(theirs, os.path.getsize(theirs) - 1)
            session.restore(theirs)
            self.expect("an altered state", False, "was restored")
        except marimba_library.Error as error:
            self.expect("an altered state", error.code == BAD_STATE, error)

    def case_text(self):
        done = self.run("tokenize", self.model, "--text", "Once upon a time", "--json")
        ids = self.library.open(self.package).encode("Once upon a time")
        self.expect("tokens", len(ids) > 3 and ids == json.loads(done.stdout)["ids"], f"{ids} {done.stdout}")

    def case_not_utf8(self):
        model = self.library.open(self.package)
        try:
            model.encode(b"caf\xe9")
            found = None
        except marimba_library.Error as error:
            found = (error.code, str(error))
        message = "marimba_encode: the text is not UTF-8: byte 0xe9 at offset 3 begins no character"
        self.expect("not UTF-8", found == (BAD_ARGUMENT, message), found)

    def case_limit(self):
        """Saving past the limit on the size of files: an error, and no signal,
        whose default a host may have."""
        model, path = self.library.open(self.package), self.path("limited.state")
        session = model.session()
        session.append(model.encode("Once"))
        session.save(path)
        with open(path, "rb") as file:
            before = file.read()
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
        try:
            session.save(path)
            found = None
        except marimba_library.Error as error:
            found = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, ignored)
        self.expect("limit", found == f"{path}: cannot be saved: cannot be written: File too large", found)
        with open(path, "rb") as file:
            self.expect("limit: the older file stays", file.read() == before, "")

    def case_moved_together(self):
        moved = self.path("elsewhere")
        os.mkdir(moved)
        for path in (self.model, self.package):
            shutil.copytree(path, os.path.join(moved, os.path.basename(path)))
        # A link leads to where the package is.
        link = self.path("link")
        os.symlink(os.path.join(moved, "model.marimba"), link)
        with open(os.path.join(link, "model.json"), encoding="utf-8") as file:
            self.expect("beside it", json.load(file)["directory"] == "../model")
        shutil.move(self.model, self.path("gone"))
        self.library.open(link)
        self.refused("the model is gone", f"{self.model}: expected the directory of model with its weights, found nothing")
        self.library.open(self.package, self.path("gone"))
        shutil.move(self.path("gone"), self.model)
        inside = self.compile("model/inside.marimba")
        with open(os.path.join(inside, "model.json"), encoding="utf-8") as file:
            self.expect("inside of it", json.load(file)["directory"] == "..")
        self.library.open(inside)

    def case_other_weights(self):
        other = self.path("trained")
        shutil.copytree(self.model, other)
        weights = os.path.join(other, "model.safetensors")
        change(weights, os.path.getsize(weights) - 100)
        self.refused("another training", f"{other}: has other weights (", directory=other)
        os.truncate(weights, os.path.getsize(weights) - 2)
        self.refused("cut", "model.safetensors: has ", directory=other)
        os.remove(weights)
        self.refused("no weights", "model.safetensors: cannot be read: No such file", directory=other)

    def case_files(self):
        package, code = self.changed("files.marimba", lambda manifest: None)
        self.library.open(package)
        change(code, os.path.getsize(code) // 2)
        self.refused("altered code", "it was altered", package=package)
        os.truncate(code, 100)
        self.refused("cut code", "has 100 bytes, expected the", package=package)
        os.remove(code)
        self.refused("no code", f"{code}: cannot be read: No such file", package=package)
        manifest = os.path.join(package, "model.json")
        os.truncate(manifest, os.path.getsize(manifest) // 2)
        self.refused("half of model.json", "model.json: [json.exception.parse_error", package=package)
        os.remove(manifest)
        self.refused("no model.json", "found none in it", package=package)
        self.refused("nothing", "found nothing", package=self.path("none"))

    def case_pipes(self):
        package, code = self.changed("pipes.marimba", lambda manifest: None)
        for path in (code, os.path.join(package, "model.json")):
            os.remove(path)
            os.mkfifo(path)
            self.refused("a pipe", f"{path}: is not a regular file", package=package)
        weights = self.path("pipes")
        shutil.copytree(self.model, weights)
        path = os.path.join(weights, "model.safetensors")
        os.remove(path)
        os.mkfifo(path)
        self.refused("weights from a pipe", f"{path}: is not a regular file", directory=weights)

    def case_manifest(self):
        """Of another version, processor or vocabulary: see also PackageTest.cpp."""
        cases = {
            "format": (lambda m: m.update(format=9), "model.json: format is 9, this library reads 1"),
            "abi": (lambda m: m.update(abi=2), "model.json: abi is 2, this library has"),
            "processor": (lambda m: m["processor"]["features"].append("avx1024"), "this processor lacks avx1024"),
            "vocabulary": (lambda m: m["model"].update(vocabulary=3), "the code has a vocabulary of "),
            "place": (lambda m: m["weights"][0].update(offset=64), "weights is not what weights_checksum was made of"),
        }
        for name, (edit, message) in cases.items():
            package, _ = self.changed(f"{name}.marimba", edit)
            self.refused(name, message, package=package)

    def case_options(self):
        self.refused("threads", "options.threads is 3, expected 0 or the 1", BAD_ARGUMENT, threads=3)
        self.refused("dtype", "options.dtype is 'bf16', expected null or auto", BAD_ARGUMENT, dtype=b"bf16")
        self.refused("chunk", "options.chunk is -1", BAD_ARGUMENT, chunk=-1)
        expected = self.library.open(self.package, cache_folder=b"").session()
        found = self.library.open(self.package, chunk=4).session()
        for ids in (IDS[:4], IDS[4:-1]):
            expected.append(ids)
        found.append(IDS[:-1])
        self.expect("a chunk of 4", found.append(IDS[-1:]) == expected.append(IDS[-1:]))

    def case_two_libraries(self):
        """The code would call the functions of the first."""
        self.library.open(self.package)
        other = os.path.join(os.path.dirname(self.path_of_library), "libmarimba.so")
        try:
            marimba_library.Library(other).open(self.package)
            self.expect("a second library", False, "opened a package")
        except marimba_library.Error as error:
            good = error.code == BAD_MODEL and "expected one library of Marimba" in str(error)
            self.expect("a second library", good, error)

    def case_no_compiler(self):
        try:
            self.library.load(self.model)
            self.expect("compiles", False)
        except marimba_library.Error as error:
            self.expect("compiles", error.code == NO_COMPILER and "no compiler" in str(error), error)

    def case_not_written(self):
        """What cannot be written says why and leaves nothing behind."""
        before = sorted(os.listdir(self.work))

        def fails(what, message, *arguments, **options):
            done = self.run("compile", *arguments, "--emit=package", **options)
            good = done.returncode == 1 and message in done.stderr and not done.stdout
            self.expect(what, good, done.stderr)
            self.expect(f"{what}: nothing is left", sorted(os.listdir(self.work)) == before)

        new = self.path("new.marimba")
        fails("no name", "--emit=package: a folder; name it with -o", self.model)
        fails("not empty", "is not empty, expected a new or empty directory", self.model, "-o", self.package)
        fails("no linker", "found no linker", self.model, "-o", new, env={"PATH": self.work})
        fails("not a processor", "unknown processor 'z80'", self.model, "-o", new, "--target-cpu=z80")
        fails("no model", "config.json", self.work, "-o", new)
        bare = self.path("bare")
        os.mkdir(bare)
        shutil.copy(os.path.join(self.model, "config.json"), bare)
        before = sorted(os.listdir(self.work))
        fails("no weights", "has no weights", bare, "-o", new)

    def case_inspect(self):
        done = self.run("inspect", self.package)
        for line in ("package     of model, ", "threads     1\n", f"directory   {self.model}\n",
                     "tokenizer   tokenizer.json\n", " bytes in 1 file\n"):
            self.expect(f"inspect: {line}", line in done.stdout, done.stdout)
        answer = json.loads(self.run("inspect", self.package, "--json").stdout)
        self.expect("inspect --json", answer["directory"] == self.model and answer["eos_token_ids"] == [2], answer)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
