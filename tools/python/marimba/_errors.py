"""What goes wrong, and how that is said."""

import enum


class Code(enum.IntEnum):
    """Why a call failed; the codes of marimba.h."""

    BAD_ARGUMENT = 1  #: an id, an option, a text
    BAD_MODEL = 2  #: a directory or a package cannot be read, compiled or used here
    BAD_STATE = 3  #: a session: read, written, of another model, or in use
    FAILED = 4  #: memory, threads, or compiled code; logits that are not finite
    NO_COMPILER = 5  #: only libmarimba-runtime is installed


class Error(Exception):
    """A call failed. ``str(error)`` is one line that names the file, the field or the argument.

    :ivar code: why, a :class:`Code`
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = Code(code)

    def __reduce__(self):
        return Error, (int(self.code), str(self))


def bad(what):
    return Error(Code.BAD_ARGUMENT, what)


def check_text(text, name):
    """A text as C takes it: `name` is that of the argument."""
    if not isinstance(text, str):
        raise bad(f"{name} is {type(text).__name__}, expected str")
    if "\0" in text:
        raise bad(f"{name} has the character U+0000 (number {text.index(chr(0)) + 1}), expected a text without it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise bad(f"{name} has the half of a surrogate pair (character {error.start + 1}), expected text that UTF-8 can write") from None
    return text
