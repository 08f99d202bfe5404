#!/usr/bin/env python3
"""Holds the arrows between the folders (docs/pipeline.md) against the #includes.

  check_layering.py ROOT          check a source tree
  check_layering.py --self-test   check that every rule finds what it is for
"""

import os
import re
import sys
import tempfile

# Which folders of ours the sources of a folder may include besides their own.
ALLOWED = {
    "dialects": set(),
    "passes": {"dialects"},
    "importer": {"dialects"},
    "lowering": {"dialects"},
    "runtime": set(),
    "tools": {"importer", "lowering", "passes", "dialects", "runtime"},
}
# The compiler and generated code share this header of the runtime, no other.
ABI = "marimba/abi.h"
ABI_USERS = {"lowering"}
# How files are read and written (runtime/files/) needs nothing of ours, so that
# the importer may have of it what reads.
LEAF = {f"marimba/{name}.h" for name in ("FileKind", "InputFile", "NewFile", "SplitName", "TextFile", "Unfinished")}
FILES = {"marimba/FileKind.h", "marimba/InputFile.h", "marimba/SplitName.h"}
FILES_USERS = {"importer"}
# How numbers are stored (runtime/formats/): for all, and of ours it needs only
# runtime/files/.
FORMATS = "marimba/formats/"
# What works with a model that is ready (runtime/engine/): above the rest of the
# runtime, below the C interface.
ENGINE = {
    f"marimba/{name}.h"
    for name in (
        "AnswerParts", "AnswerText", "BatchFile", "Chat", "ChatPrompt", "Evaluation", "Generation",
        "GenerationDefaults", "JsonMembers", "OutputPath", "PrefixCache", "PrefixTree", "Room", "Sampler", "Scheduler",
        "ServingLoop", "SessionStore", "StopStrings", "Stopwatch", "Thoughts", "ToolCalls",
    )
}
BELOW_ENGINE = re.compile(r"runtime/(core|files|grammar|package|template|tokenizer)/")
# Which tokens an answer may have (runtime/grammar/): of ours it needs only
# tokenizers and what those need.
GRAMMAR = {f"marimba/{name}.h" for name in ("Grammar", "TokenConstraint")}
GRAMMAR_USES = {"marimba/Tokenizer.h"} | LEAF
# The program that runs compiled models: no compiler is in its process.
WITHOUT_COMPILER = re.compile(r"tools/(commands/|server/|marimba/(Front|ServeMain)\.cpp$)")
# The only files that know the order of the stages, and those that say of which
# passes a target makes them.
PIPELINES = re.compile(r"lowering/Pipelines\.(h|cpp)$")
STAGES = re.compile(r"lowering/\w+/\w*Target\.cpp$")
# What lowering/Common/ must not know.
TARGETS = ("lowering/CPU/", "lowering/Reference/")
# Code generation and ORC.
CODEGEN = re.compile(
    r"(llvm/(CodeGen|ExecutionEngine|MC|Passes|Target)/"
    r"|llvm/Support/TargetSelect\.h|mlir/ExecutionEngine/)"
)
COMPILER = re.compile(r"(mlir|llvm|clang)(-c)?/")
COMMAND_LINE = re.compile(r"\bcl::(opt|list|bits|alias)\b|llvm/Support/CommandLine\.h")
INCLUDE = re.compile(r'^\s*(?:#\s*include|include)\s*([<"])([^>"]+)[>"]')
SOURCES = (".c", ".cpp", ".h", ".td")

# Numbers that go through the locale of a host program: what the library is made
# of has std::from_chars and std::to_chars. JSON is parsed where that is seen to.
LIBRARY = re.compile(r"(runtime|importer|tools/libmarimba)/")
LOCALE = re.compile(
    r"\b(strto(d|f|ld)|ato(f|i|l|ll)|sto(d|f|ld|i|l|ll|ul|ull)|[fs]?scanf|setprecision)\s*\("
    r"|\b[io]?stringstream\b"
    r"|printf\(.*%[-+ #0]*[0-9*]*(\.[0-9*]+)?[aefgAEFG]"
)
JSON_PARSERS = re.compile(r"\b([Jj]son|JsonT|nlohmann::(ordered_)?json)::parse\(")
JSON_FOLDERS = re.compile(r"(runtime|importer)/")
JSON_FILES = {
    "importer/hub/Json.cpp",
    "runtime/formats/Json.cpp",
    "runtime/include/marimba/formats/JsonText.h",
}

# A family is one file of importer/families/, with all that it calls things;
# what works for all families knows none by its name. Not meant are the kind of
# vocabulary that GGUF calls "llama", and other programs (llama.cpp, llama-...).
FAMILIES = "importer/families"
NO_FAMILIES = re.compile(r"importer/(?!families/|blocks/)")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
VOCABULARY = "tokenizer.ggml.model"


def snake(name):
    """FalconMamba -> falcon_mamba"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def family_names(root):
    """What model families are called: their files in importer/families/."""
    folder = os.path.join(root, FAMILIES)
    files = os.listdir(folder) if os.path.isdir(folder) else []
    stems = {os.path.splitext(file)[0] for file in files if file.endswith(".cpp")}
    return sorted(snake(stem) for stem in stems - {"FamilyRegistry"})


def family_in(line, names):
    """The family that a line of code names, in a string or an identifier."""
    if VOCABULARY in line or INCLUDE.match(line):
        return None
    # Where a comment begins: not in a string.
    end = STRING.sub(lambda text: "x" * len(text[0]), line).find("//")
    line = line if end < 0 else line[:end]
    strings, code = STRING.findall(line), snake(STRING.sub('""', line))
    for name in names:
        if any(re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9-]|\.cpp)", text) for text in strings):
            return name
        if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", code):
            return name
    return None


def sources(root):
    """Paths of all sources below the folders that have rules."""
    for folder in ALLOWED:
        for path, folders, files in os.walk(os.path.join(root, folder)):
            folders.sort()
            for name in sorted(files):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(path, name), root)


def folder_of(include, file, root):
    """Our folder that an include leads to, or None: a library, a generated file."""
    if include.startswith("marimba/"):
        return "runtime"
    beside = os.path.normpath(os.path.join(os.path.dirname(file), include))
    if os.path.exists(os.path.join(root, beside)):
        include = beside
    first = include.split("/")[0]
    return first if first in ALLOWED else None


def check_include(file, include, root):
    """What is wrong with one include, or None."""
    own = file.split("/")[0]
    if own == "runtime" and COMPILER.match(include):
        return "runtime/ knows neither LLVM nor MLIR"
    if BELOW_ENGINE.match(file) and include in ENGINE:
        return "runtime/engine/ is above the rest of the runtime"
    if file.startswith("runtime/grammar/") and include.startswith("marimba/"):
        if not include.startswith(FORMATS) and include not in GRAMMAR | GRAMMAR_USES:
            return "runtime/grammar/ needs nothing of ours but tokenizers"
    if re.match(r"runtime/(core|files|package|template|tokenizer)/", file) and include in GRAMMAR:
        return "runtime/grammar/ is above tokenizers and beside the core"
    if WITHOUT_COMPILER.match(file):
        beside = folder_of(include, file, root)
        if COMPILER.match(include) or beside not in (None, "runtime", "tools"):
            return "no compiler is in the process of compiled models"
        if beside == "tools" and not include.startswith(("tools/commands/", "tools/server/")):
            return "no compiler is in the process of compiled models"
        if file.startswith("tools/commands/") and include.startswith("tools/server/"):
            return "tools/server/ is above tools/commands/"
    if CODEGEN.match(include) and not file.startswith("lowering/Target/"):
        return "only lowering/Target/ uses code generation and ORC"
    target = folder_of(include, file, root)
    if file.startswith("runtime/files/") and target and include not in LEAF:
        return "runtime/files/ needs nothing of ours"
    if file.startswith(("runtime/formats/", "runtime/include/" + FORMATS)):
        beside = os.path.join(os.path.dirname(file), include)
        if target and include not in LEAF and not include.startswith(FORMATS) and (
            "/" in include or not os.path.exists(os.path.join(root, beside))
        ):
            return "runtime/formats/ needs nothing of ours but runtime/files/"
    if include.startswith(FORMATS):
        return None
    if own == "lowering" and include == "lowering/Pipelines.h" and not PIPELINES.match(file):
        return "no folder of lowering/ knows the order of the stages"
    if file.startswith("lowering/Common/") and include.startswith(TARGETS):
        return "lowering/Common/ is for every target"
    if target is None or target == own or target in ALLOWED[own]:
        return None
    if include == ABI and own in ABI_USERS:
        return None
    if include in FILES and own in FILES_USERS:
        return None
    if own == "lowering" and target == "passes":
        if PIPELINES.match(file) or STAGES.match(file):
            return None
        return "in lowering/ only Pipelines and the targets use passes/"
    return f"{own}/ must not depend on {target}/"


def lowering_folder(path):
    """lowering/Common/Checks/X.cpp -> lowering/Common/Checks: two levels deep."""
    parts = os.path.dirname(path).split("/")
    return "/".join(parts[:3]) if parts[0] == "lowering" else None


def circles(edges):
    """Circles of folders, one line each. `edges` has the place where a folder first
    includes another: {(from, to): "file:line"}."""
    after = {}
    for begin, end in edges:
        after.setdefault(begin, []).append(end)
    found, done = [], set()

    def visit(folder, way):
        if folder in way:
            way = way[way.index(folder):] + [folder]
            places = [edges[pair] for pair in zip(way, way[1:])]
            found.append(f"{' -> '.join(way)}: a circle of includes ({', '.join(places)})")
        elif folder not in done:
            for end in sorted(after.get(folder, [])):
                visit(end, way + [folder])
            done.add(folder)

    for folder in sorted(after):
        visit(folder, [])
    return found


def kebab(name):
    """FuseConvSilu -> fuse-conv-silu"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def pass_definitions(root, file):
    """{FOO: (argument, text of the definition)} of the Passes.td nearest to a file."""
    folder = os.path.dirname(file)
    while folder and not os.path.exists(os.path.join(root, folder, "Passes.td")):
        folder = os.path.dirname(folder)
    path = os.path.join(root, folder, "Passes.td")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        parts = re.split(r"^def (?=\w+\s*:)", stream.read(), flags=re.M)[1:]
    return {
        re.match(r"\w+", part)[0].upper(): (re.search(r'Pass<"([^"]*)"', part)[1], part)
        for part in parts
    }


def check_pass(file, text, root):
    """What a pass lacks that says what it did: a debug type, statistics."""
    if "markAllAnalysesPreserved" in text:
        return  # it changes nothing
    name = re.search(r"GEN_PASS_DEF_(\w+)", text)[1]
    argument, definition = pass_definitions(root, file).get(name, (None, ""))
    if argument is None:
        yield f"{file}: no Passes.td above it defines {name}"
        return
    if f'#define DEBUG_TYPE "{argument}"' not in text:
        yield f'{file}: has no #define DEBUG_TYPE "{argument}"'
    if "LDBG" not in text and "CountRewrites" not in text:
        yield f"{file}: says nothing to -debug-only={argument} (LDBG, CountRewrites)"
    counted = re.findall(r'Statistic<"(\w+)"', definition)
    if not counted:
        yield f"{file}: {argument} has no statistics in its Passes.td"
    for member in counted:
        if not re.search(rf"\b{member}\b", text):
            yield f"{file}: never counts {member}, a statistic of {argument}"


def check(root):
    """All violations, one line each, and the number of files read."""
    found, count, edges = [], 0, {}
    families = family_names(root)
    for file in sources(root):
        count += 1
        with open(os.path.join(root, file), encoding="utf-8") as stream:
            lines = stream.read().splitlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            problem = match and check_include(file, match[2], root)
            if problem:
                found.append(f"{file}:{number}: includes {match[2]}: {problem}")
            if match and not match[2].endswith(".inc"):
                begin, end = lowering_folder(file), lowering_folder(match[2])
                if begin and end and begin != end:
                    edges.setdefault((begin, end), f"{file}:{number}")
            if not file.startswith("tools/") and COMMAND_LINE.search(line):
                found.append(
                    f"{file}:{number}: options of the command line belong to tools/"
                )
            family = NO_FAMILIES.match(file) and family_in(line, families)
            if family:
                found.append(f"{file}:{number}: names the family {family}: only {FAMILIES}/ does")
            if LIBRARY.match(file) and LOCALE.search(line):
                found.append(f"{file}:{number}: reads or writes a number by the locale")
            if JSON_FOLDERS.match(file) and file not in JSON_FILES and JSON_PARSERS.search(line):
                found.append(f"{file}:{number}: parses JSON without JsonText.h or importer/hub/Json.h")
        text = "\n".join(lines)
        if file.startswith(("passes/", "lowering/")) and "GEN_PASS_DEF" in text:
            found += check_pass(file, text, root)
        if file.startswith("passes/") and "GEN_PASS_DEF" in text:
            stem = os.path.splitext(os.path.basename(file))[0]
            test = f"test/{os.path.dirname(file)}/{kebab(stem)}.mlir"
            if not os.path.exists(os.path.join(root, test)):
                found.append(f"{file}: has no test {test}")
    return found + circles(edges), count


# file, its text, part of the message (None: nothing is wrong)
CASES = [
    ("runtime/grammar/X.cpp", '#include "marimba/Grammar.h"\n#include "marimba/Tokenizer.h"', None),
    ("runtime/grammar/X.cpp", '#include "marimba/Model.h"', "needs nothing of ours but tokenizers"),
    ("runtime/grammar/X.cpp", '#include "marimba/Sampler.h"', "is above the rest of the runtime"),
    ("runtime/tokenizer/X.cpp", '#include "marimba/Grammar.h"', "is above tokenizers"),
    ("runtime/core/A.cpp", '#include "llvm/ADT/StringRef.h"', "neither LLVM nor"),
    ("runtime/core/A.cpp", "#include <mlir/IR/Value.h>", "neither LLVM nor"),
    ("runtime/core/A.cpp", '#include "dialects/Marimba/IR/Marimba.h"', "must not"),
    ("runtime/core/A.cpp", '#include "marimba/abi.h"', None),
    ("runtime/core/A.cpp", '#include "../../lowering/Pipelines.h"', "must not"),
    ("runtime/capi/A.cpp", '#include "runtime/capi/marimba.h"', None),
    ("runtime/engine/A.cpp", '#include "llvm/Support/JSON.h"', "neither LLVM nor"),
    ("runtime/engine/A.cpp", '#include "tools/libmarimba/LoadedModel.h"', "must not"),
    ("runtime/engine/A.cpp", '#include "marimba/Session.h"', None),
    ("runtime/core/A.cpp", '#include "marimba/Scheduler.h"', "above the rest"),
    ("runtime/capi/A.cpp", '#include "marimba/Scheduler.h"', None),
    ("tools/commands/A.cpp", '#include "llvm/ADT/StringRef.h"', "no compiler"),
    ("tools/commands/A.cpp", '#include "tools/libmarimba/Compiler.h"', "no compiler"),
    ("tools/commands/A.cpp", '#include "importer/I.h"', "no compiler"),
    ("tools/commands/A.cpp", '#include "tools/commands/B.h"', None),
    ("tools/commands/A.cpp", '#include "tools/server/B.h"', "above tools/commands/"),
    ("tools/server/A.cpp", '#include "tools/libmarimba/Compiler.h"', "no compiler"),
    ("tools/server/A.cpp", '#include "tools/commands/B.h"', None),
    ("tools/server/A.cpp", '#include "tools/server/B.h"', None),
    ("tools/commands/A.cpp", '#include "marimba/Chat.h"', None),
    ("tools/marimba/Front.cpp", '#include "tools/marimba/Driver.h"', "no compiler"),
    ("tools/marimba/A.cpp", '#include "tools/commands/B.h"', None),
    ("runtime/capi/A.cpp", '#include "tools/libmarimba/LoadedModel.h"', "must not"),
    ("dialects/X/X.cpp", '#include "passes/Passes.h"', "must not"),
    ("dialects/X/X.cpp", '#include "marimba/abi.h"', "must not"),
    ("dialects/X/X.cpp", '#include "dialects/Y/Y.h"', None),
    ("dialects/X/X.td", 'include "passes/Passes.td"', "must not"),
    ("passes/Passes.h", '#include "lowering/Pipelines.h"', "must not"),
    ("passes/Passes.h", '#include "dialects/Y/Y.h"', None),
    ("runtime/files/A.cpp", '#include "marimba/NewFile.h"', None),
    ("runtime/files/A.cpp", '#include "marimba/Tensor.h"', "needs nothing"),
    ("runtime/formats/A.cpp", '#include "marimba/formats/Format.h"', None),
    ("runtime/formats/A.cpp", '#include "marimba/InputFile.h"', None),
    ("runtime/formats/A.cpp", '#include "marimba/Tensor.h"', "needs nothing"),
    ("runtime/formats/A.cpp", '#include "../core/A.h"', "needs nothing"),
    ("runtime/formats/A.cpp", '#include "llvm/ADT/StringRef.h"', "neither LLVM nor"),
    ("runtime/include/marimba/formats/A.h", '#include "marimba/abi.h"', "needs nothing"),
    ("dialects/X/X.h", '#include "marimba/formats/Layout.h"', None),
    ("passes/a/A.cpp", '#include "marimba/formats/Layout.h"', None),
    ("lowering/XToY/XToY.cpp", '#include "marimba/formats/Layout.h"', None),
    ("importer/I.cpp", '#include "marimba/formats/Format.h"', None),
    ("importer/I.cpp", '#include "marimba/InputFile.h"', None),
    ("importer/I.cpp", '#include "marimba/NewFile.h"', "must not"),
    ("importer/I.cpp", '#include "runtime/core/A.h"', "must not"),
    ("importer/I.cpp", '#include "tools/libmarimba/Compiler.h"', "must not"),
    ("importer/I.cpp", '#include "llvm/Support/JSON.h"', None),
    ("lowering/XToY/XToY.cpp", '#include "passes/Passes.h"', "only Pipelines"),
    ("lowering/Pipelines.cpp", '#include "passes/Passes.h"', None),
    ("lowering/X/XTarget.cpp", '#include "passes/Passes.h"', None),
    ("lowering/X/XTarget.h", '#include "passes/Passes.h"', "only Pipelines"),
    ("lowering/X/XTarget.cpp", '#include "lowering/Pipelines.h"', "knows the order"),
    ("lowering/XToY/XToY.cpp", '#include "marimba/abi.h"', None),
    ("lowering/XToY/XToY.cpp", '#include "marimba/Tensor.h"', "must not"),
    ("lowering/XToY/XToY.cpp", '#include "importer/I.h"', "must not"),
    ("lowering/XToY/X.cpp", '#include "llvm/ExecutionEngine/Orc/LLJIT.h"', "only lo"),
    ("lowering/XToY/XToY.cpp", '#include "runtime/capi/marimba.h"', "must not"),
    ("lowering/Common/X/X.cpp", '#include "lowering/CPU/Y/Y.h"', "every target"),
    ("lowering/Common/X/X.cpp", '#include "lowering/Reference/T.h"', "every target"),
    ("lowering/CPU/X/X.cpp", '#include "lowering/Common/Y/Y.h"', None),
    ("tools/t/T.cpp", '#include "runtime/capi/CApi.h"', None),
    ("tools/t/T.cpp", '#include "llvm/CodeGen/Passes.h"', "only lowering/Target"),
    ("lowering/Target/T.cpp", '#include "llvm/Target/TargetMachine.h"', None),
    ("lowering/Target/T.cpp", "static llvm::cl::opt<bool> x;", "command line"),
    ("tools/t/T.cpp", "static llvm::cl::opt<bool> x;", None),
    ("runtime/tokenizer/T.cpp", "double x = std::stod(text);", "by the locale"),
    ("runtime/tokenizer/T.cpp", "double x = strtod(text, nullptr);", "by the locale"),
    ("runtime/tokenizer/T.cpp", 'std::snprintf(t, n, "%5.2f", x);', "by the locale"),
    ("runtime/tokenizer/T.cpp", 'std::snprintf(t, n, "%016llx", x);', None),
    ("importer/T.cpp", "std::istringstream in(text);", "by the locale"),
    ("tools/libmarimba/T.cpp", "sscanf(line, x);", "by the locale"),
    ("tools/marimba/T.cpp", "int x = atoi(text);", None),
    ("runtime/core/T.cpp", "Json json = Json::parse(text);", "parses JSON"),
    ("runtime/include/marimba/formats/JsonText.h", "return JsonT::parse(a, b);", None),
    ("importer/T.cpp", "auto v = llvm::json::parse(text);", "parses JSON"),
    ("importer/gguf/G.cpp", 'if (type == "llama")', "names the family llama"),
    ("importer/hub/H.cpp", 'table["llama.w"] = 1;', "names the family llama"),
    ("importer/I.cpp", "static void readLlama();", "names the family llama"),
    ("importer/hub/H.h", "bool isFalconMamba(Config &);", "names the family falcon_mamba"),
    ("importer/hub/H.cpp", 'scaleLlama3("llama3"); // llama', None),
    ("importer/hub/H.h", 'f("//x"); // as "llama" has it', None),
    ("importer/hub/H.cpp", '"; llama.cpp\'s llama-gguf-split"', None),
    ("importer/gguf/G.cpp", 'f("tokenizer.ggml.model") == "llama"', None),
    ("importer/families/Other.cpp", 'return "llama";', None),
    ("importer/blocks/B.cpp", "readLlama();", None),
]


GOOD_PASS = """#define DEBUG_TYPE "fuse-ab"
#define GEN_PASS_DEF_FUSEAB
LDBG() << "x";
++numFused;
"""
GOOD_TD = {
    f"{folder}/a/Passes.td": """def FuseAB
    : Pass<"fuse-ab", "::mlir::func::FuncOp"> {
  let statistics = [Statistic<"numFused", "num-fused", "x">];
}
"""
    for folder in ("passes", "lowering")
}

# {file: its text}, part of the message (None: nothing is wrong)
TREES = [
    (
        {
            "lowering/CPU/A/A.cpp": '#include "lowering/CPU/B/B.h"',
            "lowering/CPU/B/B.cpp": '#include "lowering/CPU/A/A.h"',
        },
        "lowering/CPU/A -> lowering/CPU/B -> lowering/CPU/A: a circle",
    ),
    (
        {
            "lowering/Common/A/A.h": '#include "lowering/Common/B/B.h"',
            "lowering/Common/B/B.h": '#include "lowering/Common/C/C.h"',
            "lowering/Common/C/C.cpp": '#include "lowering/Common/A/D.h"',
        },
        "(lowering/Common/A/A.h:1, lowering/Common/B/B.h:1, lowering/Common/C/C.cpp:1)",
    ),
    (
        {
            "lowering/CPU/A/A.cpp": '#include "lowering/CPU/A/A.h"',
            "lowering/CPU/B/B.cpp": '#include "lowering/CPU/A/A.h"',
            "lowering/CPU/A/B.cpp": '#include "lowering/CPU/A.h.inc"',
            "lowering/CPU/Passes.h": '#include "lowering/CPU/Passes.h.inc"',
        },
        None,
    ),
    ({"passes/a/FuseAB.cpp": GOOD_PASS, **GOOD_TD}, "no test test/passes/a/fuse-ab"),
    ({"lowering/a/b/C.cpp": GOOD_PASS.replace("FUSEAB", "C"), **GOOD_TD}, "defines C"),
    ({"lowering/a/b/C.cpp": GOOD_PASS, **GOOD_TD}, None),
    (
        {"lowering/a/C.cpp": GOOD_PASS.replace('"fuse-ab"', '"fuse"'), **GOOD_TD},
        'no #define DEBUG_TYPE "fuse-ab"',
    ),
    ({"lowering/a/C.cpp": GOOD_PASS.replace("LDBG", "x"), **GOOD_TD}, "says nothing"),
    (
        {"lowering/a/C.cpp": GOOD_PASS.replace("++numFused", ""), **GOOD_TD},
        "never counts numFused",
    ),
    (
        {
            "lowering/a/C.cpp": GOOD_PASS,
            "lowering/a/Passes.td": 'def FuseAB : Pass<"fuse-ab"> {}',
        },
        "no statistics",
    ),
]


def self_test():
    failures = 0
    trees = [({file: text}, expected) for file, text, expected in CASES] + TREES
    for tree, expected in trees:
        with tempfile.TemporaryDirectory() as root:
            # What a relative include may lead to, and families.
            beside = ("importer/families/Llama.cpp", "importer/families/FalconMamba.cpp",
                      "lowering/Pipelines.h", "runtime/core/A.h")
            for name, text in {**dict.fromkeys(beside, ""), **tree}.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(text + "\n")
            found, _ = check(root)
        if expected:
            right = len(found) == 1 and expected in found[0]
        else:
            right = not found
        if not right:
            failures += 1
            print(f"FAIL {tree}\n  expected {expected}, found {found}")
    print(f"{len(trees)} cases, {failures} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found, count = check(sys.argv[1])
    print("\n".join(found + [f"{count} files, {len(found)} violations"]))
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
