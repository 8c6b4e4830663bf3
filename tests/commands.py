"""The command line in this process: what a shell would see of it, without the seconds that imports take in another."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from spmforecast import cli


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: str | Path, cwd: Path) -> Done:
    """Run a command in a folder; its exit status and what it printed, errors told as in a process of its own."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd),
        patch.object(sys, "argv", ["spmforecast", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Done(status, out.getvalue(), err.getvalue())
