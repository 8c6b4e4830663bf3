"""Draws under another map: wins of a cell pass to other owners trial by trial, and nothing gets lost on the way.

A share of a cell's wins passes by binomial thinning, drawn by inverse distribution function from a stream named by the
cell and the new owner: a rep who gets a tenth of another's accounts gets a tenth of the wins, each of them whole, not a
tenth of every win. What stays is what is left over, so amounts and wins of every trial add up to what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.data import NONE
from spmforecast.simulate import Forecast
from spmforecast.simulate.streams import Streams

__all__ = ["Passage", "binomial_quantile", "remapped"]

Array = npt.NDArray[np.float64]

_KEYS = ("owner_id", "manager_id")


@dataclass(frozen=True, slots=True)
class Passage:
    """Part of a cell that passes to another owner.

    Parameters
    ----------
    cell : int
        Row of the forecast's cells.
    to : str
        Rep that gets it.
    share : float
        Share of the cell's wins, above 0 and at most 1; the shares of a cell sum to at most 1.
    factor : float
        What a win is worth there: 1 keeps it, 0.9 loses one in ten, 1.2 adds one to every fifth.
    """

    cell: int
    to: str
    share: float
    factor: float = 1.0


def remapped(
    forecast: Forecast, passages: Sequence[Passage], managers: Mapping[str, str] | None = None, seed: int = 0
) -> Forecast:
    """Let parts of cells pass to other owners, on the same draws.

    Parameters
    ----------
    forecast : Forecast
        Draws under today's map.
    passages : sequence of Passage
    managers : mapping of str to str, optional
        Manager of each rep that gets something; those not named have the manager of their own cells.
    seed : int
        Of the streams that decide which wins pass.

    Returns
    -------
    Forecast
        Region, segment and all other dimensions stay with what passes; owner and manager change. Cells that were there
        keep their place, new ones follow. Without passages draws and cells are the same bytes. Where every factor is 1,
        each trial's sum over any dimension but owner and manager is what it was, to the cent.
    """
    book = _Book(forecast, _manager_of(forecast, managers or {}))
    for cell, parts in _by_cell(passages).items():
        _pass_on(book, cell, parts, Streams(seed))
    return book.forecast()


def binomial_quantile(uniform: Array, size: npt.NDArray[np.int64], chance: float) -> npt.NDArray[np.int64]:
    """Least k of which the binomial distribution function reaches `uniform`.

    Parameters
    ----------
    uniform : array of float, shape (n,)
    size : array of int, shape (n,)
        Number of trials of each draw.
    chance : float
        From 0 to 1.

    Returns
    -------
    array of int, shape (n,)
    """
    out = np.zeros(len(size), dtype=np.int64)
    if chance >= 1.0:
        return size.astype(np.int64)
    for count in np.unique(size[size > 0]).tolist():
        own = size == count
        law = special.bdtr(np.arange(count, dtype=np.float64), count, max(chance, 0.0))
        out[own] = np.minimum(np.searchsorted(law, uniform[own], side="left"), count)
    return out


class _Book:
    """Draws, counts and cells while they change."""

    def __init__(self, forecast: Forecast, managers: Mapping[str, str]) -> None:
        self.source, self.managers = forecast, managers
        self.amounts: dict[int, Array] = {}
        self.wins: dict[int, Array] = {}
        self.rows: list[dict[str, object]] = []
        self.dims = [name for name in forecast.cells.columns if name not in _KEYS]
        names = forecast.cells[["owner_id", *self.dims]].astype(object).itertuples(index=False, name=None)
        self.place = {key: index for index, key in reversed(list(enumerate(names)))}

    def amount(self, cell: int) -> Array:
        """Amounts of a cell, to be changed in place."""
        if cell not in self.amounts:
            old = cell < self.source.draws.shape[1]
            self.amounts[cell] = self.source.draws[:, cell].copy() if old else np.zeros(self.source.trials)
        return self.amounts[cell]

    def count(self, cell: int) -> Array:
        """Wins of a cell, to be changed in place; zeros where they were not simulated."""
        if cell not in self.wins:
            counts = self.source.counts
            old = counts is not None and cell < counts.shape[1]
            self.wins[cell] = (
                counts[:, cell].astype(np.float64) if counts is not None and old else np.zeros(self.source.trials)
            )
        return self.wins[cell]

    def heir(self, cell: int, to: str) -> int:
        """Cell of the new owner that is like another one, laid out where it is not there yet."""
        key = (to, *(self.source.cells[name].iloc[cell] for name in self.dims))
        if key not in self.place:
            self.place[key] = len(self.source.cells) + len(self.rows)
            row = dict(zip(("owner_id", *self.dims), key, strict=True))
            self.rows.append({**row, "manager_id": self.managers.get(to, NONE)})
        return int(self.place[key])

    def forecast(self) -> Forecast:
        """Put it together."""
        source = self.source
        if not self.amounts:
            return source
        more = pd.DataFrame(self.rows, columns=source.cells.columns) if self.rows else source.cells.iloc[:0]
        cells = pd.concat([source.cells, more], ignore_index=True) if len(more) else source.cells
        draws = np.concatenate([source.draws, np.zeros((source.trials, len(more)))], axis=1)
        for cell, values in self.amounts.items():
            draws[:, cell] = values
        counts = None
        if source.counts is not None:
            counts = np.concatenate([source.counts, np.zeros((source.trials, len(more)), source.counts.dtype)], axis=1)
            for cell, values in self.wins.items():
                counts[:, cell] = values
        return Forecast(draws, cells, counts=counts, deals=source.deals, calendar=source.calendar, told=source.told)


def _pass_on(book: _Book, cell: int, parts: Sequence[Passage], streams: Streams) -> None:
    """Divide what a cell held in the beginning."""
    source = book.source
    amount = source.draws[:, cell]
    wins = np.zeros(source.trials) if source.counts is None else source.counts[:, cell].astype(np.float64)
    left, purse, rest = np.rint(wins).astype(np.int64), amount.copy(), 1.0
    name = "|".join(str(value) for value in source.cells.iloc[cell])
    for part in parts:
        chance = min(part.share / rest, 1.0) if rest > 0 else 0.0
        uniform = streams.uniforms("territory", name, part.to, 0, source.trials)
        taken = binomial_quantile(uniform, left, chance)
        # Of what is left, so that cents that are rounded up once are not there a second time. Amounts without a win
        # of their own (a partner's share of a deal) pass in proportion.
        share = np.divide(taken, left, out=np.full(source.trials, chance), where=left > 0)
        moved = np.where(share >= 1.0, purse, np.round(purse * share, 2))
        left, purse, rest = left - taken, purse - moved, rest - part.share
        worth = _worth(part.factor, taken, streams.uniforms("territory", name, part.to, 0, source.trials, lane=1))
        heir = book.heir(cell, part.to)
        book.amount(cell)[:] -= moved
        book.count(cell)[:] -= taken
        gained = (
            moved
            if part.factor == 1.0
            else np.round(moved * np.where(taken > 0, worth / np.maximum(taken, 1), part.factor), 2)
        )
        book.amount(heir)[:] += gained
        book.count(heir)[:] += worth


def _worth(factor: float, taken: npt.NDArray[np.int64], uniform: Array) -> npt.NDArray[np.int64]:
    """Wins that come of those taken: each counts `factor` times on average, whole ones always."""
    if factor == 1.0:
        return taken
    whole = int(np.floor(factor))
    return whole * taken + binomial_quantile(uniform, taken, factor - whole)


def _by_cell(passages: Sequence[Passage]) -> dict[int, list[Passage]]:
    """Collect the passages of each cell, heirs in order of their names."""
    out: dict[int, list[Passage]] = {}
    for part in sorted(passages, key=lambda one: (one.cell, one.to)):
        if part.share > 0:
            out.setdefault(part.cell, []).append(part)
    return out


def _manager_of(forecast: Forecast, managers: Mapping[str, str]) -> dict[str, str]:
    if "manager_id" not in forecast.cells:
        return {}
    own = forecast.cells.drop_duplicates("owner_id", keep="last").set_index("owner_id")["manager_id"]
    return {**{str(rep): str(boss) for rep, boss in own.items()}, **managers}
