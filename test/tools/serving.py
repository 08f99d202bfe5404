"""What the tests of the server share: a server that is started and ended, and calls to it."""

import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

SECONDS = 120  # for anything; machines may be slow

# Names its tools as Hermes' and Qwen's do, so that calls are looked for.
TEMPLATE = """{{ bos_token }}
{%- if tools %}
    {{- 'TOOLS, each call within <tool_call></tool_call>:' }}
    {%- for tool in tools %}{{ '\\n' + tool | tojson }}{% endfor %}
    {{- '\\n<tool_call>\\n{"name": <name>, "arguments": <arguments>}\\n</tool_call>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '\\n' + message.role | upper + ': ' }}
    {%- if message.content %}{{ message.content | trim }}{% endif %}
    {%- for call in message.tool_calls or [] %}
        {{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
        {{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}
    {%- endfor %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '\\nASSISTANT:' }}
    {%- if enable_thinking is defined and enable_thinking %}{{ ' <think>\\n' }}{% endif %}
{%- endif %}
"""


def with_template(model, folder, template=TEMPLATE):
    """A copy of a model's directory, with a chat template."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("*.txt", "*.jsonl", "golden*"))
    with open(os.path.join(folder, "chat_template.jinja"), "w", encoding="utf-8") as file:
        file.write(template)
    return folder


class Server:
    """A server that runs; `command` starts it, without --host and --port."""

    def __init__(self, command, log):
        self.log_path = log
        self.log = open(log, "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [*command, "--port", "0"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        atexit.register(self.process.kill)
        self.port = self.wait_for_port()

    def wait_for_port(self):
        for _ in range(SECONDS * 20):
            for line in self.messages().splitlines():
                if line.startswith("listening on http://"):
                    return int(line.rsplit(":", 1)[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"no server: {self.messages()}")

    def messages(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def end(self, how=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(SECONDS)
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    @contextlib.contextmanager
    def connection(self):
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            yield one
        finally:
            one.close()

    def call(self, method, path, body=None, headers=None):
        """Status, headers, and the body: of JSON what it stands for, else text."""
        with self.connection() as one:
            data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
            one.request(method, path, data, headers or {})
            reply = one.getresponse()
            text = reply.read().decode()
            kind = reply.getheader("Content-Type", "")
            return reply.status, reply, json.loads(text) if text and kind.startswith("application/json") else text

    def post(self, path, body, headers=None):
        """What a call that succeeds gives."""
        status, _, answer = self.call("POST", path, body, headers)
        if status != 200:
            raise RuntimeError(f"{path}: {status}: {answer}")
        return answer

    def events(self, path, body):
        """The events of a stream: (name, text), comments as ("", text)."""
        with self.connection() as one:
            one.request("POST", path, json.dumps(body))
            reply = one.getresponse()
            text = reply.read().decode()
            if reply.status != 200 or not reply.getheader("Content-Type").startswith("text/event-stream"):
                raise RuntimeError(f"{path}: {reply.status}: {text}")
        events = []
        for block in text.split("\n\n"):
            name, data = "message", []
            for line in block.split("\n"):
                if line.startswith(":"):
                    events.append(("", line[1:].strip()))
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data.append(line[6:])
            if data:
                events.append((name, "\n".join(data)))
        return events

    def raw(self, data=b""):
        """A connection to which `data` was sent."""
        one = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        one.sendall(data)
        return one

    def metric(self, name):
        """The value of a metric without labels."""
        for line in self.call("GET", "/metrics")[2].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise RuntimeError(f"no metric {name}")

    def until(self, good, what, seconds=SECONDS):
        end = time.monotonic() + seconds
        while not good():
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not within {seconds} s")
            time.sleep(0.02)


def read_all(one):
    """Until the other side ends it."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := one.recv(65536):
            data += piece
    return data


def request(body, path="/v1/chat/completions", extra=""):
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
    return head.encode() + data
