#!/usr/bin/env python3
"""Holds `marimba chat` against `marimba run` on the whole conversation.

  check_chat.py MARIMBA STORIES WORK
"""

import json
import os
import shutil
import signal
import subprocess
import sys

import checker

SECONDS = 120
TOKENS = 16
FIRST = "Once upon a time there was a dog."
SECOND = "What did the dog do?"
TEMPLATE = """{{ bos_token }}
{%- for message in messages %}
    {%- if message.role not in ['user', 'assistant', 'system'] %}
        {{- raise_exception('no ' ~ message.role) }}
    {%- elif message.content == 'refuse' %}
        {{- raise_exception('as asked') }}
    {%- endif %}
    {{- '\\n' + message.role|upper + ': ' + message.content|trim + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '\\nASSISTANT:' }}{% endif %}
"""


THINKING = """{{ bos_token }}
{%- for tool in tools or [] %}{{ '\\nTOOL: ' ~ tool | tojson }}{% endfor %}
{%- for message in messages %}
    {%- if message.reasoning_content %}{{ '\\nTHOUGHT: ' + message.reasoning_content }}{% endif %}
    {{- '\\n' + message.role|upper + ': ' + message.content|trim + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '\\nASSISTANT:' }}{{ mood }}
    {%- if enable_thinking is defined and enable_thinking %}{{ ' <think>' }}{% endif %}
{%- endif %}
"""
TOOLS = '[{"name": "bark", "loud": true}]'


class Checker(checker.Checker):
    loud = True

    def __init__(self, marimba, stories, work):
        super().__init__(work)
        self.marimba, self.stories = marimba, stories
        self.formed = self.with_template("formed", TEMPLATE)
        self.thinking = self.with_template("thinking", THINKING)

    def with_template(self, name, template):
        model = os.path.join(self.work, name)
        shutil.copytree(self.stories, model)
        with open(os.path.join(model, "chat_template.jinja"), "w", encoding="utf-8") as file:
            file.write(template)
        return model

    def command(self, name, model, *flags, tokens=TOKENS):
        return [self.marimba, name, model, "--dtype=f32", "--threads=1", "--max-tokens", str(tokens), *flags]

    def chat(self, model, lines, *flags, code=0):
        """The answers, as objects, and stderr."""
        command = self.command("chat", model, "--json", "--checkpoint", "8", *flags)
        text = "".join(line + "\n" for line in lines)
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, check=False, timeout=SECONDS
        )
        if done.returncode != code:
            self.equal(f"exit code of {flags} {lines}", code, (done.returncode, done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    def fresh(self, prompt, *flags):
        """What a run makes of the whole text."""
        command = self.command("run", self.stories, "--json", "--quiet", *flags, "--prompt", prompt)
        done = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
        return json.loads(done.stdout)["text"]

    @staticmethod
    def plain(*turns, system=""):
        """The form without a template; the last turn has no answer."""
        text = system + "\n\n" if system else ""
        for question, answer in turns[:-1]:
            text += f"User: {question}\nAssistant:{answer}\n"
        return text + f"User: {turns[-1]}\nAssistant:"

    def case_history(self):
        """Two questions, one taken back, one changed: each answer is that of a fresh run."""
        lines = [FIRST, SECOND, "/undo", "And then?", "/edit " + SECOND, "/reset", SECOND]
        answers, _ = self.chat(self.stories, lines, "--stop", "\nUser:")
        self.equal("history: answers", 5, len(answers))
        texts = [answer["answer"] for answer in answers]
        one = self.fresh(self.plain(FIRST), "--stop", "\nUser:")
        self.equal("history: the first", one.lstrip(), texts[0])
        two = self.fresh(self.plain((FIRST, one), SECOND), "--stop", "\nUser:")
        self.equal("history: the second", two.lstrip(), texts[1])
        three = self.fresh(self.plain((FIRST, one), "And then?"), "--stop", "\nUser:")
        self.equal("history: after /undo", three.lstrip(), texts[2])
        self.equal("history: after /edit", two.lstrip(), texts[3])
        self.equal("history: after /reset", self.fresh(self.plain(SECOND), "--stop", "\nUser:").lstrip(), texts[4])
        self.equal("history: nothing to reuse at first", 0, answers[0]["reused_tokens"])
        # All that was there is used again, but for the end of the answer, which may be written with other tokens.
        for index in (1, 2, 3):
            reused, read = (answers[index][key] for key in ("reused_tokens", "read_tokens"))
            self.expect(f"history: answer {index} reuses what was read", reused > read, answers[index])
        self.equal("history: nothing to reuse after /reset", 0, answers[4]["reused_tokens"])

    def case_template(self):
        system = "You are kind. "
        answers, _ = self.chat(self.formed, [FIRST, SECOND], "--system", system)
        prompt = f"\nSYSTEM: {system.strip()}\n\nUSER: {FIRST}\n\nASSISTANT:"
        # The template spells out the start of the text, which run adds by itself.
        one = self.fresh(prompt)
        self.equal("template: the first", one.lstrip(), answers[0]["answer"])
        prompt += f" {one.strip()}\n\nUSER: {SECOND}\n\nASSISTANT:"
        self.equal("template: the second", self.fresh(prompt).lstrip(), answers[1]["answer"])
        answers, err = self.chat(self.formed, [FIRST, "refuse", SECOND], code=1)
        self.equal("template: what it refuses ends a script", 1, len(answers))
        self.expect("template: the message", "chat_template.jinja: line 6: the template refuses the conversation: as asked" in err, err)

    def case_values(self):
        """What the options give to the template."""
        tools = os.path.join(self.work, "tools.json")
        with open(tools, "w", encoding="utf-8") as file:
            file.write(TOOLS)
        asked = f"\nUSER: {FIRST}\n\nASSISTANT:"
        for flags, prompt in [
            ((), asked),
            (("--think", "off"), asked),
            (("--tools", tools), f"\nTOOL: {TOOLS[1:-1]}" + asked),
            (("--template-values", '{"mood": " Oh,"}'), asked + " Oh,"),
        ]:
            answers, _ = self.chat(self.thinking, [FIRST], *flags)
            self.equal(f"values: {flags}", self.fresh(prompt).lstrip(), answers[0]["answer"])
            self.equal(f"values: no thoughts of {flags}", "", answers[0]["thoughts"])
        with open(tools, "w", encoding="utf-8") as file:
            file.write("{}")
        for flags, message in [
            (("--think", "maybe"), "--think: expected on or off, found maybe"),
            (("--tools", tools), "tools.json: expected a list of JSON"),
            (("--template-values", "[]"), "--template-values: expected an object of JSON"),
            (("--template-values", "{"), "--template-values: is not valid JSON: "),
        ]:
            _, err = self.chat(self.thinking, [FIRST], *flags, code=1)
            self.expect(f"values: {flags} is wrong", message in err, err)
        _, err = self.chat(self.stories, [FIRST], "--think", "on", code=1)
        self.expect("values: no template", "--think: " in err and "has no chat template" in err, err)
        _, err = self.chat(self.formed, [], "--think", "on")
        self.expect("values: a template without them", "--think has no effect" in err, err)

    def case_thoughts(self):
        """An answer that the prompt begins with a thought, and that never gets beyond it."""
        state = os.path.join(self.work, "thought.state")
        lines = [FIRST, "/save " + state, SECOND]
        answers, _ = self.chat(self.thinking, lines, "--think", "on")
        asked = f"\nUSER: {FIRST}\n\nASSISTANT: <think>"
        thought = self.fresh(asked).strip()
        self.equal("thoughts: the first", ("", thought), (answers[0]["answer"], answers[0]["thoughts"]))
        # The template gets them apart from the answer.
        again = f"\nUSER: {FIRST}\n\nTHOUGHT: {thought}\nASSISTANT: \n\nUSER: {SECOND}\n\nASSISTANT: <think>"
        self.equal("thoughts: the second", self.fresh(again).strip(), answers[1]["thoughts"])
        saved, _ = self.chat(self.thinking, ["/load " + state, SECOND], "--think", "on")
        self.equal("thoughts: are saved", answers[1]["thoughts"], saved[0]["thoughts"])
        for flags, wanted in [((), f"<think>\n{thought}"), (("--hide-thoughts",), "")]:
            command = self.command("chat", self.thinking, "--quiet", "--think", "on", *flags)
            done = subprocess.run(command, input=FIRST.encode(), capture_output=True, check=True, timeout=SECONDS)
            self.equal(f"thoughts: shown {flags}", wanted, done.stdout.decode().strip())

    def case_saved(self):
        state = os.path.join(self.work, "chat.state")
        lines = [FIRST, "/save " + state, SECOND]
        whole, _ = self.chat(self.stories, lines)
        rest, err = self.chat(self.stories, ["/load " + state, SECOND])
        self.equal("saved: the answer of an uninterrupted conversation", whole[1]["answer"], rest[0]["answer"])
        self.equal("saved: as much is reused", whole[1]["reused_tokens"], rest[0]["reused_tokens"])
        self.expect("saved: /load says what it found", "2 messages" in err, err)
        again, _ = self.chat(self.stories, [SECOND], "--load-state", state, "--quiet")
        self.equal("saved: --load-state", rest[0]["answer"], again[0]["answer"])
        undone, _ = self.chat(self.stories, ["/undo", SECOND], "--load-state", state)
        self.equal("saved: /undo reaches behind it", self.fresh(self.plain(SECOND), "--stop", "\nUser:").lstrip(), undone[0]["answer"])

        # A text that run has read.
        book = os.path.join(self.work, "book.state")
        text = "Tom had a red hat. Tom lost the red hat."
        command = self.command("run", self.stories, "--prompt", text, "--save-state", book, tokens=0)
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        asked, _ = self.chat(self.stories, [SECOND], "--load-state", book)
        self.expect("saved: the book is not read again", asked[0]["reused_tokens"] >= 10, asked)
        self.equal("saved: a question about the book", self.fresh(text + "\n\n" + self.plain(SECOND), "--stop", "\nUser:").lstrip(), asked[0]["answer"])

        _, err = self.chat(self.stories, ["/load " + self.work + "/none"], code=1)
        self.expect("saved: no such file", "none: cannot be read: No such file" in err, err)

    def case_input(self):
        """Several lines in one message; a line that is no command."""
        lines = ['"""', "/first", "second \\", '"""', "third\\", "fourth", "//fifth", "", "  ", '"""', "open"]
        answers, _ = self.chat(self.stories, lines)
        self.equal("input: messages", 4, len(answers))
        first = self.fresh(self.plain("/first\nsecond \\"), "--stop", "\nUser:")
        self.equal("input: between fences", first.lstrip(), answers[0]["answer"])
        second = self.fresh(self.plain(("/first\nsecond \\", first), "third\nfourth"), "--stop", "\nUser:")
        self.equal("input: a line that goes on", second.lstrip(), answers[1]["answer"])
        answers, err = self.chat(self.stories, ["/help", "/quit", FIRST])
        self.expect("input: /help", not answers and "/save FILE" in err, err)
        for line, message in [
            ("/florb", "/florb: expected a command that /help lists"),
            ("/save", "/save: expected the name of a file"),
            ("/undo 3", "/undo: expected nothing behind it"),
            ("/undo", "/undo: there is no question to take back"),
            ("/edit x", "/edit: there is no question to change"),
        ]:
            _, err = self.chat(self.stories, [line], code=1)
            self.expect(f"input: {line}", f"error: {message}\n" in err, err)

    def case_stop(self):
        """A stop string is never shown, nor a part of it; the next question does not see it."""
        whole, _ = self.chat(self.stories, [FIRST])
        text = whole[0]["answer"]
        stop = text[len(text) // 2 : len(text) // 2 + 4]
        cut, _ = self.chat(self.stories, [FIRST, SECOND], "--stop", stop, "--stop", "never comes")
        self.equal("stop: the text before it", text[: text.index(stop)].rstrip(), cut[0]["answer"].rstrip())
        self.equal("stop: the reason", "stop", cut[0]["end"])
        stops = ["--stop", stop, "--stop", "\nUser:"]
        first = self.fresh(self.plain(FIRST), *stops)
        expected = self.fresh(self.plain((FIRST, first), SECOND), *stops)
        self.equal("stop: the next answer", expected.lstrip(), cut[1]["answer"])

    def case_penalty(self):
        """With a penalty no token of a short answer comes twice."""
        flags = ["--repetition-penalty", "1e9", "--quiet"]
        answers, _ = self.chat(self.stories, [FIRST], *flags)
        command = self.command("run", self.stories, "--json", *flags, "--prompt", self.plain(FIRST))
        done = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=SECONDS).stdout)
        self.equal("penalty: as run", done["text"].lstrip(), answers[0]["answer"])
        self.equal("penalty: no token twice", len(done["tokens"]), len(set(done["tokens"])))

    def case_interrupted(self):
        """Ctrl-C ends the answer; the conversation goes on."""
        endless = os.path.join(self.work, "endless")
        shutil.copytree(self.stories, endless)
        with open(os.path.join(endless, "generation_config.json"), "w", encoding="utf-8") as file:
            json.dump({"eos_token_id": []}, file)
        command = self.command("chat", endless, "--temperature", "1", tokens=9999999)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdin.write((FIRST + "\n").encode())
        process.stdin.flush()
        seen = os.read(process.stdout.fileno(), 100)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(b"/undo\n", timeout=SECONDS)
        self.equal("Ctrl-C: exit code", 0, process.returncode)
        self.expect("Ctrl-C: the answer ends there", b"end: interrupted]" in err, err)
        self.expect("Ctrl-C: it can be taken back", seen and b"[0 messages are left]" in err, (out, err))


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
