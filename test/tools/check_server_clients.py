#!/usr/bin/env python3
"""Clients that send anything, nothing, slowly, too much, or go away: the server
says what is wrong, and answers the others.

  check_server_clients.py MARIMBA STORIES WORK
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import checker
import serving

CHAT = "/v1/chat/completions"
KEY = "sk-test-0123456789"
SHORT = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 2, "temperature": 0}
LONG = {**SHORT, "max_tokens": 20000, "ignore_eos": True}
# A message with characters of one to four bytes.
WIDE = "aé€😀" * 30


class Checker(checker.Checker):
    def __init__(self, marimba, stories, work):
        super().__init__(work)
        self.marimba = marimba
        self.model = serving.with_template(stories, self.path("dogs"))
        with open(self.path("keys"), "w", encoding="utf-8") as file:
            file.write(f"# of this test\n\nother\n{KEY}\n")
        self.server = self.start("--parallel", "2", "--queue", "3", "--max-body", "100000", "--context", "30000")

    def start(self, *options):
        return serving.Server([self.marimba, "serve", self.model, "--threads", "1", *options], self.path("log"))

    def answers(self, what):
        """The server still does what it is for."""
        status, _, answer = self.server.call("POST", CHAT, SHORT)
        self.equal(f"{what}: others are answered", (200, 2), (status, answer["usage"]["completion_tokens"]))

    def status_of(self, what, data, status):
        """What is sent gets this status, in OpenAI's form, and the connection ends."""
        with self.server.raw(data) as one:
            reply = serving.read_all(one)
        head, _, body = reply.partition(b"\r\n\r\n")
        self.expect(f"{what}: status {status}", head.startswith(b"HTTP/1.1 %d " % status), reply[:200])
        if status >= 400:
            self.expect(f"{what}: message", json.loads(body)["error"]["message"], body)

    def running(self):
        return self.server.metric("marimba_requests_running")

    def case_heads(self):
        host = b"Host: localhost\r\n"
        end = b"Connection: close\r\n\r\n"
        self.status_of("good", b"GET /health HTTP/1.1\r\n" + host + end, 200)
        self.status_of("older", b"GET /health HTTP/1.0\r\n\r\n", 200)
        for what, data in (
            ("no line", b"\x16\x03\x01\x02\x00\r\n\r\n"),
            ("no version", b"GET /health\r\n\r\n"),
            ("another version", b"GET /health HTTP/2.0\r\n\r\n"),
            ("no path", b"GET health HTTP/1.1\r\n" + host + end),
            ("no host", b"GET /health HTTP/1.1\r\n" + end),
            ("two hosts", b"GET /health HTTP/1.1\r\n" + host + host + end),
            ("a space in a name", b"GET /health HTTP/1.1\r\n" + host + b"A : b\r\n" + end),
            ("a folded line", b"GET /health HTTP/1.1\r\n" + host + b"A: b\r\n c\r\n" + end),
            ("a zero byte", b"GET /health HTTP/1.1\r\n" + host + b"A: \0\r\n" + end),
            ("a bare line feed", b"GET /health HTTP/1.1\r\n" + host + b"A: b\nB: c\r\n" + end),
            ("two lengths", b"POST /x HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 2\r\n" + end),
            ("a bad length", b"POST /x HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n" + end),
            ("length and chunks", b"POST /x HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" + end),
            ("another encoding", b"POST /x HTTP/1.1\r\n" + host + b"Transfer-Encoding: gzip, chunked\r\n" + end),
            ("a bad chunk", b"POST /x HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            ("a long chunk", b"POST /x HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"),
        ):
            self.status_of(what, data, 400)
        self.status_of("compressed", b"POST /x HTTP/1.1\r\n" + host + b"Content-Encoding: gzip\r\n" + end, 415)
        self.status_of("many lines", b"GET /health HTTP/1.1\r\n" + host + b"A: b\r\n" * 200 + end, 431)
        self.status_of("a long line", b"GET /health HTTP/1.1\r\n" + host + b"A: " + b"b" * 40000, 431)
        self.status_of("a long path", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + host + end, 414)
        self.status_of("a large body", b"POST /x HTTP/1.1\r\n" + host + b"Content-Length: 100001\r\n\r\n", 413)
        self.status_of("large chunks", b"POST /x HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n186a1\r\n", 413)
        self.status_of("a huge chunk", b"POST /x HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 16 + b"\r\n", 413)
        self.answers("bad heads")

    def case_paths(self):
        for path in ("/../../etc/passwd", "/page/../../x", "/page/%2e%2e/%2e%2e/etc/passwd", "/%00", "//etc/passwd",
                     "/page/" + "%2e%2e%2f" * 20 + "etc/passwd", "/v1/sessions/..%2f..%2fetc%2fpasswd"):
            status = self.server.call("GET", path)[0]
            self.expect(path, status in (400, 404), status)

    def case_pieces(self):
        """Bodies in pieces of any size, also between the bytes of characters."""
        body = json.dumps({**SHORT, "messages": [{"role": "user", "content": WIDE}]}, ensure_ascii=False).encode()
        expected = self.server.call("POST", CHAT, body)[2]["choices"]
        for size in (1, 7, 100):
            with self.server.raw() as one:
                data = serving.request(body, extra="Connection: close\r\n")
                for at in range(0, len(data), size):
                    one.sendall(data[at : at + size])
                found = json.loads(serving.read_all(one).partition(b"\r\n\r\n")[2])["choices"]
            self.equal(f"pieces of {size}", expected, found)
        with self.server.raw(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\n") as one:
            for at in range(0, len(body), 5):
                piece = body[at : at + 5]
                one.sendall(b"%x;a=b\r\n%b\r\n" % (len(piece), piece))
            one.sendall(b"0\r\nTrailer: x\r\n\r\n")
            found = json.loads(serving.read_all(one).partition(b"\r\n\r\n")[2])["choices"]
        self.equal("chunks", expected, found)
        with self.server.raw(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                             b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)) as one:
            self.equal("asked to go on", b"HTTP/1.1 100 Continue\r\n\r\n", one.recv(100))
            one.sendall(body)
            self.expect("and answered", b" 200 OK" in serving.read_all(one))
        # Two requests at once on one connection.
        with self.server.raw(serving.request(body) + serving.request(body, extra="Connection: close\r\n")) as one:
            self.equal("two in a row", 2, serving.read_all(one).count(b"HTTP/1.1 200 OK"))

    def case_keep_alive(self):
        with self.server.connection() as one:
            for _ in range(20):
                one.request("GET", "/health")
                self.equal("kept alive", b'{"status":"ok"}', one.getresponse().read())
            one.request("HEAD", "/health")
            self.equal("a head alone", b"", one.getresponse().read())
            one.request("GET", "/health", headers={"Range": "bytes=0-1", "Accept-Encoding": "gzip"})
            self.equal("no ranges, no compression", b'{"status":"ok"}', one.getresponse().read())

    def gone(self, what, body, leave):
        """A client that leaves while it is answered frees its slot."""
        one = self.server.raw(serving.request(body))
        self.server.until(lambda: self.running() == 1, f"{what}: begins")
        if body.get("stream"):
            one.recv(1000)
        leave(one)
        begun = time.monotonic()
        self.server.until(lambda: self.running() == 0, f"{what}: ends")
        self.expect(f"{what}: soon", time.monotonic() - begun < 5, time.monotonic() - begun)
        one.close()

    def case_going_away(self):
        def abort(one):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()

        for stream in (False, True):
            body = {**LONG, "stream": stream}
            self.gone(f"closed, stream {stream}", body, lambda one: one.close())
            self.gone(f"aborted, stream {stream}", body, abort)
            self.gone(f"half closed, stream {stream}", body, lambda one: one.shutdown(socket.SHUT_WR))
        self.gone("several answers", {**LONG, "n": 1, "stream": True}, abort)
        # In the middle of a header, and of a body.
        for data in (b"POST /v1/chat", serving.request(SHORT)[:-5]):
            one = self.server.raw(data)
            abort(one)
        self.answers("clients that went away")

    def case_queue(self):
        """Two run, three wait; the sixth is refused at once, and a place that is left is taken."""
        held = [self.server.raw(serving.request({**LONG, "stream": True})) for _ in range(2)]
        self.server.until(lambda: self.running() == 2, "two run")
        held += [self.server.raw(serving.request({**LONG, "stream": True})) for _ in range(3)]
        self.server.until(lambda: self.server.metric("marimba_requests_waiting") == 3, "three wait")
        status, reply, error = self.server.call("POST", CHAT, SHORT)
        self.equal("full", (429, "queue_full", "1"), (status, error["error"]["code"], reply.getheader("Retry-After")))
        held.pop(3).close()
        self.server.until(lambda: self.server.metric("marimba_requests_waiting") == 2, "one has left the queue")
        held.pop(0).close()
        self.server.until(lambda: self.server.metric("marimba_requests_waiting") == 1, "a slot is free for the next")
        for one in held:
            one.close()
        self.server.until(lambda: self.running() == 0, "all have left")
        self.answers("a full queue")

    def case_slow_reader(self):
        """Who does not read loses the answer; others have theirs in the meantime."""
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.connect(("127.0.0.1", self.server.port))
        slow.sendall(serving.request({**LONG, "stream": True, "logprobs": True, "top_logprobs": 20}))
        self.server.until(lambda: self.running() == 1, "a slow reader begins")
        self.answers("a slow reader")
        self.server.until(lambda: self.running() == 0, "a slow reader loses its slot", 100)
        slow.close()

    def case_thousand(self):
        """A thousand connections that say nothing, or half a request."""
        before = self.memory()
        with_nothing = [self.server.raw() for _ in range(500)]
        with_half = [self.server.raw(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x") for _ in range(700)]
        begun = time.monotonic()
        self.answers("a thousand connections")
        self.expect("soon", time.monotonic() - begun < 10, time.monotonic() - begun)
        self.server.until(lambda: self.server.metric("marimba_connections") <= 1024 + 16, "bounded")
        if "MARIMBA_SANITIZED" not in os.environ:
            self.expect("memory", self.memory() - before < 200e6, self.memory() - before)
        for one in with_nothing + with_half:
            one.close()
        self.server.until(lambda: self.server.metric("marimba_connections") < 5, "they end")

    def memory(self):
        """Bytes of the server's process."""
        with open(f"/proc/{self.server.process.pid}/statm", encoding="utf-8") as file:
            return int(file.read().split()[1]) * 4096

    def case_many_at_once(self):
        results = []

        def ask():
            status, _, answer = self.server.call("POST", CHAT, SHORT)
            results.append((status, answer["choices"][0]["message"]["content"] if status == 200 else None))

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.equal("answered or refused", set(), {status for status, _ in results} - {200, 429})
        self.equal("one answer", 1, len({text for status, text in results if status == 200}))

    def case_origins(self):
        def status(**headers):
            return self.server.call("GET", "/v1/models", headers=headers)[0]

        host = f"localhost:{self.server.port}"
        self.equal("own page", 200, status(Host=host, Origin=f"http://{host}"))
        self.equal("another page", 403, status(Host=host, Origin="http://evil.example"))
        self.equal("another name", 403, status(Host="evil.example", Origin="http://evil.example"))
        self.equal("an address", 200, status(Host=f"127.0.0.1:{self.server.port}"))

    def case_stop(self):
        """A signal ends a server that answers: the answers end with an error, the program with 0."""
        one = self.server.raw(serving.request({**LONG, "stream": True}))
        whole = self.server.raw(serving.request(LONG))
        self.server.until(lambda: self.running() == 2, "two run")
        begun = time.monotonic()
        self.server.process.send_signal(signal.SIGINT)
        self.expect("a stream is told", b'"the server stops"' in serving.read_all(one))
        self.expect("a reply is told", b"the server stops" in serving.read_all(whole))
        self.equal("exit code", 0, self.server.process.wait(serving.SECONDS))
        self.expect("soon", time.monotonic() - begun < 8, time.monotonic() - begun)
        one.close()
        whole.close()
        with self.server:
            pass

    def case_keys(self):
        with self.start("--api-key", self.path("keys"), "--timeout", "1") as server:
            def status(path="/v1/models", **headers):
                return server.call("GET", path, headers=headers)[0]

            self.equal("no key", 401, status())
            self.equal("a wrong key", 401, status(Authorization=f"Bearer {KEY}x"))
            self.equal("part of a key", 401, status(Authorization=f"Bearer {KEY[:-1]}"))
            self.equal("a comment is none", 401, status(Authorization="Bearer # of this test"))
            self.equal("a key", 200, status(Authorization=f"Bearer {KEY}"))
            self.equal("another", 200, status(**{"x-api-key": "other"}))
            self.equal("open", [200, 200], [status("/health"), status("/")])
            self.equal("not open", [401, 401, 401], [status("/metrics"), status("/explorer/model"), status("/none")])
            # Before the body comes, which is not read then.
            begun = time.monotonic()
            with server.raw(serving.request(SHORT)[:-5]) as one:
                self.expect("no key, half a body", serving.read_all(one).startswith(b"HTTP/1.1 401 "))
            self.expect("at once", time.monotonic() - begun < 30, time.monotonic() - begun)
            late, _, error = server.call("POST", CHAT, LONG, {"Authorization": f"Bearer {KEY}"})
            self.equal("too long", (504, "timeout"), (late, error["error"]["code"]))

    def case_options(self):
        with open(self.path("empty"), "w", encoding="utf-8"):
            pass

        def refused(message, *options, model=self.model):
            done = subprocess.run([self.marimba, "serve", model, *options], capture_output=True, text=True,
                                  timeout=serving.SECONDS, stdin=subprocess.DEVNULL)
            self.equal(f"{options}: exit code", 1, done.returncode)
            self.expect(f"{options}: message", message in done.stderr and done.stderr.count("error:") == 1, done.stderr)

        refused("--port: expected 0 to 65535, found 70000", "--port", "70000")
        refused("--api-key: " + self.path("none"), "--api-key", self.path("none"))
        refused("empty: expected a key, found none", "--api-key", self.path("empty"))
        refused("--host: no.such.host.invalid", "--host", "no.such.host.invalid")
        refused("--sessions: expected a folder", "--sessions", self.path("empty"))
        refused("--session-bytes: expected with --sessions", "--session-bytes", "1")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            refused("cannot be listened on: Address already in use", "--port", str(taken.getsockname()[1]))


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
