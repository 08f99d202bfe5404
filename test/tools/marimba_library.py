"""marimba.h for Python, as any interpreter would use it: the library is loaded for
this module alone, not into the scope that all code of the process sees."""

import array
import ctypes


class Error(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("chunk", ctypes.c_int64),
                ("dtype", ctypes.c_char_p), ("cache_folder", ctypes.c_char_p), ("isa", ctypes.c_char_p)]


class Library:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.marimba_model_vocabulary.argtypes = [ctypes.c_void_p]
        self.lib.marimba_model_end_ids.restype = ctypes.POINTER(ctypes.c_int32)
        for name in ("model", "session", "answer"):
            getattr(self.lib, f"marimba_{name}_free").argtypes = [ctypes.c_void_p]

    def call(self, function, *arguments):
        """Raises Error where the function returns another code than 0."""
        message = ctypes.c_void_p()
        code = getattr(self.lib, function)(*arguments, ctypes.byref(message))
        text = ctypes.cast(message, ctypes.c_char_p).value
        self.lib.marimba_free(message)
        if code:
            raise Error(code, text.decode())
        assert text is None

    def open(self, package, directory=None, **options):
        model = ctypes.c_void_p()
        given = Options(size=ctypes.sizeof(Options), **options)
        self.call("marimba_model_open", package.encode(), directory and directory.encode(), ctypes.byref(given),
                  ctypes.byref(model))
        return Model(self, model)

    def load(self, directory, **options):
        model = ctypes.c_void_p()
        given = Options(size=ctypes.sizeof(Options), **options)
        self.call("marimba_model_load", directory.encode(), ctypes.byref(given), ctypes.byref(model))
        return Model(self, model)


class Model:
    def __init__(self, library, handle):
        self.library, self.handle = library, handle
        self.vocabulary = library.lib.marimba_model_vocabulary(handle)

    def __del__(self):
        self.library.lib.marimba_model_free(self.handle)

    def encode(self, text):
        ids, count = ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t()
        self.library.call("marimba_encode", self.handle, text if isinstance(text, bytes) else text.encode(), 1, ctypes.byref(ids), ctypes.byref(count))
        result = ids[: count.value]
        self.library.lib.marimba_free(ids)
        return result

    def end_ids(self):
        count = ctypes.c_size_t()
        ids = self.library.lib.marimba_model_end_ids(self.handle, ctypes.byref(count))
        return ids[: count.value]

    def answer(self, stops, prompt):
        return Answer(self, stops, prompt)

    def session(self):
        return Session(self)


class Answer:
    def __init__(self, model, stops, prompt):
        self.model, self.handle = model, ctypes.c_void_p()
        texts = (ctypes.c_char_p * len(stops))(*(stop.encode() for stop in stops))
        model.library.call("marimba_answer_create", model.handle, texts, ctypes.c_size_t(len(stops)),
                           (ctypes.c_int32 * len(prompt))(*prompt), ctypes.c_size_t(len(prompt)),
                           ctypes.byref(self.handle))

    def __del__(self):
        self.model.library.lib.marimba_answer_free(self.handle)

    def take(self, function, *arguments):
        text = ctypes.c_void_p()
        self.model.library.call(function, self.handle, *arguments[:1], ctypes.byref(text), *arguments[1:])
        shown = ctypes.cast(text, ctypes.c_char_p).value.decode()
        self.model.library.lib.marimba_free(text)
        return shown

    def push(self, id):
        stopped = ctypes.c_int()
        return self.take("marimba_answer_push", ctypes.c_int32(id), ctypes.byref(stopped)), stopped.value

    def finish(self):
        return self.take("marimba_answer_finish")


class Session:
    def __init__(self, model):
        self.model, self.handle = model, ctypes.c_void_p()
        model.library.call("marimba_session_create", model.handle, ctypes.byref(self.handle))

    def __del__(self):
        self.model.library.lib.marimba_session_free(self.handle)

    def append(self, ids):
        """The logits after the last one."""
        logits = (ctypes.c_float * self.model.vocabulary)()
        self.model.library.call("marimba_session_append", self.handle, (ctypes.c_int32 * len(ids))(*ids),
                                ctypes.c_size_t(len(ids)), logits)
        return array.array("f", bytes(logits))

    def logits(self):
        logits = (ctypes.c_float * self.model.vocabulary)()
        self.model.library.call("marimba_session_logits", self.handle, logits)
        return array.array("f", bytes(logits))

    def save(self, path):
        self.model.library.call("marimba_session_save", self.handle, path.encode())

    def restore(self, path):
        self.model.library.call("marimba_session_restore", self.handle, path.encode())
