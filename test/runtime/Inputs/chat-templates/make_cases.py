#!/usr/bin/env python3
"""make_cases.py: writes cases.json, what Jinja 3.1 itself makes of the templates
here and of short ones, set up as transformers sets it up. Needs python3-jinja2;
the tests do not."""

import copy
import json
import os
import time

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TALK = [
    {"role": "user", "content": " Hello, how are you?\n"},
    {"role": "assistant", "content": "Fine."},
    {"role": "user", "content": "Schön — \"so\"?"},
]
SYSTEM = [{"role": "system", "content": "Be brief."}] + TALK
THOUGHT = [
    TALK[0],
    {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nFine."},
    TALK[2],
    {"role": "assistant", "content": "<think>\nWell.\n</think>\n\nYes."},
]
CALLS = [
    TALK[0],
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, None, True, "é\n"]}}},
            {"type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    },
]
TOOLS = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}, "required": []}}}
]
DOCUMENTS = [{"title": "One", "page": 3, "text": "Text."}, {"text": "More", "written by": "me (and you)"}]
CITED = [
    TALK[0],
    {"role": "assistant", "content": "Fine.", "citations": [{"document_id": 1}, {"document_id": "b"}]},
    TALK[2],
]

# A conversation as programs that call functions hold it: thoughts apart from
# answers, calls, what they returned.
FUNCTIONS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": 'Of a "city" <é>.',
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    for name in ("weather", "time")
]


def call(name, arguments, number):
    return {"type": "function", "id": f"functions.{name}:{number}", "function": {"name": name, "arguments": arguments}}


FUNCTION_TALK = [
    SYSTEM[0],
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": "",
        "reasoning_content": "Look it up.\n",
        "tool_calls": [call("weather", {"city": "Köln", "days": 2, "of": [1, 2.5], "with": {"wind": True}}, 0), call("time", {}, 1)],
    },
    {"role": "tool", "content": '{"degrees": 5}', "tool_call_id": "functions.weather:0", "name": "weather"},
    {"role": "tool", "content": "noon", "tool_call_id": "functions.time:1", "name": "time"},
    {"role": "assistant", "content": "5 degrees.", "reasoning_content": "Cold."},
    {"role": "user", "content": "And then?"},
]
REASONED = [
    TALK[0],
    {"role": "assistant", "content": "Fine.", "reasoning_content": "\nHm.\n"},
    TALK[2],
    {"role": "assistant", "content": "Yes.", "reasoning_content": "Well."},
]
PARTS = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
    {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image"}, {"type": "text", "text": " so?"}]},
]
TALKS = [TALK, SYSTEM, THOUGHT, THOUGHT[:3], REASONED, REASONED[:3], FUNCTION_TALK, FUNCTION_TALK[:5], PARTS, TALK[1:]]
FAMILIES = ["qwen25", "qwen", "qwen35", "granite", "gemma", "lfm2", "kimi", "olmo"]
VALUES = [
    {},
    {"enable_thinking": False, "thinking": False},
    {"enable_thinking": True, "thinking": True, "keep_past_thinking": True},
    {"tools": FUNCTIONS},
    {"tools": FUNCTIONS[:1], "documents": DOCUMENTS[:1], "controls": {"citations": True}, "number_images": True},
]

# Short templates: the value of each expression is written as repr does.
EXPRESSIONS = """
1 + 2 * 3 - 4 // 3 ; -7 // 2 ; -7 % 3 ; 7 / 2 ; 2 ** 3 ** 1 ; 1.0 ; 1e20 ; 1e-7 ; 0.1 + 0.2 ; 100000.0 ; -x if x is number
"a" ~ 1 ~ none ~ true ~ [1, "b"] ; "a" + "b" "c" ; "ab" * 3 ; [1] * 2 + [2] ; 'it\\'s' ; "\\u00e9\\x41\\n\\q" ; 1 ~ 2 + 3|string if false else 'x'
1 < 2 < 3 ; 1 < 2 > 3 ; 1 == 1.0 ; true == 1 ; "a" < "b" ; [1, 2] < [1, 3] ; not true or true and false ; not 1 in [2]
"b" in "abc" ; "b" in ["a", "b"] ; "k" in {"k": 1} ; 3 not in [1, 2] ; 1 in missing ; none == missing ; missing == missing
missing or "d" ; missing is defined ; missing is not defined ; missing | default("x") ; "" | default("x", true) ; missing | length
none is none ; 1 is number ; true is boolean ; "a" is string ; [] is sequence ; {} is mapping ; "a" is iterable ; 3 is odd ; 4 is even
1 is integer ; 1.5 is float ; true is integer ; 9 is divisibleby 3 ; 1 is eq 1 ; 2 is gt(1) ; 1 is in [1] ; "x" is not none and true ; true is true
"héllo"[1] ; "héllo"[-1] ; "héllo"[1:3] ; "héllo"[::-1] ; [1,2,3,4][1:] ; [1,2,3,4][:-1] ; [1,2,3,4][::2] ; [1,2,3,4][-2:] ; [1,2,3][5:] ; (1,2,3)[:2] ; [1,2,3,4][3:0:-2]
[1,2][0] ; [1,2][9] is defined ; {"a": {"b": 2}}.a.b ; {"a": 1}["a"] ; {"a": 1}.get("b") ; {"a": 1}.get("b", 5) ; {"items": 3}["items"] ; [1, 2].0
"  a b ".strip() ; "xxaxx".strip("x") ; "  a".lstrip() ; "a  ".rstrip() ; "a,b,,c".split(",") ; " a  b c ".split() ; "a b c".split(" ", 1) ; "a.b.c".rsplit(".", 1) ; " a b  c".split(none, 1)
"abc".startswith("ab") ; "abc".endswith(("x", "c")) ; "abc".upper() ; "ABC".lower() ; "ab cd-ef".title() ; "aB".capitalize() ; "abab".replace("a", "x", 1) ; "abc".find("c") ; "abab".count("b")
", ".join(["a", "b"]) ; "a\\nb\\n\\nc".splitlines() ; "12".isdigit() ; {"a": 1, "b": 2}.items() | list ; {"a": 1}.keys() | list ; {"a": 1}.values() | list ; "é".upper()
" a " | trim ; "xax" | trim("x") ; "abc" | length ; [1, 2] | length ; "héß" | length ; "ab" | upper ; "aB cd" | title ; "it's o'clock (now) x-y" | title ; "aBC" | capitalize ; "aB" | lower
[1, "a", none] | join("-") ; [{"n": "x"}, {"n": "y"}] | join(", ", attribute="n") ; [1, 2] | first ; [1, 2] | last ; "ab" | first ; [] | first is defined ; [3, 1, 2] | sort ; ["b", "A"] | sort ; [1, 2] | sort(reverse=true)
"5" | int ; "5.7" | int ; "x" | int ; "x" | int(7) ; 5.9 | int ; "1.5" | float ; 3 | string ; [1] | string ; {"a": [true, none, 1.5, "x"]} | string ; ("a",) | string ; "a'b" | list ; [1, 1, 2] | unique | list
[{"a": 1}, {"a": 2}] | map(attribute="a") | list ; ["a"] | map("upper") | list ; [{"a": {"b": 1}}] | map(attribute="a.b") | list ; [0, 1, ""] | select | list ; [1, 2, 3] | select("odd") | list ; [1, 2] | reject("eq", 1) | list
[{"r": "u", "n": 1}, {"r": "a"}] | selectattr("r", "equalto", "u") | list ; [{"r": "u"}, {"q": 1}] | selectattr("r", "defined") | list ; [{"r": 0}, {"r": 1}] | rejectattr("r") | list ; [1, 2] | sum ; [1, 2] | max ; [2, 1] | min
{"b": 1, "A": 2} | dictsort ; {"b": 1} | items | list ; [1, 2, 3] | reverse | list ; "abc" | reverse ; -3 | abs ; 2.5 | round ; 2.345 | round(2) ; "a\\nb\\n\\nc" | indent(2) ; "a\\nb" | indent(2, true) ; "a-b" | replace("-", "+")
{"a": [1, 2.0, none, true, "é\\"\\\\\\n</script>"], "b": {}} | tojson ; {"a": [1, {"b": []}], "c": []} | tojson(indent=2) ; "x" | tojson ; [] | tojson(indent=4) ; 1e30 | tojson
range(3) | list ; range(1, 4) | list ; range(5, 0, -2) | list ; dict(a=1, b=2) ; "a" if true ; "a" if false else "b" ; ("a" if false) is defined ; (1,) ; () ; (1, 2) ; {"a": 1, "a": 2} ; [1, 2,] ; 1_000
"\\t|\\r|\\\\" ; "tab\there" ; 'mixed "quotes" and \\'these\\'' ; "say \\"hi\\"" ; 1.5e3 ; 12345678901234567 ; 1e16 ; 123456789.123 ; 5 // 2.0 ; 7.5 % 2 ; 2 ** -1
"%s" % 1 ; "%s|%5s|%-5s|" % ("a", "b", none) ; "%d %i %03d %+d % d" % (3, -4, 5, 6, 7.9) ; "%.2f %8.3f %-8.1f| %e %g" % (1.005, 2, 3.25, 12345.678, 0.0001) ; "%x %X %#o %c %c %%" % (255, 255, 8, 65, "é") ; "%(a)s-%(b)02d" % {"a": [1], "b": 3} ; "%r" % "x" ; "%.2s" % "héllo" ; "%*d" % (5, 3) ; "%5.3d|%+.1f|%08.2f" % (7, 2.55, -3.14159) ; "%s %s" | format(1, "b") ; "%(x)s" | format(x=2) ; "%s" % missing ; "%s" % [1, 2] ; "50%" ~ 1
0x1F ; 0b101 ; 0o17 ; 1_0.5 ; dict(**{"a": 1}).a
"a\\rb\\r\\nc\\x0bd\\x0ce\\x1cf\\x1dg\\x1eh\\x85i\\u2028j\\u2029k\\n".splitlines() ; "a\\r\\nb\\n".splitlines(true) ; "".splitlines() ; "a\\x1cb\\x1f c\\u3000d".split() ; "a\\x1cb c".rsplit(none, 1) ; " a b ".rsplit() ; "a\\x1c".isspace() ; "\\x1c\\x85".isspace()
{"b": 1, "a": [1]} | tojson(4) | length ; {"b": "é", "a": 1} | tojson(true) ; {"b": 1, "a": [2]} | tojson(false, 2) ; {"b": 1, "a": 2} | tojson(sort_keys=true) ; {"b": [1, 2]} | tojson(separators=(",", ":")) ; [1, {"a": 2}] | tojson(indent="\\t") ; [1] | tojson(indent=0) ; "é\\U0001f600\\x7f" | tojson(ensure_ascii=true) ; [1, 2] | tojson(indent=1, separators=("; ", "="))
2 | round ; 25 | round(-1) ; 35 | round(-1) ; -15 | round(-1) ; 2.675 | round(2) ; 1.005 | round(2) ; 0.285 | round(2) ; 0.5 | round ; 1.5 | round ; 0.1 | round(20) ; 1e300 | round(2) ; 42.55 | round(1, "floor") ; 42.1 | round(0, "ceil") ; true | round ; -0.4 | round ; 1234.5 | round(-2)
"7_000" | int ; "7__0" | int ; "_7" | int ; "7_" | int ; "+5" | int ; "+-5" | int ; "٣" | int ; "ff" | int(0, 16) ; "0x1A" | int(base=16) ; "0b11" | int(0, 0) ; "+1.5" | float ; "1_0.5" | float ; "1." | float ; ".5" | float ; "inf" | float ; "-Infinity" | float ; "1e400" | float ; "1e-400" | float ; "0x10" | float ; "in_f" | float ; "1_e5" | float ; "f_f" | int(0, 16) ; "" | float(3) ; none | float(2) ; "nan" | int(4)
"½".isdigit() ; "²".isdigit() ; "१".isdigit() ; "²".isdecimal() ; "½".isnumeric() ; "一".isnumeric() ; "aé".isalpha() ; "a1".isalpha() ; "a1½".isalnum() ; "".isalnum() ; "A1".isupper() ; "Aa".isupper() ; "1".isupper() ; "a1".islower() ; "ǅ".islower() ; "aé".isascii() ; "".isascii()
"\\101\\0\\12\\7x\\1234" ; -0.0 ; 0.0 ; -(0.0) ; {"a": 1}.keys() is sequence ; {"a": 1}.items() is sequence ; {"a": 1} is sequence ; {"a": 1}.keys() ; {"a": 1}.values() ; {"a": 1}.items() ; {"a": 1}.keys()[0] is defined ; {"a": 1}.keys() | length
none | selectattr("a") | list ; none | rejectattr("a", "eq", 1) | list | length > 0 ; none | map("upper") | list ; 0 | select | list ; none | map(attribute="a") | join
cycler is defined ; joiner is defined ; "x {} y {}".format(1, "a") ; "{1}{0}{1}".format("a", "b") ; "{a}{{}}{b!r}".format(a=1, b="c") ; "{0}".format(none) ; 3 * "ab" ; 2 * [1] ; 2 ** 62 ; dict([("a", 1), ("b", 2)]) ; dict([["a", 1]], a=3)
"abc".removeprefix("a") ; "abc".removeprefix("b") ; "abc".removesuffix("c") ; "abc".removesuffix("") ; "a-b-c".partition("-") ; "abc".partition("-") ; "a-b-c".rpartition("-") ; "abc".rpartition("-") ; "héhé".index("é") ; "héhé".rindex("é")
"abcabc".find("a", 1) ; "abcabc".rfind("a", 0, 2) ; "abc".find("c", 0, 2) ; "abc".find("", 3) ; "abc".find("", 4) ; "abc".find("b", -2) ; "abc".startswith("b", 1) ; "abc".startswith("", 4) ; "abc".endswith("b", 0, 2) ; "abc".endswith(("x", "c"), 1) ; "aaa".count("a", 1) ; "aé".count("", 1) ; "éab".find("a", none, none)
"5".zfill(3) ; "-5".zfill(4) ; "+é".zfill(1) ; "a".ljust(3) ; "a".rjust(3, "é") ; "a".center(4) ; "ab".center(5, "*") ; "abc".center(2) ; "aBß".swapcase() ; "ßA".casefold() ; {"a": 1}.copy() ; [1, 2].copy()
[1, 2, 3] | batch(2) | list ; [1, 2, 3] | batch(2, 0) | list ; [] | batch(2) | list ; [1, 2, 3, 4, 5] | slice(3) | list ; [1, 2, 3, 4] | slice(3, "x") | list ; [1] | slice(2) | list
"Hello big world" | truncate(9) ; "Hello big world" | truncate(9, true) ; "Hello big world" | truncate(9, false, "", 0) ; "Hello big" | truncate(5) ; "Helloworldagain" | truncate(7) ; "héé wörld!" | truncate(5, true, "…", 0) ; "a b-c_d é's" | wordcount ; "ab" | center(5) ; "a" | center | length
[1, 2, 3] | select(">", 1) | list ; [1, 2, 3] | reject("<=", 1) | list ; [1, 2] | select("!=", 1) | list ; [1, 2] | select("==", 1) | list ; [1, 2] | select(">=", 2) | list ; [1, 2] | select("<", 2) | list ; [1, 2] | select("greaterthan", 1) | list ; [1, 2] | select("lessthan", 2) | list
[{"n": 1}, {"n": 2.5}] | sum(attribute="n") ; [{"n": 1}] | sum("n", 10) ; [{"n": "b"}, {"n": "B"}] | unique(attribute="n") | list ; ["a", "A"] | unique(true) | list ; [{"n": 2}, {"n": 1}] | min(attribute="n") ; [{"n": "a"}, {"n": "B"}] | max(attribute="n") ; ["a", "B"] | max(true) ; [1, 1.0] | max
[{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1}] | sort(attribute="a,b") ; [{"a": "b"}, {"a": "C"}] | sort(attribute="a", case_sensitive=true) ; {"b": 1, "a": 2} | dictsort(false, "value") ; {"b": 1, "a": 2} | dictsort(reverse=true) ; {"b": 1, "A": 2, "a": 3} | dictsort(true) ; {"a": "x", "b": "W"} | dictsort(by="value")
none is sameas none ; true is sameas true ; 1 is sameas true ; [1] is sameas [1] ; missing is sameas none ; "s" is lower ; "S1" is upper ; "1" is lower ; "upper" is filter ; "nope" is filter ; "tojson" is filter ; "defined" is test ; "nope" is test ; "x" is escaped
[{"r": "b", "n": 1}, {"r": "a", "n": 2}, {"r": "B", "n": 3}] | groupby("r") | list ; [{"r": 1}, {}] | groupby("r", default=0) | map(attribute="grouper") | list ; [{"r": "b"}, {"r": "B"}] | groupby("r", case_sensitive=true) | map("length") | list
"""
STATEMENTS = [
    "{{ '<a href=\"x\">&' | escape }}{{ \"it's\" | e }}{{ 3 | e }}",
    # What is between a raw block's ends stays, the end of a line in front too.
    "{% raw %}\n{{ x }}\n{% endraw %}\ny",
    "a {% raw %}{% if %}{% endraw %} b\n  {%- raw -%}\n  {{ }} {# #}\n  {%- endraw +%}\nc",
    "{%raw%}\n\n{%endraw%}{% set raw = 3 %}{% if raw %}{{ raw }}{% endif %}",
    # Loops that call themselves, and what they tell.
    "{% for i in [[1], [2, [3, []]]] recursive %}{{ loop.depth }}{{ loop.depth0 }}{% if i is sequence %}({{ loop(i) }}){% else %}{{ i }}{{ loop.last }}{% endif %}{% else %}e{% endfor %}",
    "{% for m in [{'n': 'a', 'c': [{'n': 'b'}, {'n': 'd', 'c': []}]}] recursive %}<{{ m.n }}{% if m.c %}{{ loop(m.c) | upper }}{% endif %}>{% endfor %}",
    "{% for i in [1, 2, 3, 4] if i % 2 recursive %}{{ i }}{% if i == 3 and loop.depth < 3 %}[{{ loop([1, 2, 3]) }}]{% endif %}{% endfor %}",
    "{% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }}{{ loop.changed(i, 'a') if false }};{% endfor %}{% for m in messages %}{{ loop.changed(m.role, 1) }}{{ loop['index'] }}{% endfor %}",
    "{% for i in [1] %}{{ loop is callable }}{{ loop is mapping }}{{ loop is defined }}{{ loop.missing is defined }}{% endfor %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.next() }}{{ c.current }}",
    "{% set j = joiner() %}{% set k = joiner('|') %}{% for i in [1, 2, 3] %}{{ j() }}{{ i }}{{ k() }}{% endfor %}",
    "{% macro f(a, b=1) %}{{ a }}{% endmacro %}{{ f.name }}{{ f.arguments }}{{ f is callable }}{{ f.missing is defined }}",
    "{% for g in messages | groupby('role') %}{{ g.grouper }}:{{ g.list | length }}{{ g[0] }}{{ g | length }};{% endfor %}{% for role, list in messages | groupby('role') %}{{ role }}{{ list[0].content | trim }}{% endfor %}",
    "{% for row in [1, 2, 3] | batch(2, '-') %}{{ row | join(',') }};{% endfor %}{% for part in [1, 2, 3] | slice(2) %}{{ part }}{% endfor %}",
    "{{ {'b': 1, 'a': [1, 2]} | tojson(indent=4, sort_keys=true) }}{{ messages | tojson(true) }}{{ messages | tojson(false, 2, none, true) }}",
    # Blocks that call, filter and name.
    "{% macro b(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call b('p') %}x{{ x }}{% endcall %}",
    "{% macro each(items) %}{% for i in items %}{{ caller(i, loop.index) }};{% endfor %}{% endmacro %}{% call(i, n=0) each([3, 4]) %}{{ n }}:{{ i }}{% endcall %}",
    "{% macro maybe() %}{% if caller is defined %}{{ caller() }}{% else %}none{% endif %}{% endmacro %}{{ maybe() }}{% call maybe() %}some{% endcall %}",
    "{% macro outer() %}({{ caller() }}){% endmacro %}{% macro inner() %}[{{ caller() }}]{% endmacro %}{% call outer() %}a{% call inner() %}b{% endcall %}{% endcall %}",
    "{% for y in [1, 2] %}{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ y }}{% endcall %}{% endfor %}",
    "{% filter upper %}a{{ 'b' }}{% for i in [1, 2] %}c{% endfor %}{% endfilter %}{% filter replace('a', 'b') | trim | upper %} aa {% endfilter %}",
    "{% filter indent(2, true) %}a\nb{% set x = 9 %}{% endfilter %}{{ x }}",
    "{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x }}{% with a = 1, b = x %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% set a = 2 %}{{ a }}{% endwith %}{{ a }}",
    "{% for i in [1, 2, 3] %}{% with j = i %}{% if j == 2 %}{% continue %}{% endif %}{{ j }}{% endwith %}{% endfor %}",
    "{% set t | upper %}a{{ 'b' }}{% endset %}{{ t }}{% set t | replace('a', 'x') | length %}aaa{% endset %}{{ t + 1 }}",
    "{% set y = 1 %}{% set t %}{% set y = 2 %}{{ y }}{% endset %}{{ t }}{{ y }}",
    "{% block a %}one{{ x }}{% endblock %}{% block b scoped %}two{% endblock b %}",
    "{% for i in [1, 2] %}{% block c scoped %}{{ i }}{% endblock %}{% endfor %}",
    "{% autoescape false %}<{{ '&' }}>{% endautoescape %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for (a) in [1] %}{{ a }}{% endfor %}{% for (k, v), w in [('xy', 'z')] %}{{ k }}{{ v }}{{ w }}{% endfor %}",
    # Macros where they are made.
    "{% macro m(a) %}{% macro n(b) %}{{ b }}{{ a }}{% endmacro %}{{ n(1) }}{{ n(2) }}{% endmacro %}{{ m(7) }}",
    "{% for i in [1, 2] %}{% macro m(a) %}{{ a }}{{ i }}{% endmacro %}{{ m('x') }}{% endfor %}",
    "{% if true %}{% macro m() %}yes{% endmacro %}{% endif %}{{ m() }}{% if false %}{% macro n() %}no{% endmacro %}{% endif %}{{ n is defined }}",
    "{% macro m() %}{{ varargs | join(',') }}|{{ kwargs | dictsort }}{% endmacro %}{{ m(1, 2, z=3, y=4) }}{{ m() }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1]) }}{{ m(*[1, 2]) }}{{ m(**{'b': 3, 'a': 4}) }}",
    "{% macro outer() %}{% for i in [1, 2] %}{% macro inn() %}{{ i }}{% endmacro %}{{ inn() }}{% break %}{% endfor %}{% endmacro %}{{ outer() }}",
    # What is not reached does not count.
    "{% if tools %}{% include 'x' %}{% endif %}a{% if tools %}{% import 'y' as z with context %}{% from 'y' import a as b, c %}{% endif %}b",
    "{% if tools %}{{ 'a' | nothing | no.such }}{{ 1 is nothing }}{{ f(**x) }}{{ '%q' % 1 }}{{ 'a'.nothing(1) }}{% for a in b recursive %}{{ loop(a) }}{% endfor %}{% endif %}c",
    "{% if tools %}{% for i in [1] %}{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{% endfor %}{% autoescape true %}{% endautoescape %}{% endif %}d",
    "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }},{% endfor %}",
    "{% for x in [] %}a{% else %}empty{% endfor %}",
    "{% for x in [1,2,3,4] if x is odd %}{{ x }}/{{ loop.length }} {% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in {'a': 1} %}{{ k }}{% endfor %}{% for c in 'hé' %}[{{ c }}]{% endfor %}{% for x in missing %}no{% endfor %}",
    "{% for x in [1,2,3] %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in [1,2,3] %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for a in [1,2] %}{% for b in [3,4] %}{{ a }}{{ b }}{{ loop.index }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for (a, b) in [(1, 2)] %}{{ a + b }}{% endfor %}{% set a, b = 1, [2] %}{{ a }}{{ b }}",
    # Where a variable lives.
    "{% set x = 1 %}{% for i in [1] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(x=1) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{% set ns.y = 'n' %}{{ ns.y }}",
    "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ g }}{% endmacro %}{% set g = 9 %}{{ m(1) }}{{ m(1, b=3) }}{{ m(a=4) }}{{ m() }}",
    "{% macro outer(x) %}<{{ inner(x) }}>{% endmacro %}{% macro inner(x) %}{{ x }}{% set x = 3 %}{{ x }}{% endmacro %}{{ outer(1) }}",
    "{% macro fact(n) %}{{ 1 if n <= 1 else n * fact(n - 1)|int }}{% endmacro %}{{ fact(5) }}",
    "{% set text %}a{{ 1 }}b{% endset %}[{{ text }}]{{ text is string }}",
    "{% raw %}{{ not this }}{% endraw %}{% generation %}kept{% endgeneration %}",
    "{% if 0 %}a{% elif '' %}b{% elif [] %}c{% else %}d{% endif %}{% if not missing %}e{% endif %}",
    # White space.
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n",
    "a\n  {%- if true -%}\n  b\n  {%- endif -%}\nc\n",
    "a  {%+ if true +%}\n  b{% endif %}\nc",
    "  {{ 1 }}\n  {{- 2 -}}  \n x\n\n",
    "{# c #}\n  {# d #}\nx {#- e -#} y\n",
    "  {% set a = 1 %}\n\n  {% set b = 2 %}  \n{{ a }}\r\n{{ b }}\n",
    "{% if true %}\n{{ 'x' }}\n{% endif %}\n  \n{% for i in [1,2] %}\n    {{ i }}\n{% endfor %}",
    "x {% raw -%}  \n {{ y }} \n {%- endraw %} z",
    "{{ {'a': {'b': 1}}['a'] }}{{ {'a': 1}}}",
    "{{ 'a' }}{{ '}}' }}{{ \"%}\" }}{% set x = '{{' %}{{ x }} { { } %} #}",
    "\n\n{{ 'lead' }}\n\n",
    "{{ none }}{{ true }}{{ missing }}{{ 1.50 }}{{ [none] }}{{ 'a', 'b' }}",
    "{{ messages[-1].content.strip().split(' ')[0] }}{{ messages | map(attribute='role') | join(',') }}",
    "{{ (messages | selectattr('role', 'eq', 'user') | list | last).content }}",
]
FILES = [
    ("chatml.jinja", [TALK, SYSTEM], {}),
    ("llama3.jinja", [TALK, SYSTEM], {}),
    ("mistral.jinja", [TALK, SYSTEM, TALK[1:]], {}),
    ("mixtral.jinja", [TALK, SYSTEM, TALK[1:]], {}),
    ("qwen.jinja", [TALK, SYSTEM, THOUGHT, CALLS], {}),
    ("qwen.jinja", [SYSTEM], {"tools": TOOLS, "enable_thinking": False}),
    ("falcon.jinja", [TALK, SYSTEM], {}),
    ("jamba.jinja", [TALK, SYSTEM, []], {}),
    ("jamba.jinja", [CITED], {"tools": TOOLS, "documents": DOCUMENTS, "bom_str": "<B>"}),
]
# What transformers passes of tools and documents where there are none.
for name in FAMILIES:
    for values in VALUES:
        talks = [SYSTEM, THOUGHT[:3], REASONED, FUNCTION_TALK] if values else TALKS
        FILES.append((f"{name}.jinja", talks, {"tools": None, "documents": None, **values}))


class Generation(Extension):
    """The block that transformers adds."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_keep"), [], [], body).set_lineno(line)

    def _keep(self, caller):
        return caller()


def environment():
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])

    def refuse(message):
        raise TemplateError(message)

    def to_json(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = lambda form: time.strftime(form)
    return made


def case(template, data, file=None):
    entry = {"file": file} if file else {"template": template}
    entry["data"] = data
    try:
        entry["text"] = environment().from_string(template).render(**copy.deepcopy(data))
    except TemplateError as error:
        entry["refused"] = str(error)
    except TypeError:
        return None  # as "a" + ["b"]
    return entry


def share(cases):
    """Long values of the data stand in a list of their own, by their number."""
    shared = []
    for entry in cases:
        for name in ("messages", "tools"):
            value = entry["data"].get(name)
            if value:
                if value not in shared:
                    shared.append(value)
                entry["data"][name] = shared.index(value)
    return {"shared": shared, "cases": cases}


def main():
    cases = []
    for file, talks, more in FILES:
        with open(os.path.join(HERE, file), encoding="utf-8") as stream:
            template = stream.read()
        for talk in talks:
            for prompt in (True, False):
                data = {"messages": talk, "add_generation_prompt": prompt, **TOKENS, **more}
                made = case(template, data, file)
                # Undefined members are errors of another kind.
                if made and " has no " not in made.get("refused", ""):
                    cases.append(made)
    data = {"messages": TALK, "x": 5}
    for line in EXPRESSIONS.strip().split("\n"):
        for expression in line.split(" ; "):
            cases.append(case("{{ [" + expression + "] }}", data))
    cases += [case(template, data) for template in STATEMENTS]
    with open(os.path.join(HERE, "cases.json"), "w", encoding="utf-8") as stream:
        json.dump(share(cases), stream, ensure_ascii=False, indent=0)
        stream.write("\n")
    print(len(cases), "cases,", sum("refused" in c for c in cases), "refused")


if __name__ == "__main__":
    main()
