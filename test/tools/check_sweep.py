#!/usr/bin/env python3
"""check_sweep.py NAME: holds NAME.json and NAME.svg of `bench --context-sweep` against each other and against what the models are."""

import json
import sys
import xml.etree.ElementTree

with open(sys.argv[1] + ".json", encoding="utf-8") as file:
    series = json.load(file)["series"]
svg = xml.etree.ElementTree.parse(sys.argv[1] + ".svg").getroot()
SPACE = "{http://www.w3.org/2000/svg}"


def check(condition, what):
    print("ok  " if condition else "FAIL", what)
    if not condition:
        sys.exit(1)


check([one["model"] for one in series] == ["stories-mamba", "stories-jamba"], "the models, the earlier one first")
for one in series:
    points = one["points"]
    check([p["tokens"] for p in points] == [256, 512, 700], f"{one['model']}: points")
    check(all(p["read_s"] > 0 and p["decode_s"] > 0 and p["resident_bytes"] > 1 << 20 for p in points), "measured")
    check(one["peak_bytes"] >= max(p["resident_bytes"] for p in points), "the peak is no less than any of them")
    check("first_16k_s" not in one and "last_16k_s" not in one, "ends of a context too short to have two")
    per_token = 0 if one["model"] == "stories-mamba" else 512
    check([p["kv_bytes"] for p in points] == [p["tokens"] * per_token for p in points], "keys and values")
lines = svg.findall(SPACE + "polyline")
check(len(lines) == 3 * len(series), "a line for each model in each panel")
check(all(len(line.get("points").split()) == 3 for line in lines), "with its points")
texts = [text.text for text in svg.iter(SPACE + "text")]
check({"stories-mamba", "stories-jamba", "tokens of context", "256", "512"} <= set(texts), f"labels: {texts}")
