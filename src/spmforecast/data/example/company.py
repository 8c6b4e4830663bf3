"""`ExampleCompany`: an invented company with CRM records and a true future that can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from spmforecast.calendar import to_day
from spmforecast.data.example import figures as fig
from spmforecast.data.example.clock import day_number
from spmforecast.data.example.ledger import Ledger
from spmforecast.data.example.tables import Records, build_tables
from spmforecast.data.example.world import World
from spmforecast.errors import InputError, Problem

__all__ = ["ExampleCompany"]

# What a stream of random numbers is for: keeps the past, the futures and the dressing of the tables apart. That of the
# past was taken from six tried, so that the default company's plan is neither certain nor hopeless.
_PAST, _FUTURE, _DRESS = 2, 0x66757475, 0x64726573


@dataclass(frozen=True, slots=True)
class ExampleCompany:
    """An invented company: its records are those of a CRM, its mechanism is known and unlike the fitted model.

    The same parameters always give the same tables. A company that is exported later has lived through the same past.

    Parameters
    ----------
    seed : int
        Which company, 0 or more.
    size : {"small", "medium", "large"}
        8, 40 or 200 reps; about 1,000, 10,000 or 100,000 deals in three and a half years.
    character : {"calm", "ordinary", "stormy", "tiny"}
        How rough its market is; ``tiny`` is an ordinary company of 5 reps and about 400 deals, whatever `size` says.
    start, export : str
        First day, and the day at whose close the records are taken, ISO 8601.

    Raises
    ------
    InputError
        For every parameter that is out of range.
    """

    seed: int = 7
    size: fig.SizeName = "medium"
    character: fig.CharacterName = "ordinary"
    start: str = "2022-01-01"
    export: str = "2025-06-30"

    def __post_init__(self) -> None:
        problems = []
        if self.seed < 0:
            problems.append(_wrong("seed", "the seed must be 0 or more", "Choose another whole number.", self.seed))
        if self.size not in ("small", "medium", "large"):
            problems.append(_wrong("size", "no such size", "Choose small, medium or large.", self.size))
        if self.character not in fig.CHARACTERS:
            mend = f"Choose one of {', '.join(fig.CHARACTERS)}."
            problems.append(_wrong("character", "no such character", mend, self.character))
        if problems:
            raise InputError(problems)
        if _day(self.export) <= _day(self.start):
            raise InputError(
                _wrong("export", "the export must come after the start", f"Take a day after {self.start}.", self.export)
            )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the canonical tables as a CRM would show them at the close of the export date.

        Returns
        -------
        dict of str to pandas.DataFrame
            By table name; dates are ISO text, amounts are EUR.
        """
        ledger = Ledger(full=True)
        world = self._live(self.export, ledger)
        return build_tables(Records(world, ledger), self._stream(_DRESS))

    def write(self, folder: str | Path) -> None:
        """Write each table to ``<table>.csv`` in a folder, which is made where absent.

        Parameters
        ----------
        folder : str or Path
            Files of the same names are replaced. The bytes are the same for the same parameters.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables().items():
            table.to_csv(target / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")

    def futures(self, as_of: str, until: str, n: int = 100, seed: int = 1) -> pd.DataFrame:
        """Replay the time after `as_of` again and again from the true state, hidden parts included.

        Parameters
        ----------
        as_of, until : str
            Bookings are counted from the day after `as_of` to the close of `until`.
        n : int
            Number of futures.
        seed : int
            Of the future luck, 0 or more.

        Returns
        -------
        pandas.DataFrame
            Columns ``future, owner_id, territory_id, region, segment, period_month, amount`` (sum of what was won, EUR)
            and ``deals`` (number of wins). A future without bookings has no rows. People hired after `as_of` are
            numbered on from those the company knows: the same number names different people in different futures.

        Raises
        ------
        InputError
            If the dates are not in order, or `n` or `seed` is out of range.
        """
        problems = []
        if n < 1:
            problems.append(_wrong("n", "at least one future is needed", "Ask for 1 or more.", n))
        if seed < 0:
            problems.append(_wrong("seed", "the seed must be 0 or more", "Choose another whole number.", seed))
        if problems:
            raise InputError(problems)
        self._check_span(as_of, until)
        world = self._live(as_of, Ledger(full=False)).fork(n)
        ledger = Ledger(full=False)
        world.live_until(_day(until), self._stream(_FUTURE, seed, _day(as_of)), ledger)
        return _bookings(world, ledger)

    def actuals(self, as_of: str, until: str) -> pd.DataFrame:
        """Return what the company then really booked, in the columns of :meth:`futures`.

        Parameters
        ----------
        as_of, until : str
            Bookings are counted from the day after `as_of` to the close of `until`, which may lie after the export.

        Returns
        -------
        pandas.DataFrame
            With ``future`` 0 throughout.

        Raises
        ------
        InputError
            If the dates are not in order.
        """
        self._check_span(as_of, until)
        ledger = Ledger(full=False)
        world = self._live(until, ledger)
        return _bookings(world, ledger, after=_day(as_of))

    def _check_span(self, as_of: str, until: str) -> None:
        if _day(as_of) < _day(self.start):
            raise InputError(_wrong("as_of", "before the company's start", f"Take {self.start} or later.", as_of))
        if _day(until) <= _day(as_of):
            raise InputError(_wrong("until", "must come after as_of", f"Take a day after {as_of}.", until))

    def _live(self, until: str, ledger: Ledger) -> World:
        """Live the one true past up to the close of a day; the luck of a day does not hang on how long it goes on."""
        size = fig.SIZES["tiny" if self.character == "tiny" else self.size]
        rng = self._stream(_PAST)
        world = World.found(size, fig.CHARACTERS[self.character], _day(self.start), rng, ledger)
        world.live_until(_day(until), rng, ledger)
        return world

    def _stream(self, *purpose: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, *purpose])))


def _day(date: str) -> int:
    return day_number(to_day(date).date().isoformat())


def _wrong(column: str, reason: str, mend: str, value: object) -> Problem:
    return Problem("example", reason, mend, column=column, value=str(value))


def _bookings(world: World, ledger: Ledger, after: int = -1) -> pd.DataFrame:
    """Add the bookings up by future, owner, territory, segment and month."""
    wins = {name: column[ledger.wins["day"] > after] for name, column in ledger.wins.items()}
    leaf = world.sales_map.seat_leaf[wins["home"].astype(np.int64) % world.size.reps]
    months = wins["day"].astype(np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    keys = {"future": wins["future"], "rep": wins["rep"], "leaf": leaf, "segment": wins["segment"], "month": months}
    frame = pd.DataFrame({**keys, "amount": wins["amount"].astype(np.float64)})
    grouped = frame.groupby(list(keys), sort=True)["amount"].agg(amount="sum", deals="size").reset_index()
    leaves = np.array(world.sales_map.leaf_names, dtype=object)
    regions = np.array(world.sales_map.region_names, dtype=object)
    code = grouped["leaf"].to_numpy(dtype=np.int64)
    month = grouped["month"].to_numpy(dtype=np.int64).astype("datetime64[M]")
    segments = np.array(fig.SEGMENTS, dtype=object)
    told = {
        "future": grouped["future"],
        "owner_id": [f"R{rep:03d}" for rep in grouped["rep"]],
        "territory_id": leaves[code],
        "region": regions[world.sales_map.leaf_region[code]],
        "segment": segments[grouped["segment"].to_numpy(dtype=np.int64)],
        "period_month": np.datetime_as_string(month).astype(object),
        "amount": np.round(cast("pd.Series[float]", grouped["amount"]), 2),
        "deals": grouped["deals"],
    }
    return pd.DataFrame(told)
