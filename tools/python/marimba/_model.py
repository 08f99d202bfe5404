"""Models, and how they are compiled."""

import os

from marimba import _native
from marimba._chat import Chat
from marimba._errors import bad, check_text
from marimba._sampling import OPTIONS, _number, samples
from marimba._session import Session, as_ids


def _path(path, name):
    return None if path is None else check_text(os.fspath(path), name)


def _whole(value, name):
    number = _number(name, value, int)
    if not 0 <= number < 2**31:
        raise bad(f"{name} is {number}, expected 0 to {2**31 - 1}")
    return number


class Model:
    """A model, ready to run. Any number of threads may use it at once."""

    def __init__(self, path, *, directory=None, threads=0, chunk=0, dtype="auto", cache_folder=None, isa="native"):
        """Compiles and loads a model directory or a GGUF file, or loads a package.

        A package is what :func:`compile` or ``marimba compile --emit=package`` made; it needs no
        compiler, and loading it runs its code: open those that you trust.

        :param directory: where a package's model is now, if that was moved
        :param threads: of the team; 0: as many as there are cores
        :param chunk: tokens that are computed at once; 0: 512
        :param dtype: what projections multiply: "auto", "f32" or "bf16"
        :param cache_folder: for compiled code and packed weights; None: the user's, "": none
        :param isa: the unit of the processor that code may use at most, as "avx2"; "native": all
        """
        self._path = _path(path, "path")
        self._native = _native.Model(
            self._path, _path(directory, "directory"), _whole(threads, "threads"), _whole(chunk, "chunk"),
            check_text(dtype, "dtype"), _path(cache_folder, "cache_folder"), check_text(isa, "isa"))  # fmt: skip

    @property
    def path(self):
        """As it was given."""
        return self._path

    @property
    def vocabulary(self):
        """Tokens that the model knows: logits after each token."""
        return self._native.vocabulary()

    @property
    def end_ids(self):
        """The ids that end a text or a turn."""
        return self._native.end_ids()

    def __repr__(self):
        return f"<marimba.Model {self._path!r}>"

    def tokenize(self, text, *, begin=True):
        """The ids of a text, i32, with the start of a text in front where `begin` is true and the model wants one."""
        return self._native.encode(check_text(text, "text"), bool(begin))

    def detokenize(self, ids):
        """The text of ids, special tokens left out."""
        return self._native.decode(as_ids(ids))

    def session(self, path=None):
        """An empty :class:`Session`, or the one that the file `path` holds."""
        return Session(self, path)

    @samples()
    def generate(self, prompt, *, progress=None, **sampling):
        """Continues a text (str) or ids: an :class:`Answer`, as ``marimba run`` makes it."""
        return Session(self)._stream(prompt, progress, sampling, keeps=False).answer()

    @samples()
    def stream(self, prompt, *, progress=None, **sampling):
        """As :meth:`generate`, piece by piece: a :class:`Stream`. The prompt is read at once."""
        return Session(self)._stream(prompt, progress, sampling, keeps=False)

    def logits(self, prompt, *, progress=None):
        """The logits after every token of a text or of ids, f32 [tokens, vocabulary]: not to be written to."""
        return Session(self).append(prompt, every=True, progress=progress)

    @samples(OPTIONS)
    def chat(self, *, system=None, form=None, tools=None, template_values=None, hide_thoughts=False, **sampling):
        """A conversation: a :class:`Chat`, which explains the arguments."""
        return Chat(self, system=system, form=form, tools=tools, template_values=template_values,
                    hide_thoughts=hide_thoughts, **sampling)  # fmt: skip


def compile(path, package=None, *, dump_ir=None, threads=1, dtype="auto", isa="native", target_cpu=None):
    """Compiles a model directory to `package`, a new folder that :class:`Model` loads without a compiler.

    :param package: None: nothing but `dump_ir` is written
    :param dump_ir: a folder for the IR after every stage, ``NN-STAGE.mlir``
    :param threads: that the code will run on
    :param dtype: as of :class:`Model`
    :param isa: as of :class:`Model`
    :param target_cpu: the processor, as LLVM names it; None: this one
    """
    _native.compile(
        _path(path, "path"), _path(package, "package"), _path(dump_ir, "dump_ir"), _whole(threads, "threads"),
        check_text(dtype, "dtype"), check_text(isa, "isa"), None if target_cpu is None else check_text(target_cpu, "target_cpu"))  # fmt: skip
