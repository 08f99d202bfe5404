"""Conversations."""

import json
import os
import queue
import threading

from marimba import _native
from marimba._answers import ENDS, Answer
from marimba._errors import check_text
from marimba._sampling import OPTIONS, make_sampling, samples


def _optional(text, name):
    return None if text is None else check_text(text, name)


def _as_json(value, name):
    """A text as it stands, everything else as JSON."""
    if value is None:
        return None
    return check_text(value if isinstance(value, str) else json.dumps(value), name)


class ChatStream:
    """Pieces of an answer as they come, each of whole characters: iterate over it.

    Leaving it early ends the answer, by ``break``, :meth:`close`, ``with``, or Ctrl-C; what came is
    kept as the answer.

    :ivar text: what came until now, thoughts included
    :ivar end: None until it ends, then as in :class:`Answer`
    """

    def __init__(self, native, question):
        self._native = native
        self._pieces = queue.SimpleQueue()
        self._whole = ""
        self.text = ""
        self.end = None
        # The answer is made on a thread of its own, so that this one can be interrupted, and
        # leave. The thread knows nothing of this object.
        begun = threading.Event()
        self._thread = threading.Thread(target=_ask, args=(native, question, self._pieces, begun))
        try:
            self._thread.start()
        except KeyboardInterrupt:  # it came while this one waited for the other to begin
            begun.wait(10)
            self.close()
            raise

    def __iter__(self):
        return self

    def __next__(self):
        try:
            if self.end is None:
                piece = self._pieces.get()
                if isinstance(piece, str):
                    self.text += piece
                    return piece
                self._finish(piece)
        except BaseException:
            self.close()
            raise
        raise StopIteration

    def _finish(self, result):
        self._thread.join()
        self.end = "interrupted"
        if isinstance(result, BaseException):
            raise result
        self._whole, end = result
        self.end = ENDS[end]

    def close(self):
        """Ends it, unless it has ended."""
        if self.end is not None:
            return
        # One that comes before the answer begins is not heard.
        while self._thread.is_alive():
            self._native.interrupt()
            self._thread.join(0.02)
        self.end = "interrupted"

    def answer(self):
        """Waits for the end and gives the whole answer, without thoughts and white space in front."""
        for _ in self:
            pass
        return Answer(self._whole, None, self.end)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def __del__(self):
        try:
            self.close()
        except Exception:  # at the end of the interpreter
            pass


def _ask(native, question, pieces, begun):
    begun.set()
    try:
        pieces.put(native.ask(question, pieces.put))
    except BaseException as error:  # it is raised where the answer is waited for
        pieces.put(error)


class Chat:
    """A conversation, in the form that the model was trained with (docs/chat.md): :meth:`Model.chat`."""

    @samples(OPTIONS)
    def __init__(self, model, *, system=None, form=None, tools=None, template_values=None, hide_thoughts=False, **sampling):
        """How all answers are made.

        :param system: what the model is told first
        :param form: the chat template of this name; None: the default one, or a plain form
        :param tools: functions that the model may call, a list for the chat template
        :param template_values: other values for it, as ``{"enable_thinking": False}``
        :param hide_thoughts: leaves thoughts out of what a stream gives
        """
        self._model = model
        self._native = _native.Chat(
            model._native, _optional(system, "system"), _optional(form, "form"), make_sampling(sampling),
            _as_json(tools, "tools"), _as_json(template_values, "template_values"), bool(hide_thoughts))  # fmt: skip

    @property
    def model(self):
        """The :class:`Model` that it is with."""
        return self._model

    def ask(self, question):
        """Adds a question and its answer, an :class:`Answer`."""
        return self.stream(question).answer()

    def stream(self, question):
        """As :meth:`ask`, piece by piece: a :class:`ChatStream`."""
        return ChatStream(self._native, check_text(question, "question"))

    def undo(self):
        """Takes the last question and its answer back; False where there is none."""
        return self._native.undo()

    def reset(self):
        """Back to the beginning."""
        self._native.reset()

    def save(self, path):
        """Writes the conversation, and what the model remembers of it, to a file."""
        self._native.save(check_text(os.fspath(path), "path"))

    def load(self, path):
        """Goes on from a saved conversation, or behind a saved session (docs/chat.md)."""
        self._native.load(check_text(os.fspath(path), "path"))
