#!/usr/bin/env python3
"""Where memory or threads end: exit code 1 and one line that says so, in every
command and at every size, or the work is done.

  check_memory_ends.py MARIMBA LIBRARY STORIES WORK [SIZES]

SIZES is the number of limits that are tried (default: 6).
"""

import ctypes
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from marimba_library import Error, Library, Model, Options
from tiny_models import Chain

SECONDS = 120
MIB = 1 << 20


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


def host(path, folder):
    """Loads a model in a program of its own; prints the code of an error."""
    library = Library(path)
    model = ctypes.c_void_p()
    options = Options(size=ctypes.sizeof(Options), threads=1, dtype=b"f32", cache_folder=b"")
    # What Python takes itself is not what is tried.
    with open("/proc/self/status", encoding="ascii") as file:
        size = next(int(line.split()[1]) for line in file if line.startswith("VmSize"))
    limit = size * 1024 + int(os.environ["LIMIT"])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        library.call("marimba_model_load", folder.encode(), ctypes.byref(options), ctypes.byref(model))
        session = Model(library, model).session()
        session.append([5, 6])
        print("code 0")
    except Error as error:
        print("code", error.code, str(error)[:200])


class MemoryEnds(Checker):
    def __init__(self, marimba, library, stories, work, sizes="6"):
        super().__init__(work)
        self.marimba, self.library, self.stories = marimba, library, stories
        count = int(sizes)
        # 100 MiB to 3 GiB, each larger by the same part.
        self.sizes = [int(100 * MIB * 30 ** (i / (count - 1))) for i in range(count)]
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")
        self.chain = Chain().write(self.path("chain"))

    def check(self, what, args, limit, allowed=(0, 1), stdin=None):
        done = subprocess.run([self.marimba, *args], input=stdin, capture_output=True, text=True, errors="replace", preexec_fn=limit, timeout=SECONDS, check=False)
        # Not even the loader of programs had enough.
        if done.returncode == 127 or "error while loading shared libraries" in done.stderr:
            return None
        good = done.returncode in allowed
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        if done.returncode == 1:
            good = good and len(errors) == 1 and errors[0] != "error: "
        for word in ("terminate called", "LLVM ERROR", "PLEASE submit", "libgomp:"):
            good = good and word not in done.stderr
        self.expect(what, good, (done.returncode, done.stderr[-400:]))
        return done

    def commands(self):
        text = self.path("text.txt")
        with open(text, "w", encoding="utf-8") as file:
            file.write("Once upon a time, there was a little girl. " * 200)
        stories, out = self.stories, self.path("out")
        yield "run", ["run", stories, "--prompt", "Once", "--max-tokens", "4", "--quiet"]
        yield "run without a cache", ["run", stories, "--prompt", "Once", "--max-tokens", "2", "--quiet", "--no-cache"]
        yield "logits", ["logits", stories, "--ids", "3,5", "-o", out]
        yield "compile", ["compile", stories, "--emit=obj", "-o", out]
        yield "package", ["compile", self.chain, "--emit=package", "-o", out + ".marimba"]
        yield "eval", ["eval", stories, "--text", text, "--window", "64"]
        yield "inspect", ["inspect", stories, "--context", "100"]
        yield "tokenize", ["tokenize", stories, "--file", text]
        yield "quantize", ["quantize", self.chain, "-o", out + ".q", "--weights=int8"]
        yield "bench", ["bench", self.chain, "--prefill", "8", "--decode", "2", "--repeat", "1", "--quiet"]

    def case_address_space(self):
        for size in self.sizes:
            for what, args in self.commands():
                subprocess.run(["rm", "-rf", self.path("out.marimba"), self.path("out.q")], check=True)
                self.check(f"{what} in {size // MIB} MiB", args, limited(resource.RLIMIT_AS, size))

    def case_large_text(self):
        """The message says how much there was no memory for."""
        text = self.path("large.txt")
        with open(text, "w", encoding="utf-8") as file:
            file.write("abcdefghi jklmnop " * 2000000)
        limit = limited(resource.RLIMIT_AS, 500 * MIB)
        for args in (["tokenize", self.stories, "--file", text], ["run", self.stories, "--prompt-file", text, "--max-tokens", "1", "--no-cache"]):
            done = self.check(f"{args[0]} of a large text", args, limit)
            if done and done.returncode == 1:
                self.expect(f"{args[0]}: says what", "no memory" in done.stderr or "memory" in done.stderr, done.stderr)

    def case_threads(self):
        """Teams that the system does not give: libgomp would end the process."""
        stack = limited(resource.RLIMIT_STACK, 64 * MIB)

        def little():
            stack()
            resource.setrlimit(resource.RLIMIT_AS, (3000 * MIB, 3000 * MIB))

        args = ["run", self.chain, "--ids", "5,6", "--threads", "1000", "--max-tokens", "1"]
        done = self.check("1000 threads", args, little, allowed=(1,))
        self.expect("1000 threads: the message", "threads cannot be started" in done.stderr, done.stderr)

    def case_programs(self):
        for mib in (30, 60, 100, 150, 400, 1500):
            environment = {**os.environ, "LIMIT": str(mib * MIB)}
            done = subprocess.run([sys.executable, __file__, "--host", self.library, self.chain], env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
            self.expect(f"library with {mib} MiB more", done.returncode == 0 and done.stdout.startswith("code "), (done.returncode, done.stdout, done.stderr[-300:]))


if __name__ == "__main__":
    if sys.argv[1] == "--host":
        host(*sys.argv[2:])
    else:
        sys.exit(run_cases(MemoryEnds))
