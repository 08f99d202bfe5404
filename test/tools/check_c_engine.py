#!/usr/bin/env python3
"""Holds marimba_batch_* and marimba_chat_* against `marimba run` and `marimba chat`.

  check_c_engine.py MARIMBA BATCH TALK LIBRARY PACKAGE WORK

BATCH and TALK are the programs of examples/c-api.
"""

import ctypes
import json
import subprocess
import sys

import checker
import marimba_library

SECONDS = 120
PROMPTS = ["Once upon a time", "One day Tom", "Lily had a red ball. She", "The sun", "A cat"]
BAD_ARGUMENT, BAD_STATE = 1, 3
ENDS = {0: None, 1: "model", 2: "stop", 3: "length", 4: "interrupted"}
TEXT_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)


class Sampling(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("max_tokens", ctypes.c_int64), ("temperature", ctypes.c_float),
                ("top_p", ctypes.c_float), ("min_p", ctypes.c_float), ("repetition_penalty", ctypes.c_float),
                ("top_k", ctypes.c_int32), ("ignore_end", ctypes.c_int32), ("seed", ctypes.c_uint64),
                ("stops", ctypes.POINTER(ctypes.c_char_p)), ("stop_count", ctypes.c_size_t)]


class Event(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("request", ctypes.c_uint64), ("id", ctypes.c_int32),
                ("end", ctypes.c_int), ("text", ctypes.c_char_p)]


class ChatOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("system", ctypes.c_char_p), ("form", ctypes.c_char_p),
                ("sampling", ctypes.POINTER(Sampling)), ("tools", ctypes.c_char_p),
                ("template_values", ctypes.c_char_p), ("hide_thoughts", ctypes.c_int)]


def sampling(stops=(), **fields):
    texts = (ctypes.c_char_p * len(stops))(*(text.encode() for text in stops))
    return Sampling(size=ctypes.sizeof(Sampling), stops=texts, stop_count=len(stops), **fields)


class Batch:
    def __init__(self, model, slots):
        self.library, self.handle = model.library, ctypes.c_void_p()
        self.library.call("marimba_batch_create", model.handle, ctypes.c_int32(slots), ctypes.byref(self.handle))

    def __del__(self):
        if self.handle:
            self.library.lib.marimba_batch_free(self.handle)

    def submit(self, ids, how=None):
        request = ctypes.c_uint64()
        self.library.call("marimba_batch_submit", self.handle, (ctypes.c_int32 * len(ids))(*ids), ctypes.c_size_t(len(ids)),
                          how and ctypes.byref(how), ctypes.byref(request))
        return request.value

    def cancel(self, request):
        self.library.lib.marimba_batch_cancel(self.handle, ctypes.c_uint64(request))

    def next(self):
        event, some = Event(size=ctypes.sizeof(Event)), ctypes.c_int()
        self.library.call("marimba_batch_next", self.handle, ctypes.byref(event), ctypes.byref(some))
        return event if some.value else None


class Chat:
    def __init__(self, model, how=None, **options):
        self.library, self.handle = model.library, ctypes.c_void_p()
        given = ChatOptions(size=ctypes.sizeof(ChatOptions), sampling=how and ctypes.pointer(how), **options)
        self.library.call("marimba_chat_create", model.handle, ctypes.byref(given), ctypes.byref(self.handle))

    def __del__(self):
        if self.handle:
            self.library.lib.marimba_chat_free(self.handle)

    def ask(self, question, hear=lambda text: 1):
        answer, end, heard = ctypes.c_void_p(), ctypes.c_int(), []
        function = TEXT_FUNCTION(lambda user, text: heard.append(text.decode()) or hear(text))
        self.library.call("marimba_chat_ask", self.handle, question, function, None, ctypes.byref(answer), ctypes.byref(end))
        text = ctypes.cast(answer, ctypes.c_char_p).value.decode()
        self.library.lib.marimba_free(answer)
        return text, ENDS[end.value], "".join(heard)

    def call(self, name, *arguments):
        self.library.call(f"marimba_chat_{name}", self.handle, *arguments)


class Checker(checker.Checker):
    def __init__(self, marimba, batch, talk, library, package, work):
        super().__init__(work)
        self.marimba, self.batch, self.talk, self.package = marimba, batch, talk, package
        self.library = marimba_library.Library(library)
        for name in ("batch_free", "batch_cancel", "chat_free", "chat_undo", "chat_reset"):
            types = [ctypes.c_void_p] + [ctypes.c_uint64] * (name == "batch_cancel")
            getattr(self.library.lib, f"marimba_{name}").argtypes = types
        self.model = self.library.open(package)

    def run(self, *arguments, **options):
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS, **options)
        self.expect(f"{arguments[:2]}", done.returncode == 0, done)
        return done.stdout

    def alone(self, prompt, *flags):
        """Text and tokens of `marimba run`."""
        answer = json.loads(self.run(self.marimba, "run", self.package, "--prompt", prompt, "--json", "--quiet", *flags))
        return answer["text"], answer["tokens"]

    def fails(self, what, code, message, function, *arguments):
        try:
            function(*arguments)
            self.expect(what, False, "no error")
        except marimba_library.Error as error:
            self.expect(what, error.code == code and message in str(error), f"code {error.code}: {error}")

    def case_programs(self):
        flags = ["--temperature", "0", "--max-tokens", "12"]
        lines = self.run(self.batch, self.package, "12", *PROMPTS[:2], "!" + PROMPTS[2], *PROMPTS[3:]).split("\n")
        for index, prompt in enumerate(PROMPTS):
            expected = self.alone(prompt, *flags)[0]
            good = expected.startswith(lines[index]) and len(lines[index]) < len(expected) if index == 2 else lines[index] == expected
            self.expect(f"batch: {prompt}", good, (expected, lines[index]))
        told = self.run(self.talk, self.package, "12", "Who are you?", "And then?")
        expected = self.run(self.marimba, "chat", self.package, "--quiet", *flags, input="Who are you?\nAnd then?\n")
        self.expect("talk", told == expected and len(told) > 20, (told, expected))

    def case_requests(self):
        """Each has a sampler, stops and limits of its own; they arrive one after the other."""
        variety = [
            ({"max_tokens": 9}, ["--temperature", "0", "--max-tokens", "9"]),
            ({"max_tokens": 20, "temperature": 1.5, "seed": 7}, ["--temperature", "1.5", "--seed", "7", "--max-tokens", "20"]),
            ({"max_tokens": 20, "temperature": 1, "top_k": 5, "seed": 1 << 40}, ["--temperature", "1", "--top-k", "5", "--seed", str(1 << 40), "--max-tokens", "20"]),
            ({"max_tokens": 30, "stops": ["."], "ignore_end": 1}, ["--temperature", "0", "--stop", ".", "--no-eos", "--max-tokens", "30"]),
            ({"max_tokens": 15, "repetition_penalty": 1.5, "top_p": 0.5, "temperature": 1, "seed": 3},
             ["--repetition-penalty", "1.5", "--top-p", "0.5", "--temperature", "1", "--seed", "3", "--max-tokens", "15"]),
        ]
        batch = Batch(self.model, 3)
        texts, tokens, ends = {}, {}, {}
        waiting = list(zip(PROMPTS, variety))
        order = list(waiting)

        def send():
            prompt, (fields, _) = waiting.pop(0)
            batch.submit(self.model.encode(prompt), sampling(**fields))

        send()
        while True:
            event = batch.next()
            if event is None:
                break
            texts[event.request] = texts.get(event.request, "") + event.text.decode()
            if event.id >= 0:
                tokens.setdefault(event.request, []).append(event.id)
            if event.end:
                ends[event.request] = ENDS[event.end]
            if waiting and sum(map(len, tokens.values())) % 4 == 3:
                send()
        self.expect("all were sent", not waiting and sorted(ends) == [0, 1, 2, 3, 4], ends)
        self.expect("a stop text", ends.get(3) == "stop" and ends.get(0) == "length", ends)
        for request, (prompt, (fields, flags)) in enumerate(order):
            expected = self.alone(prompt, *flags)
            self.expect(f"request {request}", expected == (texts.get(request), tokens.get(request)), (expected, texts, tokens))
        self.fails("no ids", BAD_ARGUMENT, "expected at least one token", batch.submit, [])
        self.fails("an id", BAD_ARGUMENT, "is out of range", batch.submit, [1 << 20])
        self.fails("a number", BAD_ARGUMENT, "temperature is -1", batch.submit, [1], sampling(temperature=-1))
        self.fails("tokens", BAD_ARGUMENT, "sampling.max_tokens is -1", batch.submit, [1], sampling(max_tokens=-1))
        self.fails("slots", BAD_ARGUMENT, "slots is 0, expected 1 to 1024", Batch, self.model, 0)
        short = sampling()
        short.size = 3
        self.fails("a size", BAD_ARGUMENT, "sampling.size is 3", batch.submit, [1], short)

    def case_chat(self):
        how = sampling(max_tokens=10)
        flags = ["--quiet", "--json", "--temperature", "0", "--max-tokens", "10", "--system", "Be kind."]
        lines = self.run(self.marimba, "chat", self.package, *flags, input="Hello\nAnd then?\n/undo\nWho?\n").splitlines()
        expected = [(json.loads(line)["answer"], json.loads(line)["end"]) for line in lines]
        chat = Chat(self.model, how, system=b"Be kind.")
        found = [chat.ask(b"Hello"), chat.ask(b"And then?")]
        self.expect("undo", self.library.lib.marimba_chat_undo(chat.handle) == 1)
        chat.call("save", self.path("chat.state").encode())
        found.append(chat.ask(b"Who?"))
        self.expect("answers", [answer[:2] for answer in found] == expected, (found, expected))
        self.expect("pieces", all(heard == text for text, _, heard in found), found)
        other = Chat(self.model, how)
        other.call("load", self.path("chat.state").encode())
        self.expect("from a file", other.ask(b"Who?") == found[2], found[2])
        text, end, _ = other.ask(b"And?", lambda text: 0)
        self.expect("interrupted", end == "interrupted" and text, (text, end))
        self.library.lib.marimba_chat_reset(other.handle)
        self.expect("reset", self.library.lib.marimba_chat_undo(other.handle) == 0)
        self.fails("no file", BAD_STATE, "none.state", other.call, "load", self.path("none.state").encode())
        self.fails("not UTF-8", BAD_ARGUMENT, "the question is not UTF-8", other.ask, b"caf\xe9")
        for field in ("tools", "template_values"):
            what = "a list" if field == "tools" else "an object"
            self.fails(field, BAD_ARGUMENT, f"options.{field}: expected {what} of JSON", lambda: Chat(self.model, **{field: b"3"}))
        self.fails("no form", 2, "has no chat_template", lambda: Chat(self.model, form=b"rag"))


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
