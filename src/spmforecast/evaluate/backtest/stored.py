"""What was said at an origin as bytes and back, and the name under which it can be found again."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Protocol

import numpy as np
import pandas as pd

from spmforecast.data import History
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin
from spmforecast.evaluate.backtest.predict import DEAL_COLUMNS, Told

__all__ = ["Store", "fingerprint", "from_bytes", "to_bytes"]

_TEXTS = ("opportunity_id", "stage")


class Store(Protocol):
    """Where what was said is kept between runs: a mapping of names to bytes."""

    def get(self, name: str) -> bytes | None:
        """Return what stands under a name, None where nothing does."""

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes under a name."""


def fingerprint(known: History, origin: Origin, settings: BacktestSettings, code: str = "") -> str:
    """Name what an origin will say by everything it hangs on: the record as known then, the settings and the program.

    A longer export with the same past gives the same name, so that a later backtest goes on where an earlier one ended.

    Parameters
    ----------
    known : History
        Cut at the origin.
    origin : Origin
        Day, week and targets.
    settings : BacktestSettings
        What is fitted and simulated.
    code : str
        Stands for the program; another program says other things.

    Returns
    -------
    str
        BLAKE2b of 128 bits, hexadecimal.
    """
    digest = hashlib.blake2b(digest_size=16)
    spoken = {name: value for name, value in asdict(settings).items() if name not in ("periods", "least_days", "weeks")}
    targets = [str(one) for one in origin.targets]
    said = [code, spoken, str(origin.as_of), origin.week, targets, origin.scored, known.timezone, known.observed_from]
    digest.update(json.dumps(said, sort_keys=True, default=str).encode())
    for name in sorted(known.tables):
        table = known.tables[name]
        digest.update(json.dumps([name, [str(column) for column in table.columns], len(table)]).encode())
        # In whatever way the file was sorted, a row is hashed with its place: the fit may hang on it.
        digest.update(pd.util.hash_pandas_object(table.reset_index(drop=True)).to_numpy().tobytes())
    return digest.hexdigest()


def to_bytes(told: Told) -> bytes:
    """Write what was said as NumPy arrays in one zip file; the same words give the same bytes."""
    arrays: dict[str, np.ndarray] = {
        "head": np.array([told.as_of, str(told.week)]),
        "targets": np.array(told.targets, dtype=np.str_),
        "levels": np.array([level for level, _ in told.nodes], dtype=np.str_),
        "names": np.array([name for _, name in told.nodes], dtype=np.str_),
        "ever_levels": np.array([level for level, _ in told.ever], dtype=np.str_),
        "ever_names": np.array([name for _, name in told.ever], dtype=np.str_),
        "past": np.array(told.past, dtype=np.str_),
        "booked": told.booked,
        "closed": told.closed,
        "draws": told.draws,
        "rivals": np.array(list(told.points), dtype=np.str_),
        "points": np.stack(list(told.points.values())),
        "deal_columns": np.array([str(name) for name in told.deals.columns], dtype=np.str_),
    }
    for place, name in enumerate(told.deals.columns):
        kind = np.str_ if name in _TEXTS else np.float64
        arrays[f"deals_{place}"] = told.deals[name].to_numpy().astype(kind)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def from_bytes(data: bytes) -> Told:
    """Read what :func:`to_bytes` wrote.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return _told({name: arrays[name] for name in arrays.files})
    except (KeyError, OSError, ValueError, EOFError, IndexError, zipfile.BadZipFile) as fault:
        raise ValueError("not a stored origin") from fault


def _told(arrays: Mapping[str, np.ndarray]) -> Told:
    columns = arrays["deal_columns"].tolist() or list(DEAL_COLUMNS)
    deals = pd.DataFrame({name: arrays[f"deals_{place}"] for place, name in enumerate(columns)})
    for name in _TEXTS:
        deals[name] = deals[name].astype(object)
    as_of, week = arrays["head"].tolist()
    return Told(
        as_of=as_of,
        week=int(week),
        targets=tuple(arrays["targets"].tolist()),
        nodes=tuple(zip(arrays["levels"].tolist(), arrays["names"].tolist(), strict=True)),
        ever=tuple(zip(arrays["ever_levels"].tolist(), arrays["ever_names"].tolist(), strict=True)),
        booked=arrays["booked"],
        points=dict(zip(arrays["rivals"].tolist(), arrays["points"], strict=True)),
        past=tuple(arrays["past"].tolist()),
        closed=arrays["closed"],
        draws=arrays["draws"],
        deals=deals,
    )
