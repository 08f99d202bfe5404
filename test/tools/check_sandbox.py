#!/usr/bin/env python3
"""Where the system allows less than usual: the work goes on, or a message says
what is missing.

  check_sandbox.py MARIMBA WORK
"""

import ctypes
import errno
import os
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from tiny_models import Chain

SECONDS = 120
X86_64 = 0xC000003E
# System calls that sandboxes and old kernels do not have.
CALLS = {
    "memfd_create": 319,
    "getrandom": 318,
    "statx": 332,
    "sched_setaffinity": 203,
    "sched_getaffinity": 204,
    "madvise": 28,
    "fallocate": 285,
    "flock": 73,
    "fsync": 74,
    "prlimit64": 302,
    "rseq": 334,
    "getrusage": 98,
    "sysinfo": 99,
    "uname": 63,
    "linkat": 265,
    "membarrier": 324,
}


def without(number, code):
    """Makes a system call fail in this process and those that it becomes."""

    def forbid():
        libc = ctypes.CDLL(None, use_errno=True)
        program = b"".join(
            struct.pack("HBBI", *step)
            for step in (
                (0x20, 0, 0, 4),  # load the architecture
                (0x15, 0, 3, X86_64),
                (0x20, 0, 0, 0),  # load the number
                (0x15, 0, 1, number),
                (0x06, 0, 0, 0x00050000 | code),  # fail
                (0x06, 0, 0, 0x7FFF0000),  # allow
            )
        )
        buffer = ctypes.create_string_buffer(program)
        head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, head, 0, 0):
            os._exit(99)

    return forbid


class Sandbox(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba = os.path.abspath(marimba)
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")
        chain = Chain()
        chain.say("a", "b", "c", "</s>")
        self.model = chain.write(self.path("model"))
        self.args = [marimba, "run", self.model, "--prompt", "a", "--quiet"]
        self.right = self.run(self.args).stdout
        self.expect("the answer", self.right == "abc\n", self.right)

    def run(self, args, **options):
        return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False, **options)

    def works(self, what, done):
        self.expect(f"{what}: works", done.returncode == 0 and done.stdout == self.right, (done.returncode, done.stdout, done.stderr[-300:]))

    def case_system_calls(self):
        if os.uname().machine != "x86_64":
            return
        for name, number in CALLS.items():
            # A kernel that is too old, or a sandbox.
            code = errno.ENOSYS if number > 300 else errno.EPERM
            limit = without(number, code)
            what = f"{name}: {errno.errorcode[code]}"
            shutil.rmtree(self.path("cache"), ignore_errors=True)
            done = self.run(self.args, preexec_fn=limit)
            if done.returncode == 99:
                print("note: no seccomp here")
                return
            self.works(what, done)
            if name in ("flock", "linkat", "fallocate"):
                self.works(what + ", again", self.run(self.args, preexec_fn=limit))
        # LLVM's lines are caught by way of a file without a name.
        done = self.run([self.marimba, "run", "--florb"], preexec_fn=without(CALLS["memfd_create"], errno.EPERM))
        self.expect("a bad option", done.returncode == 1 and done.stderr.startswith("error: ") and "florb" in done.stderr, done)

    def mounts(self, script):
        """Runs the model where `script` changed what is mounted."""
        done = self.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script + ' && exec "$@"', "sh", *self.args])
        if done.returncode and ("unshare" in done.stderr or "mount" in done.stderr):
            print("note:", done.stderr.strip())
            return None
        return done

    def case_mounts(self):
        for what, script in {
            "no /proc": "mount -t tmpfs none /proc",
            "no /sys": "mount -t tmpfs none /sys",
            "neither": "mount -t tmpfs none /sys; mount -t tmpfs none /proc",
            "no /dev": "mount -t tmpfs none /dev",
        }.items():
            done = self.mounts(script)
            if done:
                self.works(what, done)

    def case_who_and_where(self):
        environment = {"PATH": os.environ["PATH"]}
        self.works("no HOME", self.run(self.args, env=environment))
        self.works("a HOME that is not there", self.run(self.args, env={**environment, "HOME": "/nowhere/at/all"}))
        for name in ("MARIMBA_CACHE_DIR", "XDG_CACHE_HOME", "TMPDIR"):
            self.works(f"{name} that cannot be made", self.run(self.args, env={**environment, name: "/proc/1/no"}))
        if os.getuid() != 0:
            return
        # A user without a name or a home, who may not write anywhere.
        # lit's own folder is closed to others.
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            os.chmod(folder, 0o755)
            model = shutil.copytree(self.model, os.path.join(folder, "model"))

            def nobody():
                os.setgroups([])
                os.setgid(54321)
                os.setuid(54321)

            args = [self.marimba, "run", model, "--prompt", "a", "--quiet"]
            if self.run(["true"], preexec_fn=nobody).returncode or self.run([self.marimba, "--version"], preexec_fn=nobody).returncode:
                print("note: the program is out of reach of other users")
                return
            self.works("an unknown user", self.run(args, env=environment, preexec_fn=nobody, cwd="/"))
            self.works("an unknown user with a HOME", self.run(args, env={**environment, "HOME": "/"}, preexec_fn=nobody, cwd="/"))


if __name__ == "__main__":
    sys.exit(run_cases(Sandbox))
