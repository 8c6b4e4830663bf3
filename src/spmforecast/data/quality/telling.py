"""Telling: columns that know the outcome, win rates that drift, cycles that look made up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.asof import FINAL_ONLY
from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import NEVER, Codes, Mask, Records, date_text
from spmforecast.data.tables import TABLES

__all__ = ["made_up_cycles", "outcome_columns", "win_rate_drift"]

Array = npt.NDArray[np.float64]

_LEAST = 50
_FEW_WORDS = 50
_FILLED = 0.95
_MATURE = 0.9
_LEAST_CYCLES = 300


def outcome_columns(records: Records) -> Iterator[Finding]:
    """Find extra columns that tell won from lost, or are filled for closed deals only."""
    won, lost = int(records.won.sum()), int(records.lost.sum())
    for name in _extra(records):
        values = records.deals[name]
        filled = values.notna().to_numpy(dtype=bool)
        if (filled & records.closed).any() and not (filled & records.open).any() and records.open.sum() >= 20:
            yield _closed_only(records, name, filled)
        if min(won, lost) < _LEAST:
            continue
        auc = _auc(records.codes("opportunities", name), records.closed, records.won)
        if auc is not None and auc >= records.limits.outcome_auc:
            yield _tells(name, auc, won + lost)


def _extra(records: Records) -> list[str]:
    table = TABLES["opportunities"]
    ours = {"censored_on", *FINAL_ONLY}
    return [str(name) for name in records.deals.columns if table.column(str(name)) is None and name not in ours]


def _closed_only(records: Records, name: str, filled: Mask) -> Finding:
    rows = np.flatnonzero(filled)
    return Finding(
        "outcome_columns",
        "opportunities",
        name,
        len(rows),
        len(records.deals),
        tuple(dict.fromkeys(str(one) for one in records.deals[name].iloc[rows[:50]])),
        f"{name} is filled for closed deals only: it is written when a deal ends, so of an open deal it tells nothing, "
        "and as a segment or driver it would give the outcome away.",
        "Drop it in a map; it counts as unknown while a deal is open.",
    )


def _tells(name: str, auc: float, of: int) -> Finding:
    return Finding(
        "outcome_columns",
        "opportunities",
        name,
        of,
        of,
        (f"AUC {auc:.3f}",),
        f"{name} tells won deals from lost ones almost without fail (area under the ROC curve {auc:.3f}): it was most "
        "likely set by or after the outcome, and as a segment or driver it would give the outcome away.",
        "Drop it in a map unless it is known to be written before the outcome.",
    )


def _auc(codes: Codes, closed: Mask, won: Mask) -> float | None:
    """Return how well a column tells won from lost: by rank if it holds numbers, by win rate if it has few words."""
    filled = closed & (codes.code >= 0)
    if filled.sum() < _FILLED * closed.sum() or len(codes.names) < 2:
        return None
    code, won = codes.code[filled], won[filled]
    number = pd.to_numeric(pd.Series(codes.names), errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(number[code]).mean() >= _FILLED:
        score = np.nan_to_num(number[code], nan=float(np.nanmedian(number)), posinf=0.0, neginf=0.0)
    elif len(codes.names) <= _FEW_WORDS:
        count = np.maximum(np.bincount(code), 1)
        score = (np.bincount(code, weights=won) / count)[code]
    else:
        return None
    area = _area(score, won)
    return max(area, 1 - area)


def _area(score: Array, won: Mask) -> float:
    """Return the area under the ROC curve (Mann-Whitney, ties count half)."""
    wins, losses = int(won.sum()), int((~won).sum())
    if not wins or not losses:
        return 0.5
    rank = pd.Series(score).rank().to_numpy()  # not SciPy's, which takes long to import
    return float((rank[won].sum() - wins * (wins + 1) / 2) / (wins * losses))


def win_rate_drift(records: Records) -> Iterator[Finding]:
    """Find win rates that differ much between quarters of creation."""
    known = records.created != NEVER
    months = records.created[known].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarter = months // 3
    first = int(quarter.min()) if len(quarter) else 0
    count = np.bincount(quarter - first)
    closed = np.bincount(quarter - first, weights=records.closed[known])
    won = np.bincount(quarter - first, weights=records.won[known])
    # In the latest quarters fast outcomes, which often are losses, come first: their win rate is not settled.
    settled = np.flatnonzero((closed >= _LEAST) & (closed >= _MATURE * count))
    if len(settled) < 2:
        return
    rate = won[settled] / closed[settled]
    noise = np.sqrt(rate * (1 - rate) / closed[settled])
    low, high = int(np.argmin(rate)), int(np.argmax(rate))
    spread = rate[high] - rate[low]
    if spread < max(records.limits.drift_spread, 4 * float(np.hypot(noise[low], noise[high]))):
        return
    names = [_quarter(int(settled[k]) + first) for k in range(len(settled))]
    yield Finding(
        "win_rate_drift",
        "opportunities",
        "status",
        int(closed[settled].sum()),
        int(records.closed.sum()),
        tuple(f"{names[k]}: {100 * rate[k]:.0f} %" for k in dict.fromkeys((low, high, 0, len(settled) - 1))),
        f"The win rate by quarter of creation runs from {100 * rate[low]:.0f} % ({names[low]}) to "
        f"{100 * rate[high]:.0f} % ({names[high]}): a rate fitted to all of it fits none of them, and the next quarter "
        "may differ as much.",
        "Look for a change of process, product or of how deals are entered; begin the record after it.",
    )


def _quarter(number: int) -> str:
    return f"{1970 + number // 4}Q{number % 4 + 1}"


def made_up_cycles(records: Records) -> Iterator[Finding]:
    """Find cycle lengths that are bell-shaped, which those of real sales, with their long tails, never are."""
    done = records.won & (records.close != NEVER) & (records.created != NEVER)
    cycle = (records.close - records.created)[done].astype(np.float64)
    if len(cycle) < _LEAST_CYCLES or cycle.std() == 0:
        return
    z = (cycle - cycle.mean()) / cycle.std()
    skew, peak = float((z**3).mean()), float((z**4).mean())
    if abs(skew) > 0.3 or not 2.5 < peak < 3.6:
        return
    low, middle, high = np.quantile(cycle, [0.05, 0.5, 0.95])
    yield Finding(
        "made_up_cycles",
        "opportunities",
        "close_date",
        len(cycle),
        int(records.won.sum()),
        (f"5 %: {low:.0f} days", f"median: {middle:.0f} days", f"95 %: {high:.0f} days"),
        f"The cycle lengths of won deals are bell-shaped (skewness {skew:.2f}): real sales have a long tail, so dates "
        f"were probably generated or set by rule (records up to {date_text(records.day)}).",
        "Ask where the dates come from before trusting a forecast of timing.",
    )
