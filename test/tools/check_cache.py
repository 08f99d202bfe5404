#!/usr/bin/env python3
"""What a FileCheck line cannot see of the caches.

  check_cache.py same JSON...                   `marimba run --json` made the same
  check_cache.py private FOLDER KIND            modes of what is kept; no leftovers
  check_cache.py damage-code MARIMBA MODEL WORK
  check_cache.py damage-weights MARIMBA MODEL CACHE
  check_cache.py together MARIMBA MODEL WORK
  check_cache.py drop-old MARIMBA MODEL WORK
"""

import json
import os
import stat
import subprocess
import sys
import tempfile
import time

IDS = "1,57,18,26,43"


def check(good, message):
    if not good:
        sys.exit(f"check_cache.py: {message}")


def same(*files):
    """All answers have the same tokens."""
    answers = []
    for file in files:
        with open(file, encoding="utf-8") as stream:
            answers.append(json.load(stream)["tokens"])
    check(answers[0], "no tokens")
    check(all(answer == answers[0] for answer in answers), f"tokens differ: {answers}")


def private(folder, kind):
    """Folders are 0700, files 0600, and nothing but kept files is there."""
    mode = lambda path: stat.S_IMODE(os.stat(path).st_mode)
    kept = os.path.join(folder, kind)
    for path in (folder, kept):
        check(mode(path) == 0o700, f"{path} has mode {mode(path):o}, expected 700")
    names = os.listdir(kept)
    check(names, f"{kept} is empty")
    for name in names:
        path = os.path.join(kept, name)
        check(mode(path) == 0o600, f"{path} has mode {mode(path):o}, expected 600")
        check(not name.startswith("."), f"{path} was left over")


def run(marimba, model, cache, *options):
    """The answer of `marimba run` and what it said on stderr."""
    command = [marimba, "run", model, "--dtype=f32", "--ids", IDS, "--max-tokens", "2", "--json"]
    command += ["--quiet", "--cache-dir", cache, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), done.stderr


def only_file(folder):
    names = os.listdir(folder)
    check(len(names) == 1, f"{folder} has {names}, expected one file")
    return os.path.join(folder, names[0])


def damaged(data, header):
    """Copies of `data` with something wrong, and what."""
    size = len(data)
    for length in (0, header - 1, size - 1):
        yield data[:length], f"cut to {length} bytes"
    yield data + b"\0", "one byte longer"
    for place in (0, 8, 40, 48, header):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        yield bytes(changed), f"byte {place} changed"


def damage_code(marimba, model, work):
    """Every damage is said, named, repaired, and changes no token."""
    want, said = run(marimba, model, work)
    check(not said, f"a first run says {said}")
    path = only_file(os.path.join(work, "code"))
    with open(path, "rb") as stream:
        good = stream.read()
    # Magic, key, size, digest.
    for data, what in damaged(good, header=8 + 32 + 8 + 32):
        with open(path, "wb") as stream:
            stream.write(data)
        got, said = run(marimba, model, work)
        check(got["tokens"] == want["tokens"], f"{what}: other tokens")
        check(not got["timing"]["code_from_cache"], f"{what}: was used")
        check(path in said and "damaged" in said, f"{what}: stderr was {said!r}")
        with open(path, "rb") as stream:
            check(stream.read() == good, f"{what}: was not replaced")
    got, said = run(marimba, model, work)
    check(got["timing"]["code_from_cache"] and not said, "the repaired file was not used")


def damage_weights(marimba, model, cache):
    """One changed byte of the weights is told and put right."""
    want, _ = run(marimba, model, cache)
    path = only_file(os.path.join(cache, "weights"))
    with open(path, "rb") as stream:
        good = stream.read()
    with open(path, "r+b") as stream:
        stream.seek(len(good) // 2)
        stream.write(bytes([good[len(good) // 2] ^ 64]))
    got, said = run(marimba, model, cache)
    check(got["tokens"] == want["tokens"], "other tokens")
    check(got["timing"]["weights_packed"] > 0, "a damaged file was used")
    check(path in said and "checksum" in said, f"stderr was {said!r}")
    with open(path, "rb") as stream:
        check(stream.read() == good, "it was not put right")


def together(marimba, model, work):
    """Several first starts at once: right answers, one file of each kind."""
    command = [marimba, "run", model, "--dtype=f32", "--ids", IDS, "--max-tokens", "2", "--json"]
    command += ["--cache-dir", work]
    with tempfile.TemporaryFile("w+") as noise:
        starts = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=noise, text=True)
            for _ in range(3)
        ]
        answers = [json.loads(start.communicate(timeout=300)[0]) for start in starts]
    for start in starts:
        check(start.returncode == 0, f"one ended with {start.returncode}")
    tokens = [answer["tokens"] for answer in answers]
    check(all(some == tokens[0] for some in tokens), f"tokens differ: {tokens}")
    for kind in ("code", "weights"):
        only_file(os.path.join(work, kind))
    got, said = run(marimba, model, work)
    timing = got["timing"]
    check(got["tokens"] == tokens[0] and not said, f"afterwards: {said!r}")
    check(timing["code_from_cache"] and timing["weights_from_cache"], "nothing was kept")


def drop_old(marimba, model, work):
    """Beyond 256 MiB of code, what was not used for the longest time goes."""
    folder = os.path.join(work, "code")
    os.makedirs(folder, mode=0o700)
    now = time.time()
    for age in range(1, 21):
        path = os.path.join(folder, f"{age:064x}.code")
        with open(path, "wb") as stream:
            stream.truncate(25 << 20)
        os.chmod(path, 0o600)
        os.utime(path, (now - 60 * age, now - 60 * age))
    run(marimba, model, work)
    ages = sorted(int(name[:64], 16) for name in os.listdir(folder))[:-1]
    check(ages == list(range(1, 11)), f"of 20 files of 25 MiB these were kept: {ages}")


COMMANDS = {
    "same": same,
    "private": private,
    "damage-code": damage_code,
    "damage-weights": damage_weights,
    "together": together,
    "drop-old": drop_old,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
