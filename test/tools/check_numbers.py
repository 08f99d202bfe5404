#!/usr/bin/env python3
"""Numbers on the command line: what is out of the bounds that --help says, or no
number, is an error that names the option; what is in them is taken for what it
is.

  check_numbers.py MARIMBA WORK
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from tiny_models import Chain

SECONDS = 60
COMMANDS = "bench cache chat compile eval execute inspect logits quantize run tokenize".split()
WHOLE = [str(n) for n in (0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 10**30)]
NEGATIVE = ["-1", "-2147483648", "-4294967295", "-9223372036854775808", "-9223372036854775809"]
NUMBERS = WHOLE + NEGATIVE + ["007", "00000000000000000000000000000000000001"]
FRACTIONS = ["1.5", "1e3", "1e-300", "-1e-9", "1e400", "1e-400", "0.99", ".5", "1e9"]
NONE = ["", "abc", " 5", "5 ", "0x10", "0b1", "nan", "-nan", "inf", "-inf", "infinity", "1,5", "1_000", "+5", "--5", "5k", "1e", "\u0665", "5\n"]
EVERY = NUMBERS + FRACTIONS + NONE
# One parser takes them all, of whole numbers and of others: a few show that an
# option goes through it.
SOME = [str(2**31), str(2**32), str(2**32 + 1), str(2**63 - 1), str(2**63), "010", "", "abc", "1.5", " 5", "0x10", "nan"]
# Options whose value is called as numbers are but whose bounds are a set.
SETS = {"vector-bits": {"128", "256", "512"}, "group": {"0", "32", "64", "128"}}


class Numbers(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")

    def run(self, *args):
        return subprocess.run([self.marimba, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)

    def options(self, command):
        """(name, kind of value, least, most, least is out) of its numbers."""
        text = self.run(command, "--help").stdout
        for name, kind, rest in re.findall(r"^  --?([a-z][a-z-]*)=<(\w+)>\s+- (.*)$", text, re.M):
            whole = re.search(r"; (-?\d+(?:\.\d+)?) to (\d+)$", rest)
            above = re.search(r"; above (\d+), at most (\d+)$", rest)
            if whole or above:
                low, high = (whole or above).groups()
                yield name, float(low) if kind in "tpx" else int(low), int(high), bool(above), kind in "tpx"
            else:
                # A number without bounds would be one that nothing checks.
                self.expect(f"{command} --{name} has bounds", kind not in list("nktpxs"), rest)

    def check(self, command, option, value):
        name, low, high, above, real = option
        done = self.run(command, self.path("nowhere"), f"--{name}={value}")
        number = None
        if re.fullmatch(r"-?[0-9]+", value):
            number = int(value)
        elif real and value in FRACTIONS:
            number = float(value)
        good = number is not None and low <= number <= high and not (above and number == low)
        # Beyond what a double holds.
        good = good and value != "1e-400"
        what = f"{command} --{name}={value!r}"
        lines = done.stderr.splitlines()
        self.expect(what + ": exit code 1", done.returncode == 1, done)
        named = bool(lines) and re.match(rf"error: --{name}: expected (a number|a whole number|above|-?[0-9])", lines[0]) is not None
        inner = SETS.get(name)
        if good and inner:
            return
        self.expect(what + (": taken" if good else ": refused by name"), named != good, lines)
        if not good:
            self.expect(what + ": one line", len(lines) == 1, lines)

    def case_bounds(self):
        jobs, kinds = [], set()
        for command in COMMANDS:
            for option in self.options(command):
                shared = option[0] in ("threads", "chunk", "vector-bits")
                values = [str(int(option[1]) - 1), str(option[2]), str(option[2] + 1)]
                if option[4] not in kinds:
                    values += EVERY
                elif not shared:
                    values += SOME
                kinds.add(option[4])
                jobs += [(command, option, value) for value in values]
        self.expect("whole numbers and others", kinds == {False, True}, kinds)
        self.expect("options were found", len({(c, o[0]) for c, o, _ in jobs}) > 25)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: self.check(*job), jobs))

    def case_meaning(self):
        """Values that have less than 64 bits nowhere."""
        model = Chain().write(self.path("model"))
        flags = ["run", model, "--ids", "5,6", "--max-tokens", "8", "--quiet", "--no-eos", "--temperature", "1000000"]
        seeds = [0, 1, 2**31, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1]
        texts = {}
        for seed in seeds:
            done = self.run(*flags, "--seed", str(seed))
            self.expect(f"--seed {seed}: exit code 0", done.returncode == 0, done.stderr)
            texts.setdefault(done.stdout, []).append(seed)
        self.expect("each seed has a text of its own", len(texts) == len(seeds), texts)
        done = self.run(*flags, "--seed", "0010")
        self.expect("--seed 0010 is 10", done.stdout == self.run(*flags, "--seed", "10").stdout, done)
        for ids in ("2147483648", "4294967301", "-1", "1.5", "1e1", "0x5"):
            done = self.run("run", model, "--ids", ids)
            self.expect(f"--ids {ids}: refused", done.returncode == 1 and done.stderr.startswith("error: --ids: "), done)

    def case_lists_of_other_options(self):
        model = Chain().write(self.path("lists"))
        for value in ("int8:", "int4:4294967360", "int4:-32", "int4:32.0", "int4: 32"):
            done = self.run("bench", model, f"--weights={value}")
            self.expect(f"--weights={value}: refused", done.returncode == 1 and done.stderr.startswith("error: --weights: "), done)
        for value in ("4294967298", "-2,4", "1.0,1", "2147483648,1"):
            done = self.run("logits", model, "--ids", "5,6", "-o", self.path("x"), f"--split={value}")
            self.expect(f"--split={value}: refused", done.returncode == 1 and done.stderr.startswith("error: --split: "), done)


if __name__ == "__main__":
    sys.exit(run_cases(Numbers))
