"""Money: amounts in several currencies brought into one by a table of rates.

A converted amount is the amount times the rate of its currency. A rate holds from its day until the next rate of that
currency; no rate is used before its day, so that nothing that was not known then gets into an amount.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.crm.options import CrmOptions, option_problem
from spmforecast.data.history import SourceFile
from spmforecast.data.sources import RawTable, parse_csv
from spmforecast.data.sources.columns import as_text, frame_hash, is_text, raw_frame
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["RateTable", "open_exchange", "read_rates"]

_COLUMNS = ("currency", "rate", "from")
_ALWAYS = np.datetime64(-(2**62), "s")


@dataclass(frozen=True, eq=False)
class RateTable:
    """Rates into one currency; an :class:`~spmforecast.data.maps.Exchange`.

    Parameters
    ----------
    wanted : str
        Code of that currency; empty where none was named.
    rates : mapping of str to (numpy.ndarray of datetime64[s], numpy.ndarray of float)
        By currency: first days in ascending order, and rates from then on.
    """

    wanted: str = ""
    rates: Mapping[str, tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]] = field(default_factory=dict)

    @property
    def converts(self) -> bool:
        """Whether amounts change at all."""
        return bool(self.rates and self.wanted)

    def notes(self, currencies: pd.Series) -> tuple[str, ...]:
        """Say what is odd about the currencies of filled amounts.

        Raises
        ------
        InputError
            If there are several and nothing says how to bring them into one.
        """
        counts = _codes(currencies).value_counts()
        found = sorted(code for code in counts.index if code)
        unknown = int(counts.get("", 0))
        notes = []
        if len(found) > 1 and not self.converts:
            raise InputError(self._refusal(found))
        if len(found) == 1 and self.wanted and found[0] != self.wanted and not self.rates:
            notes.append(f"amounts are in {found[0]}, not in {self.wanted}, and are not converted: no rates were given")
        if unknown and found and not self.rates:
            notes.append(f"{unknown:,} amounts name no currency and are taken as {found[0]}")
        return tuple(notes)

    def _refusal(self, found: list[str]) -> Problem:
        told = f"amounts are in {len(found)} currencies ({', '.join(found)})"
        lacking = [] if self.wanted else ["the currency wanted (currency)"]
        lacking += [] if self.rates else ["a table of rates with the columns currency and rate (rates)"]
        return option_problem("rates" if self.wanted else "currency", told, f"Give {' and '.join(lacking)}.")

    def convert(
        self, amounts: pd.Series, currencies: pd.Series, dates: pd.Series
    ) -> tuple[pd.Series, Mapping[int, tuple[str, str]]]:
        """Convert a column (see :class:`~spmforecast.data.maps.Exchange`)."""
        if not self.converts:
            return amounts, {}
        codes = _codes(currencies).to_numpy(dtype=object)
        foreign = codes != self.wanted
        if is_text(amounts):
            foreign &= (amounts != "").to_numpy()
        numbers = pd.to_numeric(amounts, errors="coerce").to_numpy(dtype=np.float64)
        foreign &= ~np.isnan(numbers)
        rate, faults = self._rates_of(codes, dates, np.flatnonzero(foreign))
        done = foreign & ~np.isnan(rate)
        if not done.any():
            return amounts, faults
        converted = pd.Series(numbers * rate, index=amounts.index)
        if is_text(amounts):
            return amounts.mask(done, as_text(converted.where(done))), faults
        return amounts.astype("float64").mask(done, converted), faults

    def _rates_of(
        self, codes: npt.NDArray[np.object_], dates: pd.Series, rows: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.float64], dict[int, tuple[str, str]]]:
        """Return the rate of each row named, and what is wrong where there is none."""
        rate = np.full(len(codes), np.nan)
        faults: dict[int, tuple[str, str]] = {}
        days = dates.to_numpy().astype("datetime64[s]")
        # No date: the last rate known. NaT is put after every day there is.
        days = np.where(np.isnat(days), np.datetime64(2**62, "s"), days)
        for code in dict.fromkeys(codes[rows]):
            own = rows[codes[rows] == code]
            if code not in self.rates:
                faults |= dict.fromkeys(own.tolist(), self._no_currency(code))
                continue
            since, values = self.rates[code]
            place = np.searchsorted(since, days[own], side="right") - 1
            rate[own[place >= 0]] = values[place[place >= 0]]
            for row in own[place < 0].tolist():
                told = f"there is no rate of {code} on {str(days[row])[:10]}; the first is from {str(since[0])[:10]}"
                faults[row] = (told, "Add an earlier rate to the table of rates.")
        return rate, faults

    def _no_currency(self, code: str) -> tuple[str, str]:
        if not code:
            return "the amount names no currency", "Fill in its currency."
        near = nearest(code, self.rates)
        return (
            f"there is no rate of {code}",
            f"Add it to the table of rates{f'; did you mean {near}?' if near else '.'}",
        )


def _codes(currencies: pd.Series) -> pd.Series:
    return currencies.str.strip().str.upper()


def open_exchange(options: CrmOptions) -> tuple[RateTable, tuple[SourceFile, ...]]:
    """Read the rates that options name.

    Returns
    -------
    exchange : RateTable
        Ready to convert.
    files : tuple of SourceFile
        What was read.

    Raises
    ------
    InputError
        If the table of rates cannot be used; with every problem.
    """
    if options.rates is None:
        return RateTable(options.currency), ()
    raw, file = _raw(options.rates)
    if not options.currency:
        told = "rates are given, but not the currency that they lead to"
        raise InputError(option_problem("currency", told, "Give it, for instance EUR."))
    return RateTable(options.currency, read_rates(raw, options.currency)), (file,)


def _raw(rates: str | Path | pd.DataFrame) -> tuple[RawTable, SourceFile]:
    if isinstance(rates, pd.DataFrame):
        frame = raw_frame(rates)
        return RawTable("rates", frame), SourceFile("rates", *frame_hash(frame))
    path = Path(rates)
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        told = f"the rates cannot be read ({error.strerror})"
        raise InputError(
            Problem("rates", told, "Give a CSV file with the columns currency and rate.", str(path))
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(Problem("rates", "the text is not UTF-8", "Save it as UTF-8.", str(path))) from error
    raw = parse_csv(text, str(path), "rates")
    if raw.broken:
        raise InputError(raw.broken)
    return raw, SourceFile(path.name, hashlib.sha256(data).hexdigest(), len(data))


def read_rates(raw: RawTable, wanted: str) -> dict[str, tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]]:
    """Check a table of rates.

    Parameters
    ----------
    raw : RawTable
        Columns ``currency``, ``rate`` and perhaps ``from``.
    wanted : str
        Currency that the rates lead to.

    Returns
    -------
    dict
        As :class:`RateTable` holds them.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    frame = pd.DataFrame({name: as_text(raw.frame[name]).str.strip() for name in raw.frame.columns})
    missing = [name for name in _COLUMNS[:2] if name not in frame.columns]
    if missing:
        problems = []
        for name in missing:
            near = nearest(name, frame.columns)
            mend = f"Did you mean {near}? Rename it." if near else "Add the column."
            problems.append(Problem("rates", "a required column is missing", mend, raw.file, 1, name))
        raise InputError(problems)
    rows = _Rows(raw, frame["currency"].str.upper(), frame["rate"], frame.get("from"), wanted)
    problems = list(rows.problems())
    if problems or not len(frame):
        nothing = Problem("rates", "there are no rates", "Write a row for each currency.", raw.file)
        raise InputError(problems or nothing)
    since, values = rows.since(), rows.rate.to_numpy(dtype=np.float64)
    out = {}
    for code in dict.fromkeys(rows.code):
        own = np.flatnonzero((rows.code == code).to_numpy())
        own = own[np.argsort(since[own], kind="stable")]
        out[str(code)] = (since[own], values[own])
    return out


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a table of rates, as text."""

    raw: RawTable
    code: pd.Series
    rate: pd.Series
    day: pd.Series | None
    wanted: str

    def since(self) -> npt.NDArray[np.datetime64]:
        """Return the first day of each rate; one without a day holds always."""
        if self.day is None:
            return np.full(len(self.code), _ALWAYS)
        read = pd.to_datetime(self.day, format="%Y-%m-%d", errors="coerce").to_numpy().astype("datetime64[s]")
        return np.where((self.day == "").to_numpy(), _ALWAYS, read)

    def problems(self) -> Iterator[Problem]:
        """Find everything that is wrong."""
        values = pd.to_numeric(self.rate, errors="coerce").to_numpy(dtype=np.float64)
        since = self.since()
        seen: dict[tuple[str, int], int] = {}
        for row, code in enumerate(self.code):
            if not (len(code) == 3 and code.isascii() and code.isalpha()):
                yield self._problem(row, "currency", "not a currency", "Write its ISO 4217 code.", code)
            if not (math.isfinite(values[row]) and values[row] > 0):
                told, mend = "not a rate", "Write a number above 0, with a decimal point."
                yield self._problem(row, "rate", told, mend, self.rate.iloc[row])
            elif code == self.wanted and values[row] != 1:
                told = f"{code} is the currency wanted, so its rate is 1"
                yield self._problem(row, "rate", told, "Take the row out.", self.rate.iloc[row])
            if np.isnat(since[row]):
                found = "" if self.day is None else str(self.day.iloc[row])
                yield self._problem(row, "from", "not a date", "Write it as YYYY-MM-DD.", found)
            key = (code, int(since[row].astype(np.int64)))
            if key in seen:
                told = f"the rate stands already in line {self.raw.lines[seen[key]]}"
                yield self._problem(row, "currency", told, "Keep one of them, or give each a day under from.", code)
            seen.setdefault(key, row)

    def _problem(self, row: int, column: str, told: str, mend: str, value: str) -> Problem:
        return Problem("rates", told, mend, self.raw.file, int(self.raw.lines[row]), column, value)
