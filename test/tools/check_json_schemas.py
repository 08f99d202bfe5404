#!/usr/bin/env python3
"""check_json_schemas.py SCHEMAS ANSWERS: every answer is JSON that fits its
schema, as Debian's python3-jsonschema sees it, formats included. ANSWERS has
what SchemaAnswersTest wrote: a line for each."""

import ipaddress
import json
import re
import sys
import uuid
from collections import Counter
from datetime import datetime

from jsonschema import Draft202012Validator, FormatChecker

formats = FormatChecker()


# The library looks at some formats only with further packages.
@formats.checks("date-time", raises=ValueError)
def is_date_time(text):
    return datetime.fromisoformat(re.sub(r"(\.\d+)?Z$", "+00:00", re.sub(r"\.\d+", "", text))) is not None


@formats.checks("time", raises=ValueError)
def is_time(text):
    return is_date_time("2000-01-01T" + text)


@formats.checks("uuid", raises=ValueError)
def is_uuid(text):
    return str(uuid.UUID(text)) == text


@formats.checks("hostname")
def is_hostname(text):
    return len(text) < 254 and all(re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", x) for x in text.split("."))


@formats.checks("ipv6", raises=ValueError)
def is_ipv6(text):
    return ipaddress.IPv6Address(text) is not None


@formats.checks("uri")
def is_uri(text):
    return re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?(\?[^#\s]*)?(#\S*)?", text) is not None


@formats.checks("duration")
def is_duration(text):
    return re.fullmatch(r"P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", text) is not None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schemas = {item["name"]: item["schema"] for item in json.load(file)}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    validators = {name: Draft202012Validator(schema, format_checker=formats) for name, schema in schemas.items()}
    seen, failures, lengths = Counter(), 0, []
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            name = item["name"]
            seen[name] += 1
            lengths.append(item["tokens"])
            problems = [] if item["tokens"] <= item["most"] else ["too long"]
            try:
                value = json.loads(item["answer"])
                problems += [error.message for error in validators[name].iter_errors(value)]
            except ValueError as error:
                problems.append(str(error))
            for problem in problems:
                failures += 1
                print(f"FAIL {name} ({item['tokenizer']}): {problem}\n  {item['answer'][:400]!r}")
    for name in schemas:
        if not seen[name]:
            failures += 1
            print(f"FAIL {name}: no answer")
    # Random answers that are all as short as can be would show little.
    if max(lengths, default=0) < 100:
        failures += 1
        print("FAIL no answer of 100 tokens")
    print(f"{len(schemas)} schemas, {sum(seen.values())} answers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
