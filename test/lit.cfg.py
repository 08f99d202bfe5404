# The tests of Marimba: IR checked with FileCheck, programs run from start to
# end. Read after lit.site.cfg.py, which CMake makes and which knows the paths.

import os
import re
import shutil
import sys

import lit.formats

config.name = "Marimba"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "node_modules"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.marimba_test_dir

# FileCheck, not, split-file and the programs under test.
config.environment["PATH"] = os.pathsep.join(
    [config.marimba_bin_dir, config.llvm_tools_dir, config.environment["PATH"]]
)

# What a test that is UNSUPPORTED with a sanitizer names (tools/sanitize.sh).
for sanitizer, feature in (("address", "asan"), ("thread", "tsan")):
    if sanitizer in config.marimba_sanitize.split(","):
        config.available_features.add(feature)
        # Memory is then no measure of what the program takes.
        config.environment["MARIMBA_SANITIZED"] = sanitizer

# Tests run beside each other: teams that wait for a cpu must leave it to others.
config.environment["OMP_WAIT_POLICY"] = "passive"

# What the programs keep: never in the user's folder. Tests share it, as runs do.
config.environment["MARIMBA_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")

config.substitutions.append(("%python", '"%s"' % sys.executable))
# Python with `import marimba`, where the module was built.
if config.marimba_python:
    config.available_features.add("python")
    folder = os.path.join(os.path.dirname(config.marimba_bin_dir), "python")
    config.substitutions.append(("%marimba_python", 'env PYTHONPATH="%s" "%s"' % (folder, config.marimba_python)))
    config.substitutions.append(("%debian_python", config.marimba_python))
config.substitutions.append(("%build", os.path.dirname(config.marimba_bin_dir)))
config.substitutions.append(("%c_compiler", config.marimba_c_compiler))
config.substitutions.append(
    ("%marimba_lib", os.path.join(os.path.dirname(config.marimba_bin_dir), "lib"))
)
config.substitutions.append(
    ("%runtime_tests", os.path.join(config.test_exec_root, "runtime", "marimba-runtime-tests"))
)
config.substitutions.append(
    ("%examples", os.path.join(os.path.dirname(config.test_source_root), "examples"))
)
# Our programs by their full path, wherever a RUN line has the bare name: never
# another one that happens to be installed.
for tool in [
    "marimba-batch",
    "marimba-generate",
    "marimba-generate-package",
    "marimba-lsp-server",
    "marimba-numerics",
    "marimba-opt",
    "marimba-serve",
    "marimba-talk",
    "marimba",
]:
    config.substitutions.append(
        (
            r"(?<![\w./-])%s(?![\w./-])" % re.escape(tool),
            os.path.join(config.marimba_bin_dir, tool),
        )
    )

if shutil.which("curl"):
    config.available_features.add("curl")
# Clients of the server from npm: `npm ci --prefix test/tools/npm` fetches them.
npm = os.path.join(config.test_source_root, "tools", "npm")
if shutil.which("node") and os.path.isdir(os.path.join(npm, "node_modules")):
    config.available_features.add("npm")
    if shutil.which("chromium"):
        config.available_features.add("chromium")
