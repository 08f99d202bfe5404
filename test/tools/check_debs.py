#!/usr/bin/env python3
"""Makes Debian's packages, unpacks them into a folder and uses what is there.

  check_debs.py BUILD STORIES C_COMPILER PYTHON WORK
"""

import glob
import os
import re
import shutil
import subprocess
import sys

import checker

SECONDS = 300
NAMES = ["libmarimba-runtime", "marimba", "marimba-dev", "python3-marimba"]
QUESTION = "Once upon a time"


class Checker(checker.Checker):
    def __init__(self, build, stories, compiler, python, work):
        super().__init__(work)
        self.build, self.stories, self.compiler, self.python = build, stories, compiler, python
        self.source = os.path.dirname(os.path.dirname(stories))
        self.root = self.path("root")
        self.package = self.path("stories.marimba")

    def run(self, *command, fails=False, **options):
        environment = {**os.environ, **options.pop("env", {})}
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment, **options)
        self.expect(f"{command[:4]}", (done.returncode != 0) == fails, done)
        return done.stdout + done.stderr if fails else done.stdout

    def deb(self, name):
        return self.path(f"{name}_0.1.0-1_{self.architecture}.deb")

    def unpack(self, name):
        self.run("dpkg-deb", "-x", self.deb(name), self.root)

    def library_folder(self):
        (library,) = glob.glob(os.path.join(self.root, "usr/lib/*/libmarimba-runtime.so.0"))
        return os.path.dirname(library)

    def case_make(self):
        """cpack; what the package with the compiler needs takes long to find out, and is checked below."""
        self.architecture = self.run("dpkg", "--print-architecture").strip()
        self.run("cpack", "-D", "CPACK_DEBIAN_MARIMBA_PACKAGE_SHLIBDEPS=OFF", "--config",
                 os.path.join(self.build, "CPackConfig.cmake"), "-B", self.work)  # fmt: skip
        shutil.rmtree(self.path("_CPack_Packages"), ignore_errors=True)
        self.equal("packages", sorted(os.path.basename(self.deb(name)) for name in NAMES), sorted(os.listdir(self.work)))
        needs = {name: self.run("dpkg-deb", "-f", self.deb(name), "Depends") for name in NAMES}
        for name, expected in [
            ("libmarimba-runtime", ["libdnnl2", "libc6", "libicu72", "libonig5", "libgomp1"]),
            ("python3-marimba", ["libmarimba-runtime (= 0.1.0-1)", "python3-numpy", "python3 (>= 3.", "libstdc++6"]),
            ("marimba-dev", ["libmarimba-runtime (= 0.1.0-1)"]),
        ]:
            for need in expected:
                self.expect(f"{name} needs {need}", need in needs[name], needs[name])
        self.expect("no LLVM", "LLVM" not in needs["libmarimba-runtime"].upper(), needs)
        control = self.run("dpkg-deb", "-I", self.deb("libmarimba-runtime"), "shlibs")
        self.equal("shlibs", "libmarimba-runtime 0 libmarimba-runtime (= 0.1.0-1)\n", control)

    def case_runtime(self):
        """Without the package that compiles: a program in C by find_package, and Python."""
        for name in ("libmarimba-runtime", "marimba-dev", "python3-marimba"):
            self.unpack(name)
        self.run(os.path.join(self.build, "bin/marimba"), "compile", self.stories, "--emit=package", "-o", self.package)
        ask = self.path("ask")
        configure = ["cmake", "-G", "Ninja", f"-DCMAKE_C_COMPILER={self.compiler}", f"-DCMAKE_PREFIX_PATH={self.root}/usr"]
        self.run(*configure, "-S", os.path.join(self.source, "examples/find-package"), "-B", ask)
        self.run("cmake", "--build", ask)
        answer = self.run(os.path.join(ask, "ask"), self.package, QUESTION)
        chat = [os.path.join(self.build, "bin/marimba"), "chat", self.package, "--quiet", "--temperature", "0"]
        self.equal("a program in C", self.run(*chat, input=QUESTION + "\n").strip(), answer.strip())
        self.expect("an error", "error: " in self.run(os.path.join(ask, "ask"), "/none", QUESTION, fails=True))
        os.makedirs(self.path("compiles"))
        with open(self.path("compiles/CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.20)\nproject(x C)\nfind_package(Marimba 0.1 REQUIRED COMPONENTS marimba)\n")
        self.compiles = [*configure, "-S", self.path("compiles"), "-B", self.path("x")]
        told = " ".join(self.run(*self.compiles, fails=True).split())
        self.expect("a component", "the component marimba is not there: it is in the package marimba" in told, told)
        self.answer = self.python_says(f"model = marimba.Model({self.package!r})")
        self.expect("the runtime", "libmarimba-runtime.so" in self.answer[0] and self.answer[1] == "False", self.answer)

    def python_says(self, load):
        code = f"import marimba\nprint(marimba.library, marimba.has_compiler, sep='\\n')\n{load}\nprint(repr(str(model.generate({QUESTION!r}, max_tokens=9))))"
        environment = {"PYTHONPATH": os.path.join(self.root, "usr/lib/python3/dist-packages"), "LD_LIBRARY_PATH": self.library_folder()}
        return self.run(self.python, "-B", "-c", code, env=environment).splitlines()

    def case_compiler(self):
        """With it: the programs find each other, CMake and Python find the library that compiles."""
        self.unpack("marimba")
        marimba = os.path.join(self.root, "usr/bin/marimba")
        flags = ["--prompt", QUESTION, "--temperature", "0", "--max-tokens", "9", "--quiet"]
        expected = self.run(os.path.join(self.build, "bin/marimba"), "run", self.package, *flags)
        self.expect("help", "compile" in self.run(marimba, "--help"))
        self.equal("a package", expected, self.run(marimba, "run", self.package, *flags))
        self.equal("a model", expected, self.run(marimba, "run", self.stories, *flags, "--threads=1"))
        self.run(*self.compiles)
        found = self.python_says(f"model = marimba.Model({self.stories!r}, threads=1)")
        self.expect("the compiler", found[0].endswith("libmarimba.so.0") and found[1:] == ["True", self.answer[2]], (found, self.answer))
        self.expect("man", "marimba run" in self.read("usr/share/man/man1/marimba.1"))

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    def case_paths(self):
        """Nothing that is installed looks for the build folder, and nothing is left of its symbols."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    content = file.read()
                if content[:4] != b"\x7fELF":
                    self.expect(f"{name}: the build folder", self.build.encode() not in content)
                    continue
                dynamic = self.run("llvm-readelf", "-d", "-S", path)
                paths = re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", dynamic)
                self.expect(f"{name}: paths", all(p.startswith("/usr/lib/llvm-") for p in paths), paths)
                self.expect(f"{name}: symbols", ".symtab" not in dynamic)


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
