"""Several writers at once, and writers killed in the middle: no version is lost, doubled or half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from postgres import Server
from spmforecast.scenario.planbook import Planbook

# Writes versions and says so of each once it is kept. Children are forked from one process, so that the imports are
# paid for once; each begins when standard input tells it to.
WRITER = """
import os, sys
import pandas as pd
from spmforecast.scenario.planbook import Content, Planbook
where, kinds = sys.argv[1], sys.argv[2].split(",")
rows = [(f"R{k}", k / 7) for k in range(400)]
content = Content({"quotas": pd.DataFrame(rows, columns=["rep_id", "quota"])})
def write(who, most):
    book, done = Planbook(where), 0
    while done < most:
        book.add("quotas", kinds[done % len(kinds)], content, f"{who} {done}", who)
        done += 1
        os.write(1, f"{who} {done - 1}\\n".encode())
for line in sys.stdin:
    who, most = line.split()
    child = os.fork()
    if child == 0:
        write(who, int(most))
        os._exit(0)
    os.write(1, f"pid {child}\\n".encode())
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def start(where: str, kinds: str = "a,b") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, where, kinds], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def order(writers: subprocess.Popen[bytes], who: str, most: int) -> int:
    """Let a child write, and return its process number; lines of other children may come in between."""
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write(f"{who} {most}\n".encode())
    writers.stdin.flush()
    return int(writers.stdout.readline().split()[1])


def said(output: bytes) -> set[str]:
    """What the writers said they had kept."""
    return {line for line in output.decode().splitlines() if line and not line.startswith("pid")}


def whole(where: str, kept: set[str]) -> int:
    """Check a book against what its writers said, and count its versions."""
    book = Planbook(where)
    book.verify()
    reasons = [one.reason for one in book.versions()]
    assert len(set(reasons)) == len(reasons)
    assert kept <= set(reasons)
    assert all(len(one.content.tables["quotas"]) == 400 for one in book.versions())
    return len(reasons)


@pytest.mark.slow
def test_killed_fifty_times_the_book_is_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    where = str(tmp_path / "book.sqlite")
    Planbook(where).log()
    writers = start(where)
    assert writers.stdout is not None
    os.set_blocking(writers.stdout.fileno(), True)
    lines: list[bytes] = []
    for turn in range(50):
        child = order(writers, f"w{turn}", 1_000_000)
        lines.append(writers.stdout.readline())  # it is writing
        time.sleep(float(rng.uniform(0.0, 0.08)))
        os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
        # Read what it said up to its end: the next child has not been told to write yet.
        os.set_blocking(writers.stdout.fileno(), False)
        lines += writers.stdout.readlines()
        os.set_blocking(writers.stdout.fileno(), True)
    out, _ = writers.communicate()
    kept = said(b"".join(lines) + out)
    assert {line.split()[0] for line in kept} == {f"w{turn}" for turn in range(50)}
    # A kill between the commit and the word of it leaves one more version than was said, and no more than one.
    assert len(kept) <= whole(where, kept) <= len(kept) + 50


def test_two_writers_of_a_file_wait_for_each_other(tmp_path: Path) -> None:
    both_write(str(tmp_path / "book.sqlite"), 10)


def test_two_writers_of_a_server_and_a_killed_one(server: Server) -> None:
    where = server.database()
    both_write(where, 20)
    writers = start(where)
    child = order(writers, "killed", 1_000_000)
    assert writers.stdout is not None
    first = writers.stdout.readline()
    os.kill(child, signal.SIGKILL)
    out, _ = writers.communicate(b"after 10\n")
    kept = said(first + out)
    assert "after 9" in kept
    assert whole(where, kept) >= 50


def both_write(where: str, most: int) -> None:
    """Let two processes make the same book and write into it at once."""
    writers = start(where)
    out, _ = writers.communicate(f"ann {most}\nbob {most}\n".encode())
    kept = said(out)
    assert kept == {f"{who} {k}" for who in ("ann", "bob") for k in range(most)}
    assert whole(where, kept) == 2 * most
