#!/usr/bin/env python3
"""Clients that come and go at one server; no request fails and memory does not grow.

  soak_server.py MARIMBA STORIES WORK SECONDS CLIENTS
"""

import json
import random
import socket
import sys
import threading
import time

import checker
import serving

WORDS = "Once upon a time there was a small dog who wanted to see the sea and a cat that did not".split()
MOST_GROWTH = 64e6  # bytes, after the first fifth of the time, in which states and caches fill


class Soak:
    def __init__(self, server, seconds):
        self.server = server
        self.begun = time.monotonic()
        self.end = self.begun + seconds
        self.lock = threading.Lock()
        self.done, self.left, self.refused, self.problems = 0, 0, 0, []

    def note(self, name, problem=None):
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)
            if problem:
                self.problems.append(problem)

    def messages(self, rng):
        """One of few beginnings, so that there is something to reuse, and what is new."""
        system = " ".join(WORDS * (1 + rng.randrange(4)))
        turns = [{"role": "system", "content": system}]
        for _ in range(1 + rng.randrange(3)):
            turns.append({"role": "user", "content": " ".join(rng.choices(WORDS, k=rng.randrange(1, 40)))})
            turns.append({"role": "assistant", "content": rng.choice(WORDS)})
        return turns[:-1]

    def ask(self, rng):
        body = {"messages": self.messages(rng), "max_tokens": rng.randrange(1, 40), "temperature": 1, "n": rng.choice([1, 1, 2])}
        if rng.random() < 0.2:
            body["response_format"] = {"type": "json_object"}
            body["max_tokens"] = 60
        if rng.random() < 0.2:
            body["session"] = f"s{rng.randrange(5)}"
        if rng.random() < 0.25:  # leaves at some time
            with self.server.raw(serving.request({**body, "stream": rng.random() < 0.5, "max_tokens": 400})) as one:
                one.settimeout(rng.random())
                try:
                    one.recv(1000)
                except TimeoutError:
                    pass
            self.note("left")
            return
        try:
            if rng.random() < 0.5:
                events = self.server.events("/v1/chat/completions", {**body, "stream": True})
                good = events[-1][1] == "[DONE]"
            else:
                status, _, answer = self.server.call("POST", "/v1/chat/completions", body)
                if status == 429:
                    self.note("refused")
                    time.sleep(0.2)
                    return
                good = status == 200 and answer["choices"][0]["finish_reason"] in ("stop", "length")
            self.note("done", None if good else "an answer is not whole")
        except RuntimeError as error:
            if ": 429: " in str(error):
                self.note("refused")
                time.sleep(0.2)
            else:
                self.note("done", str(error))
        except (OSError, ValueError, socket.timeout) as error:
            self.note("done", repr(error))

    def client(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.end:
            self.ask(rng)

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="utf-8") as file:
            return int(file.read().split()[1]) * 4096


def main(marimba, stories, work, seconds, clients):
    seconds, clients = float(seconds), int(clients)
    test = checker.Checker(work)
    model = serving.with_template(stories, test.path("dogs"))
    # The cache is full early: what is kept for reuse is no growth.
    command = [marimba, "serve", model, "--threads", "1", "--cache-bytes", "16000000", "--session-bytes", "16000000",
               "--sessions", test.path("sessions"), "--queue", "100"]
    with serving.Server(command, test.path("log")) as server:
        soak = Soak(server, seconds)
        threads = [threading.Thread(target=soak.client, args=[seed]) for seed in range(clients)]
        for thread in threads:
            thread.start()
        early, later = 0, 0
        while time.monotonic() < soak.end:
            time.sleep(min(1, seconds / 20))
            if time.monotonic() < soak.begun + seconds / 5:
                early = max(early, soak.memory())
            else:
                later = max(later, soak.memory())
        for thread in threads:
            thread.join()
        print(json.dumps({"answered": soak.done, "left": soak.left, "refused": soak.refused,
                          "memory_early": early, "memory_later": later}))
        server.until(lambda: server.metric("marimba_requests_running") == 0, "all slots are free")
        for problem in soak.problems[:10]:
            print("FAIL", problem)
        grown = later - early > MOST_GROWTH
        if grown:
            print(f"FAIL memory grew from {early} to {later} bytes")
        ended = server.end()
        failed = len(soak.problems) + grown + (ended != 0)
    print(f"{soak.done + soak.left + soak.refused} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
