import enum
import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

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

__version__: str
library: str
has_compiler: bool

_Path = Union[str, os.PathLike[str]]
_Ids = Union[Sequence[int], npt.NDArray[np.integer[Any]]]
_Prompt = Union[str, _Ids]
_Stop = Union[str, Sequence[str]]
_Progress = Callable[[int, int], object]
_Logits = npt.NDArray[np.float32]

class Code(enum.IntEnum):
    BAD_ARGUMENT = 1
    BAD_MODEL = 2
    BAD_STATE = 3
    FAILED = 4
    NO_COMPILER = 5

class Error(Exception):
    code: Code
    def __init__(self, code: int, message: str) -> None: ...

class Answer(NamedTuple):
    text: str
    ids: Optional[list[int]]
    end: str

class Stream(Iterator[str]):
    end: Optional[str]
    def __init__(self, generation: Any, keeps: bool) -> None: ...
    @property
    def text(self) -> str: ...
    @property
    def ids(self) -> list[int]: ...
    def __next__(self) -> str: ...
    def close(self) -> None: ...
    def answer(self) -> Answer: ...
    def __enter__(self) -> Stream: ...
    def __exit__(self, *what: Union[type[BaseException], BaseException, TracebackType, None]) -> None: ...

class ChatStream(Iterator[str]):
    text: str
    end: Optional[str]
    def __init__(self, native: Any, question: str) -> None: ...
    def __next__(self) -> str: ...
    def close(self) -> None: ...
    def answer(self) -> Answer: ...
    def __enter__(self) -> ChatStream: ...
    def __exit__(self, *what: Union[type[BaseException], BaseException, TracebackType, None]) -> None: ...

class Mark:
    tokens: int
    def __init__(self, native: Any, tokens: int) -> None: ...

class Session:
    def __init__(self, model: Model, path: Optional[_Path] = None) -> None: ...
    @property
    def model(self) -> Model: ...
    @property
    def ids(self) -> npt.NDArray[np.int32]: ...
    @property
    def logits(self) -> _Logits: ...
    def __len__(self) -> int: ...
    def append(self, prompt: _Prompt, *, every: bool = False, progress: Optional[_Progress] = None) -> _Logits: ...
    def generate(
        self,
        prompt: Optional[_Prompt] = None,
        *,
        progress: Optional[_Progress] = None,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
        ignore_end: bool = False,
    ) -> Answer: ...
    def stream(
        self,
        prompt: Optional[_Prompt] = None,
        *,
        progress: Optional[_Progress] = None,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
        ignore_end: bool = False,
    ) -> Stream: ...
    def fork(self) -> Session: ...
    def mark(self) -> Mark: ...
    def rewind(self, mark: Mark) -> None: ...
    def reset(self) -> None: ...
    def save(self, path: _Path) -> None: ...
    def load(self, path: _Path) -> None: ...

class Chat:
    def __init__(
        self,
        model: Model,
        *,
        system: Optional[str] = None,
        form: Optional[str] = None,
        tools: Union[str, Sequence[Any], None] = None,
        template_values: Union[str, dict[str, Any], None] = None,
        hide_thoughts: bool = False,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
    ) -> None: ...
    @property
    def model(self) -> Model: ...
    def ask(self, question: str) -> Answer: ...
    def stream(self, question: str) -> ChatStream: ...
    def undo(self) -> bool: ...
    def reset(self) -> None: ...
    def save(self, path: _Path) -> None: ...
    def load(self, path: _Path) -> None: ...

class Model:
    def __init__(
        self,
        path: _Path,
        *,
        directory: Optional[_Path] = None,
        threads: int = 0,
        chunk: int = 0,
        dtype: str = "auto",
        cache_folder: Optional[_Path] = None,
        isa: str = "native",
    ) -> None: ...
    @property
    def path(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def end_ids(self) -> list[int]: ...
    def tokenize(self, text: str, *, begin: bool = True) -> npt.NDArray[np.int32]: ...
    def detokenize(self, ids: _Ids) -> str: ...
    def session(self, path: Optional[_Path] = None) -> Session: ...
    def generate(
        self,
        prompt: _Prompt,
        *,
        progress: Optional[_Progress] = None,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
        ignore_end: bool = False,
    ) -> Answer: ...
    def stream(
        self,
        prompt: _Prompt,
        *,
        progress: Optional[_Progress] = None,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
        ignore_end: bool = False,
    ) -> Stream: ...
    def logits(self, prompt: _Prompt, *, progress: Optional[_Progress] = None) -> _Logits: ...
    def chat(
        self,
        *,
        system: Optional[str] = None,
        form: Optional[str] = None,
        tools: Union[str, Sequence[Any], None] = None,
        template_values: Union[str, dict[str, Any], None] = None,
        hide_thoughts: bool = False,
        max_tokens: Optional[int] = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        logit_bias: Optional[dict[int, float]] = None,
        seed: int = 0,
        stop: _Stop = (),
    ) -> Chat: ...

def compile(
    path: _Path,
    package: Optional[_Path] = None,
    *,
    dump_ir: Optional[_Path] = None,
    threads: int = 1,
    dtype: str = "auto",
    isa: str = "native",
    target_cpu: Optional[str] = None,
) -> None: ...
