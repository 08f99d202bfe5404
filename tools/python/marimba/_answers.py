"""Answers, whole and as they come."""

from typing import NamedTuple, Optional

# By marimba_end.
ENDS = (None, "model", "stop", "length", "interrupted")


class Answer(NamedTuple):
    """What came of a prompt or a question; ``str(answer)`` is its text."""

    text: str
    #: The new tokens, the one that ends the text included; None in a conversation.
    ids: Optional[list]
    #: "model" (a token that ends a text), "stop", "length" or "interrupted".
    end: str

    def __str__(self):
        return self.text


class Stream:
    """Pieces of an answer as they come, each of whole characters: iterate over it.

    Leaving it early ends the answer: by ``break``, :meth:`close`, ``with``, or Ctrl-C. A session
    then holds the tokens that came. For a model without a tokenizer there are no pieces:
    :attr:`ids` has what :meth:`answer` made.

    :ivar end: None until it ends, then as in :class:`Answer`
    """

    def __init__(self, generation, keeps):
        self._generation = generation
        self._keeps = keeps  # whether somebody goes on with the session
        self._made = None  # text and ids, at the end
        self.end = None

    @property
    def text(self):
        """What came until now."""
        return self._made[0] if self._made else self._generation.text

    @property
    def ids(self):
        """Its tokens."""
        return list(self._made[1] if self._made else self._generation.ids)

    def __iter__(self):
        return self

    def __next__(self):
        try:
            while self.end is None:
                piece, end = self._generation.next()
                if end:
                    self._finish(ENDS[end])
                if piece:
                    return piece
        except BaseException:
            self.close()
            raise
        raise StopIteration

    def _finish(self, end):
        generation = self._generation
        self._made = generation.text, generation.ids
        self.end = end
        self._generation = None  # and the session, where nobody else has it
        if self._keeps:
            generation.close()

    def close(self):
        """Ends it, unless it has ended."""
        if self.end is None:
            self._finish("interrupted")

    def answer(self):
        """Waits for the end and gives the whole answer."""
        for _ in self:
            pass
        return Answer(self.text, self.ids, self.end)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def __del__(self):
        try:
            self.close()
        except Exception:  # nobody hears it: the session says so when it goes on
            pass
