"""The backtest of a scenario, and the folder it leaves: what is worked out once stays there for the next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spmforecast.data import History
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.backtest import BacktestSettings
from spmforecast.models import ModelSpec
from spmforecast.scenario.against_data import load_or_tell_all
from spmforecast.scenario.fitting import named_spec, without_deals
from spmforecast.scenario.folder import defused, rounded
from spmforecast.scenario.measured import backtest_settings
from spmforecast.scenario.prepare import load_history, wrong_attributes
from spmforecast.scenario.schema import Scenario

if TYPE_CHECKING:
    from spmforecast.evaluate.backtest import Backtest

__all__ = ["OriginFiles", "backtest", "origins_kept", "program", "write_backtest"]

_FACTS = "backtest.json"
_ORIGINS = "origins"
_ROOMS = ("data", "models", "simulate", "evaluate")


def backtest(
    source: str | Path | History,
    folder: str | Path | None = None,
    *,
    settings: BacktestSettings | None = None,
    until: object = None,
    jobs: int = 1,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Forecast every period of the past from what was known then, and judge forecast and rivals by what came.

    Parameters
    ----------
    source : path, str or History
        A scenario file, which says history, model, calendar and (key ``backtest``) what is asked; or a history.
    folder : path or str, optional
        Where the tables are written and each origin is kept: a run that was broken off goes on, and one on a longer
        export works out the new origins only.
    settings : BacktestSettings, optional
        What is asked, instead of the scenario's.
    until : date-like, optional
        Last day for which the record is whole; by default the scenario's ``as_of``, else the last recorded day.
    jobs : int
        Processes; they change no figure.
    strict : bool
        Bear no rejected row of a scenario's data.
    progress : callable, optional
        Called with origins done and wanted.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        If scenario or data are wrong, the record is too short to judge anything, or something else stands in `folder`.
    """
    from spmforecast.evaluate.backtest import backtest_history  # nothing else needs what it brings along

    if jobs < 1:
        raise InputError(Problem("backtest", "must be at least 1", "", column="jobs", value=str(jobs)))
    if isinstance(source, History):
        asked, name, currency = settings or BacktestSettings(), "history", ""
        history, last = source, until
    else:
        scenario = load_or_tell_all(source, strict=strict)
        history = load_history(scenario, strict)
        asked, name, currency = settings or _settings(scenario, history), scenario.keys.name, scenario.keys.currency
        last = scenario.keys.as_of if until is None else until
    place = None if folder is None else _claimed(Path(folder), name)
    store = None if place is None else OriginFiles(place / _ORIGINS)
    out = backtest_history(history, asked, last, jobs, store, program(), progress)
    if place is not None and store is not None:
        write_backtest(out, place, name, currency)
        store.forget_unused()
    return out


def _settings(scenario: Scenario, history: History) -> BacktestSettings:
    """Read what is asked out of a scenario.

    Raises
    ------
    InputError
        If an attribute that it names is unknown or would tell the outcome.
    """
    wrong = wrong_attributes(scenario, history)
    if wrong:
        raise InputError(wrong)
    spec = ModelSpec() if without_deals(history) else named_spec(scenario)
    return backtest_settings(scenario, spec)


def write_backtest(result: Backtest, folder: Path, name: str, currency: str = "") -> None:
    """Write the tables of a backtest; the same result gives the same bytes.

    Parameters
    ----------
    result : Backtest
        Finished.
    folder : Path
        It exists.
    name : str
        Of the scenario.
    currency : str
        Of the amounts.
    """
    tables = {
        "backtest": result.summary,
        "backtest_cells": result.cells,
        "backtest_joint": result.joint,
        "backtest_deals": result.deal_scores,
        "backtest_reliability": result.reliability,
        "backtest_ages": result.ages,
        "backtest_mixes": result.mixes,
        "backtest_drift": result.drift,
    }
    for title, table in tables.items():
        text = defused(rounded(table)).to_csv(index=False, lineterminator="\n")
        _put(folder / f"{title}.csv", text.encode())
    settings = result.settings
    facts: dict[str, Any] = {
        **_head(name),
        "state": "finished",
        "currency": currency,
        "until": str(result.until.date()),
        "period": settings.period,
        "weeks": list(settings.weeks),
        "ahead": settings.ahead,
        "trials": settings.trials,
        "seed": settings.seed,
        "origins": sum(origin.scored for origin in result.origins),
        "warm_up": sum(not origin.scored for origin in result.origins),
        "first": str(next(origin.as_of for origin in result.origins if origin.scored).date()),
        "last": str(result.origins[-1].as_of.date()),
        "verdict": list(result.verdict),
    }
    _put(folder / _FACTS, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())


@dataclass
class OriginFiles:
    """A folder with a file for each origin, named by all that it hangs on.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    """

    folder: Path
    _used: set[str] = field(default_factory=set)

    def get(self, name: str) -> bytes | None:
        """Return what an earlier run left under a name."""
        self._used.add(f"{name}.npz")
        path = self.folder / f"{name}.npz"
        return path.read_bytes() if path.is_file() else None

    def put(self, name: str, data: bytes) -> None:
        """Keep an origin; the file appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _put(self.folder / f"{name}.npz", data)

    def forget_unused(self) -> None:
        """Remove what other settings, programs or records left."""
        for path in self.folder.glob("*.npz"):
            if path.name not in self._used:
                path.unlink()


def origins_kept(folder: Path) -> int:
    """Count the origins that a backtest, broken off or finished, has left in its folder."""
    return sum(1 for _ in (folder / _ORIGINS).glob("*.npz"))


def program() -> str:
    """Fingerprint of the program that speaks at an origin: BLAKE2b of its source files and of what they rest on."""
    digest = hashlib.blake2b(digest_size=16)
    home = Path(__file__).parents[1]
    for path in sorted(path for room in _ROOMS for path in (home / room).rglob("*.py")):
        digest.update(path.relative_to(home).as_posix().encode() + path.read_bytes())
    for package in ("numpy", "scipy", "pandas", "statsmodels", "scikit-learn"):
        digest.update(f"{package} {metadata.version(package)}".encode())
    return digest.hexdigest()


def _claimed(folder: Path, name: str) -> Path:
    """Take a folder that is new, empty, or that of an earlier backtest of the same name.

    Raises
    ------
    InputError
        If something else stands there, or it cannot be written to.
    """
    mend = "Choose another place with -o, or remove it."
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = _named(folder / _FACTS)
        if found != name:
            told = f"a backtest of {found!r} stands there" if found else "something that is no backtest stands there"
            raise InputError(Problem("scenario", told, mend, file=str(folder)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _FACTS).exists():
            _put(folder / _FACTS, (json.dumps({**_head(name), "state": "unfinished"}, indent=2) + "\n").encode())
    except OSError as error:
        told = f"the folder cannot be written to ({error.strerror})"
        raise InputError(Problem("scenario", told, mend, file=str(folder))) from error
    return folder


def _named(path: Path) -> str | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(found["name"]) if isinstance(found, dict) and found.get("kind") == "backtest" else None


def _head(name: str) -> dict[str, str]:
    return {"kind": "backtest", "name": name, "version": metadata.version("spmforecast")}


def _put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)
