#!/usr/bin/env python3
"""Real clients against the server: curl, or OpenAI's from npm.

  check_server_real.py curl|openai MARIMBA STORIES WORK
"""

import json
import os
import subprocess
import sys

import checker
import serving

BODY = {"messages": [{"role": "user", "content": "Once upon a time."}], "max_tokens": 8, "temperature": 0}


def curl(*arguments):
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "100", *arguments],
                          check=True, capture_output=True, text=True)
    return done.stdout


def check_curl(test, url):
    chat = f"{url}/v1/chat/completions"
    data = ["-H", "Content-Type: application/json", "--data-binary", json.dumps(BODY)]
    whole = json.loads(curl(chat, *data))
    text = whole["choices"][0]["message"]["content"]
    test.expect("an answer", text, whole)
    streamed = curl("--no-buffer", chat, *data[:3], json.dumps({**BODY, "stream": True})).split("\n\n")
    parts = [json.loads(one[6:]) for one in streamed if one.startswith("data: {")]
    test.equal("a stream", text, "".join(one["choices"][0]["delta"].get("content", "") for one in parts))
    test.expect("and its end", "data: [DONE]" in streamed, streamed)
    with open(test.path("body"), "w", encoding="utf-8") as file:
        file.write(json.dumps({**BODY, "user": "x" * 2_000_000}))  # curl asks before it sends so much
    large = ["-H", "Expect: 100-continue", "--data-binary", "@" + test.path("body")]
    test.equal("a large body", text, json.loads(curl(chat, *large))["choices"][0]["message"]["content"])
    chunked = ["-H", "Transfer-Encoding: chunked", *data]
    test.equal("chunks", text, json.loads(curl(chat, *chunked))["choices"][0]["message"]["content"])
    old = json.loads(curl("--http1.0", chat, *data))
    test.equal("HTTP 1.0", text, old["choices"][0]["message"]["content"])
    stream = curl("--http1.0", chat, *data[:3], json.dumps({**BODY, "stream": True}))
    test.expect("a stream of HTTP 1.0", stream.endswith("data: [DONE]\n\n"), stream)
    code = curl("-o", os.devnull, "-w", "%{http_code}", chat, "--data-binary", "{")
    test.equal("an error", "400", code)


def main(kind, marimba, stories, work):
    test = checker.Checker(work)
    model = serving.with_template(stories, test.path("dogs"))
    command = [marimba, "serve", model, "--threads", "1", "--embeddings"]
    with serving.Server(command, test.path("log")) as server:
        url = f"http://127.0.0.1:{server.port}"
        if kind == "curl":
            check_curl(test, url)
        else:
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm", "check_openai.mjs")
            done = subprocess.run(["node", script, url, "dogs"], capture_output=True, text=True, timeout=serving.SECONDS)
            print(done.stdout, done.stderr)
            test.equal("exit code", 0, done.returncode)
        test.equal("the server's exit code", 0, server.end())
    print(f"{test.failures} failures")
    return 1 if test.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
