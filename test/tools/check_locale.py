#!/usr/bin/env python3
"""The library in a program whose locale has a decimal comma: what it reads and
computes is what it is without one.

  check_locale.py MARIMBA LIBRARY STORIES WORK

The parent makes models and runs itself once for each locale, as a host.
"""

import ctypes
import hashlib
import json
import locale
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from checker import Checker, run_cases
from marimba_library import Error, Library, Model, Options
from tiny_models import Chain, write_gguf

SECONDS = 300
# A comma with a dot between thousands, and a decimal point of several bytes.
LOCALES = ("C", "de_DE", "ps_AF")


def host(library_path, stories, work):
    """What a program gets from the library, as JSON."""
    name = locale.setlocale(locale.LC_ALL, "")
    if os.environ["LC_ALL"] != "C":
        # Streams of C++ have a locale of their own.
        cpp = ctypes.CDLL("libstdc++.so.6")
        made, before = ctypes.c_void_p(), ctypes.c_void_p()
        cpp._ZNSt6localeC1EPKc(ctypes.byref(made), name.encode())
        cpp._ZNSt6locale6globalERKS_(ctypes.byref(before), ctypes.byref(made))
    answers = {"point": locale.localeconv()["decimal_point"]}
    library = Library(library_path)

    def load(folder, **options):
        model = ctypes.c_void_p()
        options = Options(size=ctypes.sizeof(Options), threads=1, dtype=b"f32", cache_folder=b"", **options)
        library.call("marimba_model_load", folder.encode(), ctypes.byref(options), ctypes.byref(model))
        return Model(library, model)

    def use(what, model, text):
        ids = model.encode(text)
        session = model.session()
        logits = session.append(ids or [5])
        path = os.path.join(work, f"{what}-{os.environ['LC_ALL']}.state")
        session.save(path)
        session.restore(path)
        again = session.append([5])
        digest = hashlib.sha256(bytes(logits) + bytes(again)).hexdigest()
        answers[what] = [ids, digest]

    def refuse(what, function):
        try:
            function()
            answers[what] = "no error"
        except Error as error:
            answers[what] = str(error)

    text = "Once upon a time, there was 3.5 and 1e-3"
    use("stories", load(stories), text)
    for what in ("fractions", "unigram"):
        use(what, load(os.path.join(work, what)), "abcab 0.5")
    use("gguf", load(os.path.join(work, "chain.gguf")), "abc 0.5")
    use("package", library.open(os.path.join(work, "stories.marimba"), cache_folder=b""), text)
    for what in ("bad-config", "bad-scores"):
        refuse(what, lambda: load(os.path.join(work, what)))
    refuse("chunk", lambda: load(stories, chunk=1234567890123))
    json.dump(answers, sys.stdout)


def unigram(chain, scores):
    """A tokenizer whose pieces depend on fractions."""
    pieces = [[token, 0.0] for token in chain.specials]
    extra = {"ab": 0.25, "bc": 0.5, "abc": 1.5}
    characters = [token for token in chain.tokens if token not in chain.specials]
    for token in characters:
        pieces.append([token, -2.5])
    words = list(extra)
    for i, piece in enumerate(pieces):
        if piece[0].startswith("<pad") and words:
            word = words.pop()
            pieces[i] = [word, scores - extra[word]]
    content = chain.tokenizer()
    content["pre_tokenizer"] = content["decoder"] = None
    content["model"] = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    return content


class Locales(Checker):
    def __init__(self, marimba, library, stories, work):
        super().__init__(work)
        self.marimba, self.library, self.stories = marimba, library, stories
        os.environ["MARIMBA_CACHE_DIR"] = self.path("cache")

    def case_all_loaders(self):
        chain = Chain()
        chain.write(self.path("fractions"), config={"rms_norm_eps": 0.00125, "rope_theta": 1234.5, "rope_scaling": {"rope_type": "linear", "factor": 2.5}, "initializer_range": 0.02})
        chain.write(self.path("unigram"), tokenizer=unigram(chain, -3.75))
        chain.write(self.path("bad-config"), config={"rms_norm_eps": -0.5})
        chain.write(self.path("bad-scores"), tokenizer=unigram(chain, -3.75) | {"added_tokens": [{"id": 1.5, "content": "x", "special": False}]})
        write_gguf(self.path("chain.gguf"), *chain.gguf())
        subprocess.run([self.marimba, "compile", self.stories, "--dtype=f32", "--emit=package", "-o", self.path("stories.marimba")], check=True, timeout=SECONDS)
        found = {}
        for name in LOCALES:
            environment = {**os.environ, "LC_ALL": "C"}
            if name != "C":
                made = subprocess.run(["localedef", "-i", name, "-f", "UTF-8", self.path(name + ".UTF-8")], capture_output=True, text=True, check=False)
                # Warnings of old definitions are exit code 1.
                self.expect(f"{name} is made", os.path.isdir(self.path(name + ".UTF-8")), made)
                environment.update(LC_ALL=name + ".UTF-8", LOCPATH=self.work)
            done = subprocess.run([sys.executable, __file__, "--host", self.library, self.stories, self.work], env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
            if self.expect(f"{name}: exit code 0", done.returncode == 0, done.stderr):
                found[name] = json.loads(done.stdout)
        points = {name: answers.pop("point") for name, answers in found.items()}
        self.expect("the locales differ", points == {"C": ".", "de_DE": ",", "ps_AF": "\u066b"}, points)
        for name in LOCALES[1:]:
            for what, answer in found.get("C", {}).items():
                own = found.get(name, {}).get(what)
                self.expect(f"{name}: {what}", own == answer, (answer, own))
        self.expect("bad-config says -0.5", "-0.5" in found["C"]["bad-config"], found["C"]["bad-config"])
        ids = found["C"]["unigram"][0]
        self.expect("scores decide", chain.size > len(ids) > 0 and len(ids) < len("abcab 0.5"), ids)


if __name__ == "__main__":
    if sys.argv[1] == "--host":
        host(*sys.argv[2:])
    else:
        sys.exit(run_cases(Locales))
