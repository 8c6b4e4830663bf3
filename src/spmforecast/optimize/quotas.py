"""Quota proposals: a total split over reps on the draws of a forecast, rounded so that it still sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.optimize.allocate import Allocation, allocate
from spmforecast.optimize.descend import descend
from spmforecast.optimize.ways import WAYS, Basis, Split, objective_proof
from spmforecast.optimize.wishes import CENT, Wishes, check_wishes
from spmforecast.plan import Bounds, Hierarchy, Limits, QuotaProposal
from spmforecast.simulate import Forecast

__all__ = ["propose_quotas", "rep_draws"]

Array = npt.NDArray[np.float64]

_ATOM = 0.005
_FEW = 5


def propose_quotas(
    forecast: Forecast,
    total: float | Decimal | Mapping[str, float | Decimal] | None,
    method: str = "equal-probability",
    over_assignment: float = 0.0,
    round_to: float | None = None,
    reps: Sequence[str] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    fields: pd.DataFrame | None = None,
    limits: Limits | None = None,
    figures: Mapping[str, float | None] | None = None,
    figures_as: Literal["fixed", "base"] = "fixed",
    hierarchy: Hierarchy | None = None,
) -> QuotaProposal:
    """Propose quotas whose sum is the total with its cushion, exactly.

    Parameters
    ----------
    forecast : Forecast
        Draws with ``owner_id`` among the cells.
    total : number, mapping of str to number, or None
        Amount to be carried before the cushion: one number for a forecast of one period, else one for each period
        (a fiscal year may be named too: quotas are then set on the year's bookings). None lets a method whose figures
        are amounts (``growth``, ``proportional``) make the total itself, from the bottom up.
    method : str
        ``equal-probability`` (the same chance to attain), ``objective`` (a stated objective), or a hand rule:
        ``proportional``, ``even``, ``weighted``, ``bucketed``, ``growth``, ``potential``, ``capacity``, ``hybrid``;
        see :data:`spmforecast.optimize.ways.WAYS`.
    over_assignment : float
        Cushion; quotas sum to ``total * (1 + over_assignment)``, to the cent.
    round_to : float, optional
        Quotas become whole multiples of it; what is left of the total is declared as the proposal's remainder.
    reps : sequence of str, optional
        Who gets a quota; everybody with cells by default.
    options : mapping of str to object, optional
        Options of the method, such as ``{"growth": 0.10, "relief": 0.02}``.
    fields : pandas.DataFrame, optional
        ``rep_id``, perhaps ``period``, and fields that the method uses, such as ``history`` or ``potential``.
    limits : Limits, optional
        Floors, ceilings, locks, ratchets and the smallest change.
    figures : mapping of str to float or None, optional
        Bottom-up figures of some reps; missing is not 0.
    figures_as : {"fixed", "base"}
        Figures stand and the others share the rest; or the rest is spread on top: in proportion by the hand rules, and
        with the figures as floors by the optimising ways.
    hierarchy : Hierarchy, optional
        Levels between company and rep, each with a cushion.

    Returns
    -------
    QuotaProposal

    Raises
    ------
    InputError
        With everything that is wrong at once: totals, cushion, step, method, periods, reps.
    InfeasibleError
        Names the limits that clash.
    """
    wishes = Wishes(
        method,
        over_assignment,
        round_to,
        options or {},
        Wishes().fields if fields is None else fields,
        limits or Limits(),
        {rep: None if value is None or value != value else float(value) for rep, value in (figures or {}).items()},
        figures_as,
        hierarchy,
    )
    totals = check_wishes(forecast, total, wishes, reps)
    parts = [_propose(forecast, period, amount, wishes, reps) for period, amount in totals.items()]
    return QuotaProposal(
        table=pd.concat([part.table for part in parts], ignore_index=True),
        method=method,
        over_assignment=over_assignment,
        total={part.period: part.total for part in parts},
        remainder={part.period: part.left for part in parts if part.left},
        notes=tuple(note for part in parts for note in part.notes),
        nodes=pd.concat([part.nodes for part in parts], ignore_index=True) if hierarchy is not None else None,
        overrides=pd.concat([part.overrides for part in parts], ignore_index=True),
        proof=pd.DataFrame([part.proof for part in parts if part.proof]),
    )


@dataclass(frozen=True)
class _Part:
    """The proposal for one period."""

    period: str
    total: Decimal
    left: Decimal
    table: pd.DataFrame
    nodes: pd.DataFrame
    overrides: pd.DataFrame
    notes: list[str]
    proof: dict[str, Any]


def _propose(
    forecast: Forecast, period: str, amount: Decimal | None, wishes: Wishes, reps: Sequence[str] | None
) -> _Part:
    names, draws = rep_draws(forecast, period, reps)
    bounds = _bounds(wishes, names)
    basis = _basis(wishes, period, names, draws, bounds)
    way, settings = WAYS[wishes.method], wishes.options
    if amount is None:
        assert way.figures is not None
        made = float(way.figures(basis, **settings).sum())
        amount = Decimal(str(round(made, 2))).quantize(CENT)
    basis = basis.subset(np.arange(len(names)), float(amount))
    split = _on_top(way.bound(settings), wishes)
    cushioned = (amount * (1 + Decimal(str(wishes.over_assignment)))).quantize(CENT, ROUND_HALF_UP)
    nodes = pd.DataFrame()
    if wishes.hierarchy is None:
        found = allocate(basis, bounds, cushioned, wishes.step, split)
    else:
        over = wishes.over_assignment
        found, nodes = descend(basis, bounds, amount, over, wishes.step, split, wishes.hierarchy)
        nodes.insert(0, "period", period)
    quota = np.array([float(value) for value in found.amounts])
    table = _table(names, period, draws, quota, bounds)
    return _Part(
        period,
        amount,
        found.residual,
        table,
        nodes,
        _overrides(wishes, period, basis, split, cushioned, table),
        [*_notes(table, draws, period, wishes.method), *_balance(found, period)],
        _proof(wishes, period, basis, quota, bounds),
    )


def _proof(wishes: Wishes, period: str, basis: Basis, quota: Array, bounds: Bounds) -> dict[str, Any]:
    if wishes.method != "objective":
        return {}
    return {"period": period, **objective_proof(basis, quota, bounds.lower, bounds.upper, **wishes.options)}


def _basis(wishes: Wishes, period: str, names: list[str], draws: Array, bounds: Bounds) -> Basis:
    fields = wishes.fields_of(period, names)
    fields = fields.assign(**{_FIGURE: [wishes.figures.get(name) or 0.0 for name in names]})
    return Basis(tuple(names), draws, fields, bounds.last, 0.0, bounds.fixed)


_FIGURE = "(figure)"


def _bounds(wishes: Wishes, names: list[str]) -> Bounds:
    bounds = wishes.limits.bounds(names)
    known = [wishes.figures.get(name) for name in names]
    low = np.array([-np.inf if value is None else value for value in known])
    high = np.array([np.inf if value is None or wishes.figures_as == "base" else value for value in known])
    return bounds.narrowed(low, high, "figures")


def _on_top(split: Split, wishes: Wishes) -> Split:
    """Let a hand rule spread only what lies above the figures; the optimising ways take those as floors."""
    if wishes.figures_as == "fixed" or WAYS[wishes.method].figures is None:
        return split

    def above(basis: Basis, total: float, lower: Array, upper: Array) -> Array:
        base = basis.fields[_FIGURE].to_numpy(dtype=np.float64)
        return base + split(basis, total - float(base.sum()), np.maximum(lower - base, 0.0), upper - base)

    return above


def _table(names: list[str], period: str, draws: Array, quota: Array, bounds: Bounds) -> pd.DataFrame:
    """Judge each quota on the rep's own draws."""
    mean = draws.mean(axis=0)
    p10, p50, p90 = np.quantile(draws, [0.1, 0.5, 0.9], axis=0)
    table = pd.DataFrame(
        {
            "rep_id": names,
            "period": period,
            "quota": quota,
            # Without a quota there is nothing to attain: null is not 0, and not certainty either.
            "p_attain": np.where(quota > 0, (draws >= quota - _ATOM).mean(axis=0), np.nan),
            "expected_attainment": np.divide(mean, quota, out=np.full(len(names), np.nan), where=quota > 0),
            "mean": mean,
            "p10": p10,
            "p50": p50,
            "p90": p90,
        }
    )
    if np.isfinite(bounds.last).any():
        table["last_quota"] = bounds.last
        table["change"] = table["quota"] - table["last_quota"]
    if any(bounds.lower_by) or any(bounds.upper_by):
        table["limit"] = _binding(quota, bounds)
    return table


def _binding(quota: Array, bounds: Bounds) -> list[str]:
    """Name the limit that holds each quota where it is."""
    low, high = quota <= bounds.lower + _ATOM, quota >= bounds.upper - _ATOM
    return [
        bounds.lower_by[i] if low[i] and bounds.lower_by[i] else bounds.upper_by[i] if high[i] else ""
        for i in range(len(quota))
    ]


def _overrides(
    wishes: Wishes, period: str, basis: Basis, split: Split, total: Decimal, table: pd.DataFrame
) -> pd.DataFrame:
    """List what people decided for single reps, why, and what the method would have said without any limit."""
    told = wishes.limits.overrides(list(basis.reps))
    figures = [
        (rep, "figure", value, wishes.limits.reasons.get(rep, "bottom-up figure"))
        for rep in basis.reps
        for value in [wishes.figures.get(rep)]
        if value is not None
    ]
    told = pd.concat([told, pd.DataFrame(figures, columns=told.columns)]) if figures else told
    told.insert(1, "period", period)
    if told.empty:
        return told.assign(quota=[], without_limits=[])
    zero = np.zeros(len(basis.reps))
    plain = basis.fields.assign(**{_FIGURE: 0.0})
    free = split(
        Basis(basis.reps, basis.draws, plain, basis.last, basis.plan, basis.settled), float(total), zero, zero + np.inf
    )
    without = dict(zip(basis.reps, np.round(free, 2), strict=True))
    quota = table.set_index("rep_id")["quota"]
    return told.assign(quota=told["rep_id"].map(quota), without_limits=told["rep_id"].map(without))


def _balance(found: Allocation, period: str) -> list[str]:
    """Say where settled quotas leave a remainder that rounding alone does not explain."""
    return [f"{period}: settled quotas exceed what is asked for by {-found.residual:,}"] if found.residual < 0 else []


def _notes(table: pd.DataFrame, draws: Array, period: str, method: str) -> list[str]:
    """Say where an equal chance cannot be had: reps that book nothing in many draws, totals out of reach."""
    if method != "equal-probability":
        return []
    idle = (draws <= 0).mean(axis=0)
    held = table.loc[(table["quota"] <= 0) & (idle > 0), "rep_id"]
    notes = []
    if len(held) and len(held) < len(table):
        notes.append(
            f"{period}: no quota is left for {', '.join(map(str, held[:_FEW]))}"
            f"{' and others' if len(held) > _FEW else ''}: they may well book nothing, and a quota with the same "
            "chance as everybody's would be 0 (or too small to round up)"
        )
    if (table["p_attain"].dropna() <= 0).all() and (table["quota"] > 0).any():
        notes.append(f"{period}: the total lies above what the reps book in any draw; nobody can be expected to attain")
    return notes


def rep_draws(forecast: Forecast, period: str, reps: Sequence[str] | None = None) -> tuple[list[str], Array]:
    """Bookings of each rep in a period.

    Parameters
    ----------
    forecast : Forecast
        Draws with ``owner_id`` among the cells.
    period : str
        A period, or a longer one that holds several.
    reps : sequence of str, optional
        Everybody with cells in the period by default, sorted.

    Returns
    -------
    names : list of str
    draws : array of float, shape (trials, reps)
    """
    labels = forecast.cells["period"].astype(str)
    within = {label: forecast.calendar.contains(period, label) for label in labels.unique()}
    inside = labels.map(within).to_numpy(dtype=bool)
    owner = forecast.cells["owner_id"].astype(str).to_numpy(dtype=object)
    names = sorted(set(owner[inside])) if reps is None else [str(rep) for rep in reps]
    place = {name: index for index, name in enumerate(names)}
    code = np.array([place.get(name, -1) if used else -1 for name, used in zip(owner, inside, strict=True)])
    columns = np.flatnonzero(code >= 0)
    columns = columns[np.argsort(code[columns], kind="stable")]
    own, first = np.unique(code[columns], return_index=True)
    if len(own) == len(names) == len(columns):
        return names, forecast.draws[:, columns]
    draws = np.zeros((forecast.trials, len(names)))
    if len(own):
        draws[:, own] = np.add.reduceat(forecast.draws[:, columns], first, axis=1)
    return names, draws
