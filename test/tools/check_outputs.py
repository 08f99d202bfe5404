#!/usr/bin/env python3
"""Every output of every command appears whole or not at all, and the message
names it: on a full disk, past the limit on the size of files, after a signal.
No output replaces an input.

  check_outputs.py MARIMBA EXAMPLES WORK
  check_outputs.py --inside MARIMBA EXAMPLES WORK    the cases of a namespace
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import checker
import tiny_models

SECONDS = 120
OLD = b"older"


class Outputs(checker.Checker):
    def __init__(self, marimba, examples, work):
        super().__init__(work)
        self.marimba = marimba
        self.ir = os.path.join(examples, "ssm-layer.mlir")
        self.model = tiny_models.Chain().write(self.path("model"))
        self.prompts = self.path("prompts.jsonl")
        with open(self.prompts, "w") as file:
            file.write('{"prompt": "Tom"}\n')
        self.cache = ["--cache-dir", self.path("cache")]

    def run(self, args, **options):
        return subprocess.run(
            [self.marimba, *args], capture_output=True, timeout=SECONDS, check=False, **options
        )

    def outputs(self):
        """{what: (arguments with FOLDER for the folder, its files that may be
        named, stdin)}. The first is what is written."""
        ir, model, cache = self.ir, self.model, self.cache
        one = ["--max-tokens", "2", "--quiet", *cache]
        cases = {
            kind: (["compile", ir, f"--emit={kind}", "-o", f"FOLDER/x.{kind}"], [f"x.{kind}"], "")
            for kind in ("mlir", "llvm", "asm", "obj")
        }
        cases["dump"] = (["compile", ir, "--dump-ir=FOLDER", "-o", "/dev/null"], ["00-import.mlir"], "")
        cases["logits"] = (["logits", model, "--ids", "3", "-o", "FOLDER/l.st", *cache], ["l.st"], "")
        cases["state of logits"] = (
            ["logits", model, "--ids", "3", "-o", self.path("l.st"), "--save-state", "FOLDER/s", *cache],
            ["s"],
            "",
        )
        cases["state of run"] = (["run", model, "--prompt", "Tom", "--save-state", "FOLDER/s", *one], ["s"], "")
        cases["state of chat"] = (["chat", model, *one], ["s"], "Hi\n/save FOLDER/s\n")
        cases["batch"] = (
            ["run", model, "--prompts", self.prompts, "-o", "FOLDER/o", *one],
            ["o.partial", "o"],
            "",
        )
        cases["bench"] = (
            ["bench", model, "--context-sweep", "1024", "-o", "FOLDER/b", *cache],
            ["b.json", "b.svg"],
            "",
        )
        cases["matrix"] = (
            ["bench", "--matrix", "--matrix-types=f32", "--matrix-rows=1", "--matrix-shapes=64x64", "--quiet", "--write-table", "FOLDER/t"],
            ["t"],
            "",
        )
        # Folders are new, so there is nothing older.
        cases["package"] = (["compile", model, "--emit=package", "-o", "FOLDER/p"], ["p"], "")
        cases["quantize"] = (["quantize", model, "--weights=int8", "-o", "FOLDER/q"], ["q"], "")
        return cases

    def prepared(self, name):
        """A folder with an older file in the place of each output."""
        folder = self.path(name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for _, names, _ in self.outputs().values():
            for output in names:
                if output not in ("p", "q", "o.partial"):
                    with open(os.path.join(folder, output), "wb") as file:
                        file.write(OLD)
        return folder

    def snapshot(self, folder):
        found = {}
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                found[name] = sorted(os.listdir(path))
                continue
            with open(path, "rb") as file:
                found[name] = file.read(100)
        return found

    def all_fail(self, how, folder, message, **options):
        before = self.snapshot(folder)
        for what, (args, names, text) in self.outputs().items():
            args = [arg.replace("FOLDER", folder) for arg in args]
            done = self.run(args, input=text.replace("FOLDER", folder).encode(), **options)
            err = done.stderr.decode()
            last = err.strip().split("\n")[-1]
            good = done.returncode == 1 and message in last and last.startswith("error: ")
            self.expect(
                f"{how}: {what}: an error that names it",
                good and any(f"{folder}/{name}" in last for name in names),
                (done.returncode, err),
            )
            now = self.snapshot(folder)
            if not self.expect(f"{how}: {what}: all as before", now == before, (before.keys(), now)):
                for name in now.keys() - before.keys():
                    subprocess.run(["rm", "-r", os.path.join(folder, name)], check=True)

    def case_good(self):
        """First without a fault: it fills the cache, and the cases are right."""
        folder = self.prepared("good")
        for what, (args, names, text) in self.outputs().items():
            args = [arg.replace("FOLDER", folder) for arg in args]
            done = self.run(args, input=text.replace("FOLDER", folder).encode())
            self.expect(f"good: {what}", done.returncode == 0, done.stderr.decode())
            path = os.path.join(folder, names[-1])
            good = os.path.isdir(path) or (os.path.isfile(path) and open(path, "rb").read() != OLD)
            self.expect(f"good: {what} is new", good, os.listdir(folder))
        self.expect("good: no journal", "o.partial" not in os.listdir(folder))
        self.expect("good: nothing else", not [n for n in os.listdir(folder) if "new-" in n], os.listdir(folder))

    def case_limit(self):
        """The signal of the limit is not what ends it."""
        none = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        self.all_fail("limit", self.prepared("limit"), "File too large", preexec_fn=none)
        # What is only kept for the next start costs a note.
        cache = ["--cache-dir", self.path("limited")]
        some = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        done = self.run(["run", self.model, "--prompt", "Tom", "--max-tokens", "2", *cache], preexec_fn=some)
        err = done.stderr.decode()
        notes = "note: compiled code is not kept: " in err and "File too large" in err
        self.expect("limit: a cache costs a note", done.returncode == 0 and notes, (done.returncode, err))
        done = self.run(["compile", self.model, "--florb"], preexec_fn=none)
        self.expect("limit: messages still come", b"--florb" in done.stderr, done.stderr)

    def case_namespace(self):
        """A disk of our own that is full, and a system without /proc."""
        # The program may be far from here, but is not below /proc.
        command = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m"]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            print("skipped: full disks: namespaces are not permitted here")
            return
        inside = [sys.executable, os.path.abspath(__file__), "--inside", self.marimba]
        done = subprocess.run(
            [*command, *inside, os.path.dirname(self.ir), self.path("inside")], check=False, timeout=5 * SECONDS
        )
        self.expect("namespace", done.returncode == 0, done.returncode)

    def case_inputs(self):
        """Outputs that are inputs, by whatever name."""
        model, weights = self.model, os.path.join(self.model, "model.safetensors")
        os.link(weights, self.path("hard"))
        os.symlink(weights, self.path("soft"))
        for name, text in (("ids", "3"), ("text", "Tom"), ("a.partial", '{"prompt": "Tom"}')):
            with open(self.path(name), "w") as file:
                file.write(text)
        ir = self.path("x.mlir")
        shutil.copyfile(self.ir, ir)
        before = {name: self.hashed(name) for name in ("model", "hard", "ids", "text", "a.partial", "x.mlir")}
        logits = ["logits", model, "--ids", "3", "-o"]
        batch = ["run", model, "--prompts"]
        save = ["run", model, "--prompt", "a", "--max-tokens", "0", "--save-state"]
        prompts = self.prompts
        for args in [
            [*logits, weights],
            [*logits, self.path("hard")],
            [*logits, self.path("soft")],
            [*logits, os.path.join(model, "..", "model", ".", "config.json")],
            [*logits, self.path("same"), "--save-state", self.path("same")],
            [*logits, self.path("b"), "--save-state", self.path("hard")],
            ["logits", model, "--ids-file", self.path("ids"), "-o", self.path("ids")],
            ["execute", ir, "--inputs", weights, "-o", self.path("hard")],
            ["execute", ir, "--inputs", weights, "-o", ir],
            ["compile", ir, "-o", ir],
            ["compile", model, "-o", os.path.join(model, "tokenizer.json")],
            [*batch, prompts, "-o", prompts],
            [*batch, prompts, "-o", os.path.join(self.work, ".", "prompts.jsonl")],
            [*batch, self.path("a.partial"), "-o", self.path("a")],
            [*batch, prompts, "-o", self.path("soft")],
            [*save, weights],
            [*save, self.path("soft")],
            ["run", model, "--prompt-file", self.path("text"), "--save-state", self.path("text")],
            ["bench", model, "--context-sweep", "64", "-o", os.path.join(model, "config")],
        ]:
            done = self.run([*args])
            err = done.stderr.decode()
            good = done.returncode == 1 and "would replace" in err and err.startswith("error: ")
            self.expect(f"inputs: {args}", good, (done.returncode, err))
        done = self.run(["chat", model, "--quiet", *self.cache], input=f"/save {weights}\n".encode())
        self.expect("inputs: /save", done.returncode == 1 and b"would replace" in done.stderr, done.stderr)
        for name, what in before.items():
            self.expect(f"inputs: {name} is as before", self.hashed(name) == what)
        # A state may be loaded and saved under one name.
        state = self.path("s")
        for extra in ([], ["--load-state", state]):
            done = self.run([*save, state, *extra, *self.cache])
            self.expect("inputs: one state", done.returncode == 0, done.stderr.decode())

    def hashed(self, name):
        path = self.path(name)
        files = [os.path.join(path, n) for n in sorted(os.listdir(path))] if os.path.isdir(path) else [path]
        return [open(file, "rb").read() for file in files]

    def case_names(self):
        """What is no new file: links, devices, pipes, folders, long names."""
        compile_to = lambda path, **options: self.run(
            ["compile", self.ir, "--stop-after=import", "-o", path], **options
        )
        folder = self.path("names")
        os.mkdir(folder)
        whole = compile_to("-").stdout
        self.expect("names: stdout", whole.startswith(b"module"), whole[:50])
        path = lambda name: os.path.join(folder, name)
        os.symlink("there", path("link"))
        for name in ("plain", "link", "n" * 255):
            done = compile_to(path(name))
            self.expect(f"names: {name[:9]}", done.returncode == 0, done.stderr)
            with open(path(name), "rb") as file:
                self.expect(f"names: {name[:9]} is whole", file.read() == whole)
        self.expect("names: the link stays", os.path.islink(path("link")))
        done = compile_to("/dev/stdout")
        self.expect("names: /dev/stdout", done.stdout == whole, done.stderr)
        with open(path("redirected"), "wb") as file:
            done = subprocess.run(
                [self.marimba, "compile", self.ir, "--stop-after=import", "-o", "/dev/stdout"],
                stdout=file,
                check=False,
                timeout=SECONDS,
            )
        with open(path("redirected"), "rb") as file:
            self.expect("names: /dev/stdout is a file", done.returncode == 0 and file.read() == whole)
        os.mkfifo(path("pipe"))
        with subprocess.Popen(["cat", path("pipe")], stdout=subprocess.PIPE) as reader:
            done = compile_to(path("pipe"))
            self.expect("names: a pipe", reader.communicate(timeout=SECONDS)[0] == whole, done.stderr)
        for output, message in [
            ("/dev/full", "/dev/full: cannot be written: No space left on device"),
            (folder, "names: is not a regular file"),
            (path("none/x"), "none/x: cannot be written: No such file or directory"),
            (path("plain/x"), "plain/x: cannot be written: Not a directory"),
            (path("n" * 256), "cannot be written: File name too long"),
            ("", "-o: expected the name of a file"),
        ]:
            done = compile_to(output)
            err = done.stderr.decode()
            self.expect(f"names: {output[-9:]}", done.returncode == 1 and message in err, (done.returncode, err))
        # Where bytes of another kind are expected a device is no place for them.
        for args in [
            ["run", self.model, "--prompt", "a", "--save-state", "/dev/null"],
            ["run", self.model, "--prompts", self.prompts, "-o", "/dev/null"],
            ["logits", self.model, "--ids", "3", "-o", "/dev/null"],
        ]:
            done = self.run(args)
            good = done.returncode == 1 and b"is not a regular file" in done.stderr
            self.expect(f"names: {args}", good and not os.path.isfile("/dev/null"), done.stderr)

    def case_stdout(self):
        """stdout that cannot be written, from wherever the program ends."""
        for args in (["--help"], ["--version"], ["compile", self.ir], ["tokenize", self.model, "--text", "a"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [self.marimba, *args], stdout=full, stderr=subprocess.PIPE, check=False, timeout=SECONDS
                )
            good = done.returncode == 1 and done.stderr == b"error: stdout: No space left on device\n"
            self.expect(f"stdout: {args[0]}", good, (done.returncode, done.stderr))
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [self.marimba, "compile", self.ir], stdout=write, stderr=subprocess.PIPE, check=False, timeout=SECONDS
        )
        os.close(write)
        good = done.returncode == 1 and done.stderr == b"error: stdout: Broken pipe\n"
        self.expect("stdout: a reader that went away", good, (done.returncode, done.stderr))
        # Closed, its number is not given to a file.
        shell = f'"{self.marimba}" compile "{self.ir}" -o "{self.path("closed.mlir")}" >&-'
        done = subprocess.run(["sh", "-c", shell], check=False, timeout=SECONDS)
        whole = self.run(["compile", self.ir]).stdout
        with open(self.path("closed.mlir"), "rb") as file:
            self.expect("stdout: closed", done.returncode == 0 and file.read() == whole)
        # Nobody hears messages, but the answer counts.
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [self.marimba, "tokenize", self.model, "--text", "a"],
                stdout=subprocess.PIPE,
                stderr=full,
                check=False,
                timeout=SECONDS,
            )
        self.expect("stdout: stderr is full", done.returncode == 0 and done.stdout, done)


class Inside(Outputs):
    """In a mount namespace of its own."""

    def mount(self, path, *options):
        subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", path], check=True, timeout=SECONDS)

    def case_full(self):
        good = self.prepared("warm")
        for args, _, text in self.outputs().values():
            # The cache has what it needs: it is not what is looked at.
            if "--cache-dir" in args:
                args = [arg.replace("FOLDER", good) for arg in args]
                self.run(args, input=text.replace("FOLDER", good).encode())
        full = self.path("full")
        os.mkdir(full)
        self.mount(full, "-o", "size=1M")
        files = self.prepared("full/files")
        with open(os.path.join(full, "fill"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        self.all_fail("full disk", files, "No space left on device")
        cache = ["--cache-dir", os.path.join(full, "cache")]
        done = self.run(["run", self.model, "--prompt", "Tom", "--max-tokens", "2", *cache])
        err = done.stderr.decode()
        notes = "note: compiled code is not kept: " in err and "No space left" in err
        self.expect("full disk: a cache costs a note", done.returncode == 0 and notes, (done.returncode, err))

    def started(self, args, is_there):
        """The command, once `is_there()`; None where it ended before."""
        # Whoever runs the tests may ignore Ctrl-C, which stays so.
        heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        process = subprocess.Popen(
            [self.marimba, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heard
        )
        while process.poll() is None:
            if is_there():
                return process
            time.sleep(0.0005)
        return None

    def case_signals(self):
        """Folders, and files where they cannot be without a name, go with it."""
        text = self.path("text")
        with open(text, "w") as file:
            file.write("Once upon a time there was a dog. " * 2000)
        folder = self.path("signals")
        os.mkdir(folder)
        # The search for leaks needs /proc.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        unfinished = lambda: [name for name in os.listdir(folder) if "new-" in name]
        package = ["compile", self.model, "--emit=package", "-o", os.path.join(folder, "p")]
        quantize = ["quantize", self.model, "--weights=int8", "--calibrate", text]
        quantize += ["--calibrate-tokens", "60000", "-o", os.path.join(folder, "q")]
        self.mount("/proc")  # an empty one: no file without a name
        for args in (package, quantize):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                process = self.started(args, unfinished)
                if not self.expect(f"signals: {args[0]} is caught at work", process):
                    continue
                process.send_signal(number)
                code = process.wait(SECONDS)
                ended = code == -number or (number == signal.SIGINT and code == 130)
                self.expect(f"signals: {args[0]}: {number.name} ends it", ended, code)
                self.expect(f"signals: {args[0]}: nothing is left", not os.listdir(folder), os.listdir(folder))
        # Without a signal, and with a fault.
        good = self.run(["compile", self.ir, "-o", os.path.join(folder, "x")])
        self.expect("no /proc: a file", good.returncode == 0 and os.listdir(folder) == ["x"], good.stderr)
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        bad = self.run(["compile", self.ir, "-o", os.path.join(folder, "y")], preexec_fn=small)
        self.expect("no /proc: no half of one", bad.returncode == 1 and os.listdir(folder) == ["x"], bad.stderr)
        subprocess.run(["umount", "/proc"], check=False, timeout=SECONDS)


if __name__ == "__main__":
    if os.environ.get("MARIMBA_SANITIZED") == "thread":
        # Its runtime writes a file before the program begins, which a limit ends,
        # unless the folder for it is not there.
        os.environ["TEST_TMPDIR"] = "/nonexistent"
    inside = sys.argv[1] == "--inside"
    if inside:
        del sys.argv[1]
    sys.exit(checker.run_cases(Inside if inside else Outputs))
