"""Sequences of tokens, and what the model remembers of them."""

import os

import numpy as np

from marimba import _native
from marimba._answers import Stream
from marimba._errors import bad, check_text
from marimba._sampling import make_sampling, samples

LAST, ALL = 1, 2  # marimba_wanted


def as_ids(prompt):
    """Whole numbers as the module takes them: i32, dense."""
    array = np.asarray(prompt)
    if array.ndim != 1:
        raise bad(f"ids have {array.ndim} dimensions, expected one: a sequence")
    if array.size and array.dtype.kind not in "iu":
        raise bad(f"ids are {array.dtype}, expected whole numbers")
    limits = np.iinfo(np.int32)
    if array.size and (array.max() > limits.max or array.min() < limits.min):
        raise bad(f"an id is {array.max() if array.max() > limits.max else array.min()}, expected 0 to {limits.max}")
    return np.ascontiguousarray(array, dtype=np.int32)


class Mark:
    """A place in a session to go back to: :meth:`Session.mark`."""

    def __init__(self, native, tokens):
        self._native = native
        #: Tokens that the session had.
        self.tokens = tokens

    def __repr__(self):
        return f"<marimba.Mark after {self.tokens} tokens>"


class Session:
    """A sequence of tokens, and the state of the model after it.

    A long text is read once, by :meth:`append`; then :meth:`fork`, :meth:`save` and :meth:`mark`
    keep what the model remembers of it, and questions go on from there. ``len(session)`` is the
    number of tokens.

    Sessions of one model compute on different threads at once. A session is used by one thread at
    a time; another one is refused with an :class:`Error`.
    """

    def __init__(self, model, path=None):
        """An empty sequence, or the one that the file `path` holds."""
        self._model = model
        self._native = _native.Session(model._native)
        if path is not None:
            self.load(path)

    @property
    def model(self):
        """The :class:`Model` that it is of."""
        return self._model

    @property
    def ids(self):
        """The tokens, i32: a copy."""
        return self._native.ids()

    @property
    def logits(self):
        """The logits after the last token, f32 [vocabulary]: no copy, and not to be written to.

        The numbers stay as they are when the session goes on, for as long as the array is used.
        """
        return self._native.logits()[-1]

    def __len__(self):
        return self._native.length()

    def __repr__(self):
        return f"<marimba.Session of {len(self)} tokens>"

    def append(self, prompt, *, every=False, progress=None):
        """Reads a text (str) or ids (a list or an array) behind what is there, and gives the logits.

        They are f32 [vocabulary] after the last token, or, where `every` is true, [tokens,
        vocabulary] after each: no copy, and not to be written to. A text at the beginning of the
        session gets the start-of-text token that the model wants.

        `progress`, a function, hears ``(done, total)`` tokens after each piece of 512. An exception
        that it raises, and Ctrl-C, end the reading; the session then has what was read until there.
        """
        self._read(self._ids(prompt), ALL if every else LAST, progress)
        logits = self._native.logits()
        return logits if every else logits[-1]

    def _ids(self, prompt):
        if not isinstance(prompt, str):
            return as_ids(prompt)
        ids = self._model.tokenize(prompt, begin=len(self) == 0)
        if not ids.size:
            raise bad("no tokens in this text")
        return ids

    def _read(self, ids, wanted, progress):
        if progress is not None and not callable(progress):
            raise bad(f"progress is {type(progress).__name__}, expected a function")
        self._native.read(ids, wanted, progress)

    @samples()
    def generate(self, prompt=None, *, progress=None, **sampling):
        """Reads `prompt`, as :meth:`append` does, if there is one, and lets the model go on.

        Gives an :class:`Answer`, of which the session then has all tokens.
        """
        return self._stream(prompt, progress, sampling, keeps=True).answer()

    @samples()
    def stream(self, prompt=None, *, progress=None, **sampling):
        """As :meth:`generate`, piece by piece: a :class:`Stream`. The prompt is read at once."""
        return self._stream(prompt, progress, sampling, keeps=True)

    def _stream(self, prompt, progress, sampling, keeps):
        options = make_sampling(sampling)
        if prompt is not None:
            self._read(self._ids(prompt), LAST, progress)
        return Stream(self._native.generate(options), keeps)

    def fork(self):
        """Another session with the same sequence, which goes on by itself.

        It takes a copy of the states, and no computing.
        """
        copy = object.__new__(Session)
        copy._model, copy._native = self._model, self._native.fork()
        return copy

    def mark(self):
        """A :class:`Mark` to go back to; unlike a fork it does not copy attention's keys and values."""
        return Mark(self._native.mark(), len(self))

    def rewind(self, mark):
        """Takes back what came after `mark`, which may be of a session that this one was forked from."""
        if not isinstance(mark, Mark):
            raise bad(f"mark is {type(mark).__name__}, expected what mark() gave")
        self._native.rewind(mark._native)

    def reset(self):
        """Makes it empty."""
        self._native.reset()

    def save(self, path):
        """Writes the sequence and the state to a file, which appears when it is whole (docs/state.md)."""
        self._native.save(check_text(os.fspath(path), "path"))

    def load(self, path):
        """Replaces the sequence by the one of a file of the same model, saved here or by ``marimba run --save-state``."""
        self._native.load(check_text(os.fspath(path), "path"))
