#!/usr/bin/env python3
"""Holds what the server answers against OpenAI's API and against `marimba run`.

  check_server.py MARIMBA STORIES WORK
"""

import base64
import json
import os
import struct
import subprocess
import sys
import threading
import time

import checker
import serving

WORDS = "Once upon a time there was a dog."
USER = [{"role": "user", "content": WORDS}]
CHAT, COMPLETIONS, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"enum": ["Rex", "Bo"]}, "age": {"type": "integer", "minimum": 0, "maximum": 20}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "adopt", "description": "Takes a dog", "parameters": SCHEMA}}


class Checker(checker.Checker):
    def __init__(self, marimba, stories, work):
        super().__init__(work)
        self.marimba = marimba
        self.stories = stories
        self.model = serving.with_template(stories, self.path("dogs"))
        self.server = self.start()

    def start(self, *options):
        sessions = self.path("sessions")
        return serving.Server(
            [self.marimba, "serve", self.model, "--threads", "1", "--sessions", sessions, "--parallel", "4", *options],
            self.path("log"),
        )

    def post(self, path, body):
        return self.server.post(path, body)

    def chat(self, **body):
        return self.post(CHAT, {"messages": USER, "max_tokens": 12, "temperature": 0, **body})

    def chunks(self, path=CHAT, **body):
        """What a stream of chunks gives, without [DONE], which must be last."""
        whole = {"max_tokens": 12, "temperature": 0, "stream": True, **body}
        if path == CHAT:
            whole.setdefault("messages", USER)
        events = [text for name, text in self.server.events(path, whole) if name]
        self.equal("a stream ends with", "[DONE]", events.pop())
        return [json.loads(text) for text in events]

    def fits_schema(self, what, text):
        try:
            value = json.loads(text)
        except ValueError:
            return self.expect(f"{what}: JSON", False, text)
        return self.expect(
            what,
            sorted(value) == ["age", "name"] and value["name"] in ("Rex", "Bo") and 0 <= value["age"] <= 20,
            value,
        )

    def case_models(self):
        listed = self.server.call("GET", "/v1/models")[2]["data"]
        self.equal("models", ["dogs"], [one["id"] for one in listed])
        self.equal("one model", listed[0], self.server.call("GET", "/v1/models/dogs")[2])
        self.equal("no model", 404, self.server.call("GET", "/v1/models/cats")[0])
        self.equal("health", {"status": "ok"}, self.server.call("GET", "/health")[2])

    def case_completions_as_run(self):
        done = subprocess.run(
            [self.marimba, "run", self.model, "--threads", "1", "--prompt", WORDS, "--max-tokens", "24", "--json",
             "--temperature", "0", "--quiet"],
            check=True, capture_output=True, text=True,
        )
        expected = json.loads(done.stdout)
        body = {"prompt": WORDS, "max_tokens": 24, "temperature": 0}
        whole = self.post(COMPLETIONS, body)
        self.equal("as run", expected["text"], whole["choices"][0]["text"])
        self.equal("tokens", len(expected["tokens"]), whole["usage"]["completion_tokens"])
        self.equal("cut", "length", whole["choices"][0]["finish_reason"])
        streamed = self.chunks(COMPLETIONS, **body)
        self.equal("streamed", expected["text"], "".join(one["choices"][0]["text"] for one in streamed))
        ids = self.post("/tokenize", {"content": WORDS})["tokens"]
        self.equal("ids", expected["text"], self.post(COMPLETIONS, {**body, "prompt": ids})["choices"][0]["text"])
        both = self.post(COMPLETIONS, {**body, "prompt": [WORDS, "The cat"], "echo": True})["choices"]
        self.equal("echo", [0, 1], [one["index"] for one in both])
        self.equal("echo of the first", WORDS + expected["text"], both[0]["text"])
        self.expect("echo of the second", both[1]["text"].startswith("The cat"), both)
        self.equal("detokenize", WORDS, self.post("/detokenize", {"tokens": ids, "skip_special_tokens": True})["text"])

    def case_chat(self):
        whole = self.chat(max_tokens=24)
        choice = whole["choices"][0]
        text = choice["message"]["content"]
        self.expect("text", len(text) > 10 and choice["message"]["role"] == "assistant", whole)
        self.equal("object", "chat.completion", whole["object"])
        usage = whole["usage"]
        self.equal("sum", usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
        chunks = self.chunks(max_tokens=24, stream_options={"include_usage": True})
        self.equal("role first", "assistant", chunks[0]["choices"][0]["delta"]["role"])
        deltas = [one["choices"][0]["delta"].get("content", "") for one in chunks[:-1]]
        self.equal("streamed", text, "".join(deltas))
        self.equal("finish", "length", chunks[-2]["choices"][0]["finish_reason"])
        self.equal("usage", ([], 24), (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]))
        self.expect("reused", chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] > 0, chunks[-1])
        stopped = self.chat(max_tokens=24, stop=text[4:9])["choices"][0]
        self.equal("stop", (text[:4], "stop"), (stopped["message"]["content"], stopped["finish_reason"]))
        names = self.server.events(CHAT, {"messages": [{"role": "user", "content": "A new text."}], "max_tokens": 1,
                                          "stream": True})
        self.expect("reading is told", any(not name and text.startswith("reading ") for name, text in names), names)

    def case_choices_and_seeds(self):
        def texts(seed):
            return [one["message"]["content"] for one in self.chat(n=2, temperature=1.5, seed=seed)["choices"]]

        self.equal("a seed gives the same", texts(7), texts(7))
        self.expect("choices differ", len(set(texts(7))) == 2, texts(7))
        chunks = self.chunks(n=2, temperature=1.5, seed=7)
        for index, text in enumerate(texts(7)):
            deltas = [c["delta"].get("content", "") for one in chunks for c in one["choices"] if c["index"] == index]
            self.equal(f"streamed choice {index}", text, "".join(deltas))

    def case_chances(self):
        content = self.chat(logprobs=True, top_logprobs=3, max_tokens=4)["choices"][0]["logprobs"]["content"]
        self.equal("tokens with chances", 4, len(content))
        for one in content:
            self.equal("greedy", one["token"], one["top_logprobs"][0]["token"])
            logs = [other["logprob"] for other in one["top_logprobs"]]
            self.expect("descending", logs == sorted(logs, reverse=True) and logs[0] <= 0 and len(logs) == 3, logs)
            self.equal("bytes", one["token"], bytes(one["bytes"]).decode())
        streamed = [c["logprobs"]["content"] for one in self.chunks(logprobs=True, top_logprobs=3, max_tokens=4)
                    for c in one["choices"] if c["logprobs"]]
        self.equal("streamed chances", content, [one for part in streamed for one in part])
        old = self.post(COMPLETIONS, {"prompt": WORDS, "max_tokens": 3, "logprobs": 2, "temperature": 0})
        chances = old["choices"][0]["logprobs"]
        self.equal("older form", [3, 3, 3, 3], [len(chances[name]) for name in
                                                ("tokens", "token_logprobs", "top_logprobs", "text_offset")])
        self.equal("older tokens", old["choices"][0]["text"], "".join(chances["tokens"]))
        first = self.post("/tokenize", {"content": content[0]["token"], "add_special_tokens": False})["tokens"][0]
        other = self.chat(logit_bias={str(first): -100}, logprobs=True, max_tokens=1)
        self.expect("a bias keeps a token away", other["choices"][0]["logprobs"]["content"][0]["token"]
                    != content[0]["token"], other)
        calm = self.chat(max_tokens=32)["choices"][0]["message"]["content"]
        eager = self.chat(max_tokens=32, frequency_penalty=2, presence_penalty=2)["choices"][0]["message"]["content"]
        self.expect("penalties change an answer", calm != eager, calm)

    def case_forms(self):
        body = {"max_tokens": 120, "temperature": 1.5, "seed": 3}
        wanted = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
        choice = self.chat(**body, response_format=wanted)["choices"][0]
        self.equal("a schema ends", "stop", choice["finish_reason"])
        self.fits_schema("a schema", choice["message"]["content"])
        choice = self.chat(**body, response_format={"type": "json_object"})["choices"][0]
        self.equal("any object ends", "stop", choice["finish_reason"])
        self.expect("any object", isinstance(json.loads(choice["message"]["content"]), dict), choice)
        choice = self.chat(**body, grammar='root ::= ("ja" | "nein") "!"')["choices"][0]
        self.expect("a grammar", choice["message"]["content"] in ("ja!", "nein!"), choice)
        text = self.post(COMPLETIONS, {"prompt": WORDS, **body, "grammar": 'root ::= "x"{5}'})["choices"][0]["text"]
        self.equal("a grammar of completions", "xxxxx", text)

    def case_tools(self):
        body = {"max_tokens": 200, "temperature": 1.5, "seed": 5, "tools": [TOOL]}
        choices = [
            self.chat(**body, tool_choice={"type": "function", "function": {"name": "adopt"}})["choices"][0],
            self.chat(**body, tool_choice="required", parallel_tool_calls=False)["choices"][0],
        ]
        for choice in choices:
            self.equal("finish", "tool_calls", choice["finish_reason"])
            (call,) = choice["message"]["tool_calls"]
            self.equal("name", ("function", "adopt"), (call["type"], call["function"]["name"]))
            self.fits_schema("arguments", call["function"]["arguments"])
        chunks = self.chunks(**body, tool_choice="required", parallel_tool_calls=False)
        deltas = [c["delta"]["tool_calls"][0] for one in chunks for c in one["choices"] if "tool_calls" in c["delta"]]
        self.equal("streamed name", "adopt", deltas[0]["function"]["name"])
        streamed = "".join(one["function"]["arguments"] for one in deltas)
        self.equal("streamed arguments", choices[1]["message"]["tool_calls"][0]["function"]["arguments"], streamed)
        again = [*USER, choices[0]["message"], {
            "role": "tool", "tool_call_id": choices[0]["message"]["tool_calls"][0]["id"], "content": "It barks."}]
        self.expect("a result goes on", self.chat(messages=again, tools=[TOOL])["choices"][0]["message"]["content"])

    def case_thoughts(self):
        whole = self.chat(chat_template_kwargs={"enable_thinking": True})
        message = whole["choices"][0]["message"]
        self.expect("thoughts", message["content"] == "" and message["reasoning_content"], message)
        self.equal("counted", 12, whole["usage"]["completion_tokens_details"]["reasoning_tokens"])
        chunks = self.chunks(chat_template_kwargs={"enable_thinking": True})
        deltas = [one["choices"][0]["delta"].get("reasoning_content", "") for one in chunks]
        self.equal("streamed thoughts", message["reasoning_content"], "".join(deltas).strip())

    def case_responses(self):
        body = {"input": WORDS, "max_output_tokens": 12, "temperature": 0}
        whole = self.post(RESPONSES, body)
        self.equal("status", ("incomplete", "max_output_tokens"), (whole["status"], whole["incomplete_details"]["reason"]))
        text = whole["output"][0]["content"][0]["text"]
        self.equal("as chat", self.chat()["choices"][0]["message"]["content"], text)
        events = [(name, json.loads(data)) for name, data in self.server.events(RESPONSES, {**body, "stream": True}) if name]
        self.equal("numbers", list(range(len(events))), [one["sequence_number"] for _, one in events])
        kinds = [name for name, _ in events]
        self.equal("first", ["response.created", "response.in_progress", "response.output_item.added",
                             "response.content_part.added", "response.output_text.delta"], kinds[:5])
        self.equal("last", ["response.output_text.done", "response.content_part.done", "response.output_item.done",
                            "response.incomplete"], kinds[-4:])
        self.equal("deltas", text, "".join(one["delta"] for name, one in events if name == "response.output_text.delta"))
        tool = {"type": "function", "name": "adopt", "parameters": SCHEMA}
        called = self.post(RESPONSES, {"input": WORDS, "tools": [tool], "tool_choice": "required", "temperature": 1.5,
                                       "parallel_tool_calls": False, "max_output_tokens": 200})
        (call,) = called["output"]
        self.equal("a call", ("function_call", "adopt", "completed"), (call["type"], call["name"], called["status"]))
        self.fits_schema("its arguments", call["arguments"])
        items = [{"role": "user", "content": [{"type": "input_text", "text": WORDS}]}, call,
                 {"type": "function_call_output", "call_id": call["call_id"], "output": "It barks."}]
        self.expect("a result goes on", self.post(RESPONSES, {**body, "input": items, "tools": [tool]})["output"])
        wanted = {"format": {"type": "json_schema", "name": "dog", "schema": SCHEMA}}
        formed = self.post(RESPONSES, {"input": WORDS, "text": wanted, "max_output_tokens": 120})
        self.fits_schema("a form", formed["output"][0]["content"][0]["text"])

    def case_messages(self):
        body = {"messages": USER, "max_tokens": 12, "temperature": 0, "model": "any"}
        whole = self.post(MESSAGES, body)
        text = self.chat()["choices"][0]["message"]["content"]
        self.equal("as chat", [{"type": "text", "text": text}], whole["content"])
        self.equal("reason", "max_tokens", whole["stop_reason"])
        events = [(name, json.loads(data)) for name, data in self.server.events(MESSAGES, {**body, "stream": True}) if name]
        kinds = [name for name, _ in events]
        self.equal("first", ["message_start", "content_block_start", "content_block_delta"], kinds[:3])
        self.equal("last", ["content_block_stop", "message_delta", "message_stop"], kinds[-3:])
        self.equal("deltas", text, "".join(one["delta"]["text"] for name, one in events if name == "content_block_delta"))
        tool = {"name": "adopt", "input_schema": SCHEMA}
        called = self.post(MESSAGES, {**body, "max_tokens": 200, "tools": [tool], "tool_choice": {"type": "tool", "name": "adopt"}})
        self.equal("a call", ("tool_use", "adopt"), (called["stop_reason"], called["content"][0]["name"]))
        self.fits_schema("its input", json.dumps(called["content"][0]["input"]))
        again = [*USER, {"role": "assistant", "content": called["content"]}, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": called["content"][0]["id"], "content": "It barks."}]}]
        self.expect("a result goes on", self.post(MESSAGES, {**body, "messages": again, "tools": [tool]})["content"])
        count = self.post(MESSAGES + "/count_tokens", {"messages": USER})["input_tokens"]
        usage = whole["usage"]
        self.equal("counted", count, usage["input_tokens"] + usage["cache_read_input_tokens"])
        status, _, error = self.server.call("POST", MESSAGES, {"messages": USER})
        self.equal("an error", (400, "error", "invalid_request_error"), (status, error["type"], error["error"]["type"]))

    def case_one_team(self):
        """The thread that loads the model has no team of its own, whose first thread would be bound to a cpu."""
        with serving.Server([self.marimba, "serve", self.model, "--threads", "2"], self.path("log-team")) as server:
            server.post(CHAT, {"messages": USER, "max_tokens": 2})
            self.equal("cpus of the first thread", os.sched_getaffinity(0), os.sched_getaffinity(server.process.pid))

    def case_next_turn(self):
        """An answer is read before the next turn, as the next turn has it, and only so."""
        def turns(model, *options, **body):
            command = [self.marimba, "serve", model, "--threads", "1", *options]
            with serving.Server(command, self.path("log-turns")) as server:
                body = {"max_tokens": 24, "temperature": 0, **body}
                first = server.post(CHAT, {"messages": USER, **body})
                begun = time.monotonic()
                while server.metric("marimba_cache_places") < 3 and time.monotonic() - begun < 3:
                    time.sleep(0.02)
                messages = [*USER, first["choices"][0]["message"], {"role": "user", "content": "And then?"}]
                return first, server.post(CHAT, {"messages": messages, **body})

        def cached(answer):
            return answer["usage"]["prompt_tokens_details"]["cached_tokens"]

        first, second = turns(self.stories)
        self.equal("prompt and answer are reused", first["usage"]["total_tokens"], cached(second))
        forgetful = turns(self.stories, "--cache-bytes", "0")[1]
        self.equal("nothing is kept", 0, cached(forgetful))
        self.equal("the same", forgetful["choices"], second["choices"])
        # The next turn is written without these thoughts.
        thinks = {"chat_template_kwargs": {"enable_thinking": True}}
        first, second = turns(self.model, **thinks)
        self.expect("thoughts are not reused", cached(second) < first["usage"]["total_tokens"], second["usage"])
        self.equal("the same after thoughts", turns(self.model, "--cache-bytes", "0", **thinks)[1]["choices"],
                   second["choices"])

    def case_metrics(self):
        self.expect("tokens are counted", self.server.metric("marimba_generated_tokens_total") > 0)
        self.equal("nothing runs", 0, self.server.metric("marimba_requests_running"))
        text = self.server.call("GET", "/metrics")[2]
        self.expect("endpoints", 'marimba_http_requests_total{endpoint="/v1/chat/completions",status="200"}' in text)

    def case_sessions(self):
        def listed():
            return [one["id"] for one in self.server.call("GET", "/v1/sessions")[2]["data"]]

        answer = self.chat(session="dogs")
        self.equal("saved", {"id": "dogs", "saved": True}, answer["session"])
        self.equal("of a stream", {"id": "more", "saved": True}, self.chunks(session="more")[-1]["session"])
        forked = self.post("/v1/sessions", {"id": "fork", "from": "dogs"})
        self.equal("fork", "fork", forked["id"])
        made = self.post("/v1/sessions", {"id": "read", "messages": USER})
        self.expect("read without an answer", made["tokens"] > 5 and made["cached_tokens"] > 0, made)
        self.equal("listed", ["dogs", "fork", "more", "read"], listed())
        shown = self.server.call("GET", "/v1/sessions/fork")[2]
        text = answer["choices"][0]["message"]["content"]
        self.equal("messages", [WORDS, text], [one["content"] for one in shown["messages"]])
        self.equal("deleted", True, self.server.call("DELETE", "/v1/sessions/more")[2]["deleted"])
        self.equal("twice", 404, self.server.call("DELETE", "/v1/sessions/more")[0])
        for name in ("..", "a%2Fb", ".hidden", "x" * 65, "%00"):
            self.equal(f"name {name}", 404, self.server.call("GET", "/v1/sessions/" + name)[0])
        for name in ("../x", "a/b", "", ".x"):
            status, _, error = self.server.call("POST", CHAT, {"messages": USER, "session": name or "."})
            self.equal(f"session {name!r}", (400, "session"), (status, error["error"]["param"]))
        self.equal("exit code", 0, self.server.end())
        self.server = self.start()
        self.equal("after a restart", ["dogs", "fork", "read"], listed())
        again = self.chat()
        self.equal("the same answer", text, again["choices"][0]["message"]["content"])
        self.expect("reused", again["usage"]["prompt_tokens_details"]["cached_tokens"] > 0, again["usage"])

    def case_embeddings(self):
        status, _, error = self.server.call("POST", "/v1/embeddings", {"input": WORDS})
        self.equal("without hidden states", (501, "no_embeddings"), (status, error["error"]["code"]))
        self.equal("exit code", 0, self.server.end())
        self.server = self.start("--embeddings")

        def embed(**body):
            data = self.post("/v1/embeddings", {"input": [WORDS, "Rain fell.", WORDS], **body})["data"]
            return [one["embedding"] for one in data]

        mean, last = embed(), embed(pooling="last")
        self.equal("the same text", mean[0], mean[2])
        for vector in (*mean, *last):
            self.expect("length 1", abs(sum(x * x for x in vector) - 1) < 1e-5, vector[:4])
        self.expect("texts and poolings differ", mean[0] != mean[1] and mean[0] != last[0])
        packed = base64.b64decode(embed(encoding_format="base64")[0])
        found = struct.unpack(f"<{len(packed) // 4}f", packed)
        self.expect("base64", max(abs(x - y) for x, y in zip(mean[0], found, strict=True)) < 1e-6, found[:4])
        ids = self.post("/tokenize", {"content": WORDS})["tokens"]
        self.equal("ids", mean[0], embed(input=ids)[0])

    def case_embeddings_are_bounded(self):
        """One has its turn and one waits, both until their time is over; a third is refused."""
        text = "word " * 5000
        options = ["--embeddings", "--queue", "1", "--timeout", "6", "--threads", "1"]
        with serving.Server([self.marimba, "serve", self.model, *options], self.path("log-vectors")) as server:
            found = []

            def ask():
                status, _, error = server.call("POST", "/v1/embeddings", {"input": [text] * 256})
                found.append((status, error["error"]["code"]))

            threads = [threading.Thread(target=ask) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.equal("bounded", [(429, "queue_full"), (504, "timeout"), (504, "timeout")], sorted(found))

    def case_errors(self):
        def refused(path, body, param, status=400):
            found, _, error = self.server.call("POST", path, body)
            problem = error["error"]
            self.equal(f"{path} {str(body)[:60]}", (status, param), (found, problem["param"]))
            self.expect("a message", len(problem["message"]) > 8 and "\n" not in problem["message"], problem)

        def chat(**body):
            return {"messages": USER, **body}

        refused(CHAT, {}, "messages")
        refused(CHAT, {"messages": []}, "messages")
        refused(CHAT, {"messages": "hello"}, "messages")
        refused(CHAT, {"messages": [{"role": "robot", "content": "x"}, 3]}, "messages[0].role")
        refused(CHAT, {"messages": [*USER, 3]}, "messages[1]")
        refused(CHAT, chat(temperature="hot"), "temperature")
        refused(CHAT, chat(temperature=-1), "temperature")
        refused(CHAT, chat(top_p=2), "top_p")
        refused(CHAT, chat(n=0), "n")
        refused(CHAT, chat(n=1000), "n")
        refused(CHAT, chat(max_tokens=0), "max_tokens")
        refused(CHAT, chat(max_completion_tokens=1.5), "max_completion_tokens")
        refused(CHAT, chat(stop=[1]), "stop")
        refused(CHAT, chat(stream="yes"), "stream")
        refused(CHAT, chat(stream_options={"include_usage": 1}), "stream_options.include_usage")
        refused(CHAT, chat(logit_bias={"a": 1}), "logit_bias")
        refused(CHAT, chat(logit_bias={"1": 101}), "logit_bias.1")
        refused(CHAT, chat(logprobs=True, top_logprobs=21), "top_logprobs")
        refused(CHAT, chat(top_logprobs=2), "top_logprobs")
        refused(CHAT, chat(response_format={"type": "xml"}), "response_format.type")
        refused(CHAT, chat(response_format={"type": "json_schema"}), "response_format.json_schema")
        refused(CHAT, chat(response_format={"type": "json_schema", "json_schema": {"schema": {"type": "thing"}}}),
                "response_format.json_schema.schema")
        refused(CHAT, chat(grammar="root ::= missing"), "grammar")
        refused(CHAT, chat(tools=[{"type": "function"}]), "tools[0]")
        refused(CHAT, chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "other"}}),
                "tool_choice.function.name")
        refused(CHAT, chat(functions=[TOOL["function"]]), "functions")
        refused(CHAT, chat(messages=[{"role": "user", "content": "word " * 40000}]), "messages")
        refused(COMPLETIONS, {}, "prompt")
        refused(COMPLETIONS, {"prompt": [[1, -2]]}, "prompt")
        refused(COMPLETIONS, {"prompt": [999999]}, "prompt")
        refused(COMPLETIONS, {"prompt": "x", "suffix": "y"}, "suffix")
        refused(RESPONSES, {"input": [{"type": "image"}]}, "input[0].type")
        refused(RESPONSES, {"input": "x", "previous_response_id": "resp_1"}, "previous_response_id")
        refused("/tokenize", {"content": 5}, "content")
        refused("/detokenize", {"tokens": [999999]}, "tokens")
        for text in (b"", b"{", b"[1]", b'{"a":1,"a":2}', b"\xff\xfe{", b'{"x":' + b"[" * 100, b'{"x":"\xff"}', b"null",
                     b'{"x":1e999}', b'{"x":NaN}', b"{}{}"):
            refused(CHAT, text, None)
        self.equal("unknown path", 404, self.server.call("GET", "/v1/nothing")[0])
        self.equal("other method", 405, self.server.call("GET", CHAT)[0])

    def case_end(self):
        self.equal("exit code", 0, self.server.end())


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
