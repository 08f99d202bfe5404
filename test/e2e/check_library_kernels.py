#!/usr/bin/env python3
"""Nothing is multiplied by the library's reference implementation, whatever
instructions it may use.

  check_library_kernels.py MARIMBA RUNTIME WORK GOLDENS

For each limit of oneDNN (DNNL_MAX_CPU_ISA) that this processor reaches, for
weights of each kind, --dtype and --activations: a model reads many tokens at
once, a few and single ones, and DNNL_VERBOSE=1 says what computed them. Logits
are as near to those of the reference route as without a limit. A package that
was compiled without one is loaded under each: RUNTIME is
libmarimba-runtime.so. WORK is made new.
"""

import array
import math
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
sys.path.insert(0, HERE)
import checker  # noqa: E402
import compare  # noqa: E402
import marimba_library  # noqa: E402
import tiny_models  # noqa: E402

SECONDS = 120
PIECES = [21, 1, 5, 1, 9]
# A limit, and what of /proc/cpuinfo a processor has that reaches beyond it.
LIMITS = {
    "AVX2": "avx2",
    "AVX512_CORE": "avx512bw",
    "AVX512_CORE_BF16": "avx512_bf16",
    None: None,
}
WHOLE = "bf16"
# Whether oneDNN multiplies bf16 here where nothing limits it.
with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
    HOST_HAS_BF16 = "avx512_bf16" in cpuinfo.read()
QUANTISED = {
    "int8": ["--weights=int8"],
    "int4": ["--weights=int4", "--zero-point", "--group=32"],
}
# To float64 on f32 routes; bytes and bf16 are compared with no limit's.
TOLERANCE = 1e-4


def allowed(flag):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    return flag is None or (flags and flag in flags[1].split())


class Random(tiny_models.Chain):
    """A Chain's model with numbers of chance. Its block has more channels than
    a tile of widened weights has, twice, and a rest that fills no vector."""

    HIDDEN, INNER, VOCABULARY = 64, 1100, 531

    def __init__(self):
        super().__init__()
        self.size = self.VOCABULARY

    def tensors(self, prefix="model."):
        rng = random.Random(1)
        layer = prefix + "layers.0."
        shapes = {
            prefix + "embed_tokens.weight": [self.size, self.HIDDEN],
            layer + "self_attn.q_proj.weight": [32, self.HIDDEN],
            layer + "self_attn.k_proj.weight": [16, self.HIDDEN],
            layer + "self_attn.v_proj.weight": [16, self.HIDDEN],
            layer + "self_attn.o_proj.weight": [self.HIDDEN, 32],
            layer + "mlp.gate_proj.weight": [self.INNER, self.HIDDEN],
            layer + "mlp.up_proj.weight": [self.INNER, self.HIDDEN],
            layer + "mlp.down_proj.weight": [self.HIDDEN, self.INNER],
            layer + "input_layernorm.weight": [self.HIDDEN],
            layer + "post_attention_layernorm.weight": [self.HIDDEN],
            prefix + "norm.weight": [self.HIDDEN],
            "lm_head.weight": [self.size, self.HIDDEN],
        }
        tensors = {}
        for name, shape in shapes.items():
            scale = 1 / math.sqrt(shape[-1]) if len(shape) > 1 else 1
            raw = array.array("f", (rng.gauss(0, scale) for _ in range(math.prod(shape)))).tobytes()
            # bf16: the upper halves.
            halves = array.array("H", raw)[1::2].tobytes()
            tensors[name] = ("BF16", shape, halves)
        return tensors

    def config(self, **changes):
        return super().config(
            hidden_size=self.HIDDEN,
            intermediate_size=self.INNER,
            num_attention_heads=2,
            dtype="bfloat16",
            **changes,
        )


def distance(a, b):
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


class Checker(checker.Checker):
    def __init__(self, marimba, runtime, work, goldens):
        super().__init__(work)
        self.marimba, self.runtime, self.goldens = marimba, runtime, goldens
        self.limits = [limit for limit, flag in LIMITS.items() if allowed(flag)]
        self.models = {WHOLE: Random().write(self.path("model"))}
        for name, options in QUANTISED.items():
            self.models[name] = self.quantize(self.models[WHOLE], name, options)
        rng = random.Random(2)
        self.ids = [rng.randrange(Random.VOCABULARY) for _ in range(sum(PIECES))]
        self.references = {name: self.run(name, ["--reference"], None) for name in self.models}

    def quantize(self, model, name, options):
        to = self.path(name)
        done = subprocess.run([self.marimba, "quantize", model, "-o", to, *options], capture_output=True, text=True)
        self.expect(f"quantizes {name}", done.returncode == 0, done.stderr)
        return to

    def limited(self, limit, command):
        """What a program writes, oneDNN having at most the instructions of a limit."""
        environment = dict(os.environ, DNNL_VERBOSE="1")
        environment.pop("DNNL_MAX_CPU_ISA", None)
        if limit:
            environment["DNNL_MAX_CPU_ISA"] = limit
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)

    def run(self, name, options, limit, ids=None, pieces=None):
        """Logits of all tokens; None where something failed."""
        out = self.path("out.safetensors")
        ids, pieces = ids or self.ids, pieces or PIECES
        case = f"{name} {' '.join(options)} under {limit}"
        done = self.limited(
            limit,
            [self.marimba, "logits", self.models[name], "--ids", ",".join(map(str, ids))]
            + ["--split", ",".join(map(str, pieces)), "--threads=1", "--matmul=onednn", "-o", out, *options],
        )
        if not self.expect(case, done.returncode == 0, done.stderr):
            return None
        if "--reference" not in options:
            # Loops multiply whole matrices by bf16 where the library does not.
            narrow = limit in ("AVX2", "AVX512_CORE") or not HOST_HAS_BF16
            loops = name == WHOLE and "--dtype=bf16" in options and narrow
            self.kernels(case, done.stdout, multiplies=not loops)
        return compare.load(out)["logits"].values

    def kernels(self, case, output, multiplies=True):
        """No product by a reference, and no number of 16 bits moved by itself."""
        lines = [line.split(",") for line in output.splitlines() if re.match(r"(onednn|dnnl)_verbose,exec,", line)]
        done = [(fields[3], fields[4], fields[6]) for fields in lines]
        found = any(kind == "matmul" for kind, _, _ in done)
        self.expect(f"{case}: the library multiplies", found == multiplies, found)
        for kind, implementation, shapes in done:
            if kind == "reorder":
                slow = re.match("simple|ref", implementation) and re.search("bf16|f16", shapes)
            else:
                slow = "ref" in implementation
            if not self.expect(f"{case}: fast kernels", not slow, (kind, implementation, shapes)):
                return

    def near(self, case, name, found, free):
        """As near to the reference as `free`, the same without a limit."""
        if found is None or free is None:
            return
        error, least = distance(found, self.references[name]), distance(free, self.references[name])
        self.expect(f"{case}: near the reference", error <= TOLERANCE + 2 * least, (error, least))

    def exactly(self, name, limits, *options):
        """Where all is f32."""
        for limit in limits:
            if limit in self.limits:
                self.near(f"{name} {options} {limit}", name, self.run(name, options, limit), self.references[name])

    def compare_limits(self, name, *options):
        free = self.run(name, options, None)
        for limit in self.limits:
            if limit:
                self.near(f"{name} {options} {limit}", name, self.run(name, options, limit), free)

    def case_whole_matrices(self):
        self.exactly(WHOLE, [None, *LIMITS], "--dtype=f32")
        self.compare_limits(WHOLE, "--dtype=bf16")

    def case_quantised(self):
        self.exactly("int8", ["AVX2", None], "--dtype=f32", "--activations=f32")
        self.exactly("int4", ["AVX2"], "--dtype=bf16", "--activations=f32", "--kv=f32")
        self.compare_limits("int8", "--dtype=bf16", "--activations=auto")
        self.compare_limits("int8", "--dtype=f32", "--activations=int8")

    def case_experts(self):
        """The groups of a mixture, which are of many sizes."""
        golden = os.path.join(self.goldens, "mixtral_main")
        self.models["mixtral"] = self.quantize(golden, "mixtral", QUANTISED["int8"])
        self.run("mixtral", ["--dtype=bf16"], "AVX2", range(1, 19), [13, 1, 4])

    def case_package_from_elsewhere(self):
        """What was compiled for products that the library does not have here."""
        ids = ",".join(map(str, self.ids[:30]))
        for name, options in (("int8", ["--activations=int8"]), (WHOLE, ["--dtype=bf16"])):
            package = self.path(f"{name.split()[0]}.marimba")
            done = subprocess.run(
                [self.marimba, "compile", self.models[name], "--emit=package", "-o", package, "--matmul=onednn", *options],
                capture_output=True,
                text=True,
            )
            if not self.expect(f"compiles {package}", done.returncode == 0, done.stderr):
                continue
            results = {}
            for limit in self.limits:
                case = f"package {name} {options} under {limit}"
                done = self.limited(limit, [sys.executable, __file__, "--child", self.runtime, package, ids])
                if self.expect(case, done.returncode == 0, done.stderr):
                    # What is compiled here, without products of bf16, has loops.
                    loops = name == WHOLE and not HOST_HAS_BF16
                    self.kernels(case, done.stdout, multiplies=not loops)
                    *_, last = done.stdout.splitlines()
                    results[limit] = [float(value) for value in last.split()]
            if None not in results:
                continue
            largest = max(map(abs, results[None]))
            for limit, values in results.items():
                far = distance(values, results[None])
                self.expect(f"{name} under {limit}: near", far <= 0.02 * largest, far)


def child(library, package, ids):
    """The logits after the last of `ids`, which are read at once."""
    session = marimba_library.Library(library).open(package, cache_folder=b"").session()
    logits = session.append([int(i) for i in ids.split(",")])
    print(" ".join(map(repr, logits)))


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
    else:
        sys.exit(checker.run_cases(Checker))
