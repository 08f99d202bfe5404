"""Marimba for Python: hybrid sequence models on a CPU (docs/python.md).

>>> import marimba
>>> model = marimba.Model("stories-jamba")
>>> print(model.generate("Once upon a time", max_tokens=20))
>>> session = model.session()
>>> session.append(open("book.txt").read())  # read once
>>> print(session.fork().generate(" What was the secret word?"))

Errors are :class:`Error`.
"""

from marimba import _native
from marimba._answers import Answer, Stream
from marimba._chat import Chat, ChatStream
from marimba._errors import Code, Error
from marimba._model import Model, compile
from marimba._session import Mark, Session

__all__ = [
    "Answer",
    "Chat",
    "ChatStream",
    "Code",
    "Error",
    "Mark",
    "Model",
    "Session",
    "Stream",
    "compile",
    "has_compiler",
    "library",
]
__version__ = _native.version

#: The file of the library that does the work.
library = _native.library
#: Whether it can compile: Model() of a model directory, and compile().
has_compiler = _native.has_compiler
