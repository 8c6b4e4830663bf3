"""Shared fixtures: reference checks and other people's data sets, skipped with a reason where they are absent."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Workers of pytest-xdist share the cores already; threads of linear algebra in each would wait for one another. This
# stands before anything that loads NumPy. That results do not hang on threads is proved by models/test_threads.py.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(_threads, "1")

import matplotlib as mpl
import pytest
from hypothesis import settings

from postgres import server

mpl.use("Agg")

# Random examples are the same on every machine, and none fails for being slow on a busy one.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")

__all__ = ["Reference", "reference", "server", "shared_data"]

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SPMFORECAST_SHARED", ROOT.parent / "shared"))


class Reference:
    """One folder of reference checks: its path, its checks by name and a comparison that asserts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checks: dict[str, dict[str, Any]] = {
            check["name"]: check for check in json.loads((path / "expected.json").read_text())["checks"]
        }
        self._compare = _load_compare(path.parent / "compare.py")

    def compare(self, name: str, got: Any) -> None:
        failures = self._compare(self.checks[name], got)
        assert not failures, f"{self.path.name}: {name}: {failures[:5]}"


def _load_compare(path: Path) -> Callable[[dict[str, Any], Any], list[Any]]:
    spec = importlib.util.spec_from_file_location("reference_compare", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.compare


def _folder(kind: str, name: str) -> Path:
    path = SHARED / kind / name
    if not path.is_dir():
        pytest.skip(f"the {kind} folder {name} is not on this machine")
    return path


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Reference]:
    return lambda name: Reference(_folder("reference", name))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    return lambda name: _folder("data", name)
