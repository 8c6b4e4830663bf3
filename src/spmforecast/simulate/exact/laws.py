"""Exact laws of the company's and every rep's bookings, period by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.simulate.exact.conditional import Conditional, conditionals
from spmforecast.simulate.exact.money import Money
from spmforecast.simulate.exact.sums import SumLaw, Window, certain
from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["LEFT_OUT", "ExactForecast", "exact_forecast"]

Array = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]

LEFT_OUT = (
    "method exact: rates, amounts, productivity and leavers stand at their fitted means; draws of the parameters, "
    "reps' own luck, shocks of single teams and all of the market but one factor for each period are left out, so "
    "intervals are a little narrower than drawn ones: standard deviations of the company were 0.92 to 0.98 of the "
    "drawn ones in six example companies"
)

_REP_POINTS, _COMPANY_POINTS = 512, 512
_ROWS = 128  # deals whose transforms are worked out together
_ALIKE = 1.5  # widths of windows that may be shared


@dataclass(frozen=True)
class ExactForecast:
    """Laws of bookings without sampling error.

    Parameters
    ----------
    company : dict of str to SumLaw
        By period.
    reps : dict of (str, str) to SumLaw
        By owner and period.
    left_out : str
        What these laws do not hold.
    """

    company: dict[str, SumLaw]
    reps: dict[tuple[str, str], SumLaw]
    left_out: str = LEFT_OUT

    def p_plan(self, plan: Mapping[str, float]) -> pd.Series:
        """Chance to reach the company's targets, indexed by period.

        Raises
        ------
        InputError
            If a period is not among the laws.
        """
        for label in plan:
            if label not in self.company:
                mend = f"It holds {', '.join(self.company)}."
                raise InputError(Problem("forecast", "the exact forecast has no such period", mend, value=str(label)))
        chance = {label: self.company[label].reach(float(target)) for label, target in plan.items()}
        return pd.Series(chance, name="p_plan", dtype=np.float64).rename_axis("period")

    def table(self, quantiles: Sequence[float] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)) -> pd.DataFrame:
        """Tabulate all laws: ``node_level, node, period, mean, sd`` and quantiles."""
        rows = [("company", "company", period, law) for period, law in self.company.items()]
        rows += [("rep", owner, period, law) for (owner, period), law in self.reps.items()]
        out = pd.DataFrame([row[:3] for row in rows], columns=["node_level", "node", "period"])
        out["mean"], out["sd"] = ([getattr(row[3], name) for row in rows] for name in ("mean", "sd"))
        values = np.array([row[3].quantile(quantiles) for row in rows]).reshape(len(rows), len(quantiles))
        for index, q in enumerate(quantiles):
            out[f"p{round(100 * q):02d}"] = values[:, index]
        return out


def exact_forecast(inputs: SimulationInputs) -> ExactForecast:
    """Work out the laws of the company's and every rep's bookings in every period to come.

    Parameters
    ----------
    inputs : SimulationInputs
        What the Monte Carlo engine would draw from. Shared deals count with their leading reps.

    Returns
    -------
    ExactForecast

    Notes
    -----
    Given the market, open deals are independent and wins to come Poisson, so the transform of a sum is a product over
    deals, times an exponential over streams. Sums over the market's quadrature are mixtures of such laws, whose factor
    is that of the company: a rep's total follows it as far as it moves with the company's.
    """
    money = Money(inputs)
    nodes = conditionals(inputs, money)
    frame = inputs.plan.frame
    labels, owners = _labels(inputs), frame["owner_id"].astype(str).to_numpy(dtype=object)
    past: dict[tuple[str, str], float] = {}
    for owner, label, amount in zip(owners, frame["period"].astype(str), inputs.plan.amount, strict=True):
        past[owner, label] = past.get((owner, label), 0.0) + float(amount)
    everything = _Members(np.arange(len(inputs.open_deals.ids)), np.arange(len(inputs.new_deals.cells.ids)))
    company = _laws(money, nodes, everything, _COMPANY_POINTS)
    reps = {}
    for owner, members in _by_owner(inputs, owners).items():
        for label, law in zip(labels, _laws(money, nodes, members, _REP_POINTS), strict=True):
            reps[owner, label] = _moved(law, past.get((owner, label), 0.0))
    booked = {label: sum(amount for (_, period), amount in past.items() if period == label) for label in labels}
    whole = {label: _moved(law, booked[label]) for label, law in zip(labels, company, strict=True)}
    return ExactForecast(whole, reps)


def _labels(inputs: SimulationInputs) -> list[str]:
    """Labels of the periods to come, in the order of a run of cells."""
    frame = inputs.plan.frame
    columns = np.concatenate([inputs.open_deals.column, inputs.new_deals.cells.column])
    first = int(columns.min()) if len(columns) else 0
    return frame["period"].astype(str).iloc[first : first + inputs.periods].tolist()


@dataclass(frozen=True)
class _Members:
    """Open deals and streams that make up a total."""

    deals: Ints
    streams: Ints


def _by_owner(inputs: SimulationInputs, owners: npt.NDArray[np.object_]) -> dict[str, _Members]:
    """Collect what is counted with each owner."""
    deal, stream = owners[inputs.open_deals.column], owners[inputs.new_deals.cells.column]
    names = sorted({*deal.tolist(), *stream.tolist()})
    order, turn = np.argsort(deal, kind="stable"), np.argsort(stream, kind="stable")
    cut, cut2 = (
        np.searchsorted(deal[order], [*names, "\U0010ffff"]),
        np.searchsorted(stream[turn], [*names, "\U0010ffff"]),
    )
    return {name: _Members(order[cut[k] : cut[k + 1]], turn[cut2[k] : cut2[k + 1]]) for k, name in enumerate(names)}


def _laws(money: Money, nodes: list[Conditional], members: _Members, points: int) -> list[SumLaw]:
    """Work out the law of a total in every period."""
    moments = [_moments(money, node, members) for node in nodes]
    weight = np.array([node.weight for node in nodes])
    means = np.array([mean for mean, _ in moments])
    mean = weight @ means
    variance = weight @ (np.array([var for _, var in moments]) + (means - mean) ** 2)
    sd, none = np.sqrt(variance), weight @ np.array([_none(money, node, members) for node in nodes])
    out = [certain(float(value)) for value in mean]
    for window, periods in _windows(mean, sd, points):
        transforms = _transforms(money, nodes, members, periods, window.frequency)
        for period, transform in zip(periods, transforms, strict=True):
            out[period] = window.law(transform, float(mean[period]), float(sd[period]), float(none[period]))
    return out


def _windows(mean: Array, sd: Array, points: int) -> list[tuple[Window, list[int]]]:
    """Choose windows; periods whose own would be two thirds as wide at least share one, and its transforms."""
    own = {
        period: Window.of(float(mean[period]), float(sd[period]), points)
        for period in range(len(mean))
        if sd[period] > 0
    }
    left = sorted(own, key=lambda period: -own[period].width)
    out = []
    while left:
        widest = own[left[0]]
        shared = [period for period in left if own[period].width * _ALIKE >= widest.width]
        below = max(own[period].below for period in shared)
        out.append((Window(below, widest.width - widest.below + below, points), shared))
        left = [period for period in left if period not in shared]
    return out


def _moments(money: Money, node: Conditional, members: _Members) -> tuple[Array, Array]:
    """Mean and variance in every period, given the market."""
    row, base = money.row[money.law[members.deals]], money.base[members.deals]
    first, second = base * money.transform.mean[row], base**2 * money.transform.square[row]
    chance = node.chance[members.deals]
    mean = first @ chance
    variance = second @ chance - (first**2) @ chance**2
    law = money.stream_law[members.streams]
    wins, median = node.wins[members.streams], money.median[law]
    mean = mean + (median * money.transform.mean[money.row[law]]) @ wins
    variance = variance + (median**2 * money.transform.square[money.row[law]]) @ wins
    return np.asarray(mean), np.asarray(variance)


def _none(money: Money, node: Conditional, members: _Members) -> Array:
    """Chance that nothing comes in, by period: no deal is won for an amount, no stream has such a win."""
    some = money.some[money.row]
    pays = some[money.law[members.deals]] * (money.base[members.deals] > 0)
    lost = 1.0 - node.chance[members.deals] * pays[:, None]
    wins = some[money.stream_law[members.streams]] @ node.wins[members.streams]
    return np.asarray(np.prod(lost, axis=0) * np.exp(-wins))


def _transforms(
    money: Money, nodes: list[Conditional], members: _Members, periods: list[int], frequency: Array
) -> Complexes:
    """Characteristic functions of the totals of some periods, mixed over the market, shape (periods, frequencies)."""
    log = np.zeros((len(nodes), len(periods), len(frequency)), dtype=np.complex128)
    product = np.ones_like(log)
    for start in range(0, len(members.deals), _ROWS):
        deals = members.deals[start : start + _ROWS]
        apart = _each(money, money.law[deals], money.base[deals], frequency)
        for k, node in enumerate(nodes):
            for index, period in enumerate(periods):
                product[k, index] *= np.prod(1.0 + node.chance[deals, period, None] * apart, axis=0)
    for start in range(0, len(members.streams), _ROWS):
        streams = members.streams[start : start + _ROWS]
        law = money.stream_law[streams]
        apart = _each(money, law, money.median[law], frequency)
        for k, node in enumerate(nodes):
            log[k] += node.wins[streams][:, periods].T @ apart
    weight = np.array([node.weight for node in nodes])
    return np.asarray(np.einsum("k,kpf->pf", weight, product * np.exp(log)))


def _each(money: Money, law: Ints, base: Array, frequency: Array) -> Complexes:
    """Return transforms of single amounts, minus one, shape (deals, frequencies)."""
    row = money.row[law]
    kinds = np.unique(row)
    if len(kinds) == 1:
        return money.transform.at(int(kinds[0]), base, frequency)
    out = np.empty((len(law), len(frequency)), dtype=np.complex128)
    for one in kinds:
        here = np.flatnonzero(row == one)
        out[here] = money.transform.at(int(one), base[here], frequency)
    return out


def _moved(law: SumLaw, amount: float) -> SumLaw:
    """Add what is booked already."""
    return SumLaw(law.grid + amount, law.cdf, law.mean + amount, law.sd) if amount else law
