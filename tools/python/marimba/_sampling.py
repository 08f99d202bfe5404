"""How an answer is made: the same keyword arguments everywhere."""

import functools
import inspect

from marimba import _native
from marimba._errors import bad, check_text

# Name, default, type, text of the docstring.
OPTIONS = [
    ("max_tokens", None, int, "ends the answer after so many tokens (256; in a conversation 1024)"),
    ("temperature", 0.0, float, "0 takes the likeliest token"),
    ("top_p", 1.0, float, "keeps the likeliest tokens that reach this probability together"),
    ("top_k", 0, int, "keeps so many of the likeliest tokens; 0 keeps all"),
    ("min_p", 0.0, float, "keeps the tokens of at least this share of the likeliest one's probability"),
    ("repetition_penalty", 1.0, float, "above 1 makes tokens that the sequence has less likely"),
    ("frequency_penalty", 0.0, float, "subtracted from a token's logit for each time that the answer has it"),
    ("presence_penalty", 0.0, float, "subtracted where the answer has it"),
    ("logit_bias", None, dict, "numbers that are added to the logits of ids"),
    ("seed", 0, int, "the same seed, the same choices"),
    ("stop", (), str, "a text, or several, that ends the answer and is no part of it"),
]
IGNORE_END = ("ignore_end", False, bool, "goes on after a token that ends a text")
# What the library holds them in.
WHOLE = {"max_tokens": (1, 2**31 - 1), "top_k": (0, 2**31 - 1), "seed": (0, 2**64 - 1)}


def _number(name, value, kind):
    """A number of Python's or numpy's, as what the library takes."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = value.__index__() if kind is int else float(value)
    except (AttributeError, TypeError, ValueError):
        raise bad(f"{name} is {value!r}, expected {'a whole number' if kind is int else 'a number'}") from None
    least, most = WHOLE.get(name, (None, None))
    if least is not None and not least <= number <= most:
        raise bad(f"{name} is {number}, expected {least} to {most}")
    return number


def _biases(value):
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(f"logit_bias is {type(value).__name__}, expected a dict of ids and numbers")
    limit = 2**31 - 1
    found = {_number("an id of logit_bias", id, int): _number("a value of logit_bias", bias, float) for id, bias in value.items()}
    for id in found:
        if not 0 <= id <= limit:
            raise bad(f"an id of logit_bias is {id}, expected 0 to {limit}")
    return found


def _stops(value):
    texts = [value] if isinstance(value, str) else list(value)
    for text in texts:
        if not check_text(text, "stop"):
            raise bad("stop has an empty text")
    return texts


def make_sampling(given):
    """`given`: keyword arguments that a function with @samples took."""
    values = {"ignore_end": bool(given.get("ignore_end", False))}
    for name, default, kind, _ in OPTIONS:
        value = given.get(name, default)
        if name == "stop":
            values["stops"] = _stops(value)
        elif name == "logit_bias":
            values["biases"] = _biases(value)
        elif name == "max_tokens" and value is None:
            values[name] = 0
        else:
            values[name] = _number(name, value, kind)
    for name in ("top_p", "repetition_penalty"):
        if values[name] == 0:  # means the default, in C
            raise bad(f"{name} is 0, expected more")
    return _native.Sampling(**values)


def samples(options=(*OPTIONS, IGNORE_END)):
    """Shows a function's `**sampling` as the arguments that there are, and checks their names."""
    names = [option[0] for option in options]

    def decorate(function):
        own = inspect.signature(function)
        parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default, _, _ in options]
        known = {p.name for p in parameters}

        @functools.wraps(function)
        def checked(*args, **keywords):
            for name in keywords:
                if name not in known:
                    raise TypeError(f"{function.__qualname__}() got an unexpected keyword argument '{name}': expected one of {', '.join(names)}")
            return function(*args, **keywords)

        checked.__signature__ = own.replace(parameters=parameters)
        lines = [f":param {name}: {text}" for name, _, _, text in options]
        checked.__doc__ = inspect.cleandoc(function.__doc__) + "\n\n" + "\n".join(lines)
        return checked

    return decorate
