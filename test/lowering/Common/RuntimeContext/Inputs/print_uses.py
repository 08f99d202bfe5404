"""Prints how each weight of a module's description (stdin) is read."""

import json
import sys

for weight in json.load(sys.stdin)["weights"]:
    packed = weight.get("packed")
    uses = [f"packed {packed}"] if packed else []
    apart = weight.get("apart", False)
    if apart:
        uses.append("apart")
    if weight.get("stored", not packed and not apart):
        uses.append("stored")
    print(f"{weight['name']}: {', '.join(uses)}")
