#!/usr/bin/env python3
"""--isa: code and library keep to a unit, which packages remember.

  check_isa.py MARIMBA LIB WORK GOLDENS

LIB is the folder of libmarimba.so and libmarimba-runtime.so. WORK is made new.
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import checker  # noqa: E402
import compare  # noqa: E402
import marimba_library  # noqa: E402

# A unit, what of /proc/cpuinfo a processor has that reaches it, and what the
# library calls itself then (DNNL_VERBOSE).
UNITS = {
    "avx2": ({"avx2", "fma", "f16c"}, "Intel AVX2"),
    "avx512": (
        {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
        "Intel AVX-512 with AVX512BW, AVX512VL, and AVX512DQ extensions",
    ),
    "avx512-vnni": ({"avx512_vnni"}, "Intel AVX-512 with Intel DL Boost"),
    "avx512-bf16": ({"avx512_bf16"}, "Intel AVX-512 with Intel DL Boost and bfloat16 support"),
    "amx": (
        {"amx_tile", "amx_bf16", "amx_int8"},
        "Intel AVX-512 with Intel DL Boost and bfloat16 support and Intel AMX with bfloat16 and 8-bit integer support",
    ),
}
SECONDS = 600
IDS = "1,57,18,26,43,7,9,11,30,2"
LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


def host_flags():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    return set(flags[1].split()) if flags else set()


class Checker(checker.Checker):
    def __init__(self, marimba, lib, work, goldens):
        super().__init__(work)
        self.marimba, self.lib = marimba, lib
        self.model = os.path.join(goldens, "mamba_main")
        flags = host_flags()
        self.possible = []
        for unit, (adds, _) in UNITS.items():
            if not adds <= flags:
                break
            self.possible.append(unit)

    def run(self, command, *arguments, limit=None):
        environment = {k: v for k, v in os.environ.items() if k not in LIMITS}
        environment["DNNL_VERBOSE"] = "1"
        if limit:
            environment["DNNL_MAX_CPU_ISA"] = limit
        return subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, timeout=SECONDS)

    def marimba_run(self, *arguments, **options):
        return self.run([self.marimba], *arguments, **options)

    def library(self, output):
        """What the library says that it uses."""
        found = re.search(r"^(?:onednn|dnnl)_verbose,info,cpu,isa:(.*)$", output, re.M)
        return found and found[1]

    def logits(self, *options, limit=None):
        out = self.path("out.safetensors")
        done = self.marimba_run("logits", self.model, "--ids", IDS, "--split=6,1,3", "--matmul=onednn", "-o", out, *options, limit=limit)
        if not self.expect(f"logits {options} {limit}", done.returncode == 0, done.stderr):
            return None, None
        return compare.load(out)["logits"].values, self.library(done.stdout)

    def case_units(self):
        """Each unit of this machine gives the same numbers, but for their order."""
        free, _ = self.logits("--dtype=f32")
        for unit in self.possible:
            found, library = self.logits("--dtype=f32", f"--isa={unit}")
            if found is None or free is None:
                continue
            far = max(abs(a - b) for a, b in zip(found, free, strict=True))
            self.expect(f"{unit}: near", far <= 1e-4, far)
            self.expect(f"{unit}: the library keeps to it", library == UNITS[unit][1], library)

    def case_the_smaller_limit(self):
        """The library's own variable and --isa: the smaller of both."""
        for limit, unit, expected in (("SSE41", "avx2", "Intel SSE4.1"), ("AVX512_CORE_AMX", "avx2", "Intel AVX2")):
            if unit in self.possible:
                _, library = self.logits(f"--isa={unit}", "--no-cache", limit=limit)
                self.expect(f"{limit} with {unit}", library == expected, library)

    def case_more_than_there_is(self):
        missing = [unit for unit in UNITS if unit not in self.possible]
        for unit in missing:
            for command in (["run", self.model, "--ids", "1"], ["compile", self.model], ["bench", self.model]):
                done = self.marimba_run(*command, f"--isa={unit}")
                here = "".join(f"{name}, " for name in self.possible)
                pattern = rf"error: --isa: {unit}: this processor, \S+, lacks [^;]+; expected {here}".removesuffix(", ")
                good = done.returncode == 1 and re.match(pattern + r"(?: or )?native\n$", done.stderr)
                self.expect(f"{command[0]} {unit}", good and not done.stdout, done)

    def case_keys(self):
        """Code of one unit is not taken for another's."""
        cache = self.path("cache")
        for unit in ["native", *self.possible]:
            for expected in (False, True):
                arguments = ["run", self.model, "--ids", "1", "--max-tokens=1", "--json", "--quiet"]
                done = self.marimba_run(*arguments, f"--isa={unit}", "--cache-dir", cache)
                lines = [line for line in done.stdout.splitlines() if "_verbose," not in line]
                answer = json.loads("\n".join(lines)) if done.returncode == 0 else done
                kept = isinstance(answer, dict) and answer["timing"]["code_from_cache"]
                self.expect(f"{unit} is kept: {expected}", kept == expected, answer)

    def case_packages(self):
        for unit in self.possible:
            package = self.path(f"{unit}.marimba")
            done = self.marimba_run("compile", self.model, "--emit=package", "-o", package, f"--isa={unit}", "--matmul=onednn")
            if not self.expect(f"compiles {unit}", done.returncode == 0, done.stderr):
                continue
            done = self.marimba_run("inspect", package, "--json")
            self.expect(f"inspects {unit}", json.loads(done.stdout)["isa"] == unit, done)
            done = self.marimba_run("run", package, "--ids", IDS, "--max-tokens=2", "--quiet", "--no-cache")
            self.expect(f"runs {unit}", done.returncode == 0 and not done.stderr, done)
            self.expect(f"{unit}: as packaged", self.library(done.stdout) == UNITS[unit][1], done.stdout)
            done = self.marimba_run("run", package, "--ids", "1", f"--isa={unit}")
            decided = f"error: --isa: compiling {package} decided it, expected a model directory with it\n"
            self.expect("decided", done.returncode == 1 and done.stderr == decided, done.stderr)
            manifest = os.path.join(package, "model.json")
            with open(manifest, encoding="utf-8") as file:
                text = file.read()
            with open(manifest, "w", encoding="utf-8") as file:
                file.write(text.replace(f'"isa": "{unit}"', '"isa": "avx9"'))
            done = self.marimba_run("run", package, "--ids", "1")
            self.expect("another unit", 'processor.isa is "avx9", expected avx2, avx512,' in done.stderr, done.stderr)

    def case_c_interface(self):
        for unit in self.possible[:1]:
            done = self.run([sys.executable, __file__, "--child"], os.path.join(self.lib, "libmarimba.so"), self.model, unit)
            self.expect("in C", done.returncode == 0 and done.stdout.endswith("good\n"), done)


def child(path, model, unit):
    library = marimba_library.Library(path)

    def message(function, *arguments, **options):
        try:
            return function(*arguments, **options)
        except marimba_library.Error as error:
            return str(error)

    text = message(library.load, model, isa=b"avx9", cache_folder=b"")
    assert text.startswith("marimba_model_load: options.isa: expected avx2, "), text
    session = library.load(model, isa=unit.encode(), cache_folder=b"").session()
    session.append([1, 2, 3, 4])
    text = message(library.open, model, isa=unit.encode())
    assert "model.json" in text, text
    print("good")


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
    else:
        sys.exit(checker.run_cases(Checker))
