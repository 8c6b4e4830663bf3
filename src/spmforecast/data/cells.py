"""Cells: what a map does to the cells of a column, a whole column at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.maps import Condition, NumberFormat
from spmforecast.data.sources.columns import as_text, is_text

__all__ = ["blank", "constant", "meets", "overlay", "picked", "plain_numbers", "translated", "translations", "worded"]

Mask = npt.NDArray[np.bool_]

_BLANKS = " \u00a0\u202f"


def constant(value: str, index: pd.Index) -> pd.Series:
    """Return a column that holds one text."""
    return pd.Series(value, index=index, dtype="str")


def blank(index: pd.Index) -> pd.Series:
    """Return a column of empty cells."""
    return constant("", index)


def worded(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Write as text the columns that a map compares or fills, because maps speak in texts."""
    typed = [name for name in dict.fromkeys(names) if name in frame.columns and not is_text(frame[name])]
    return frame.assign(**{name: as_text(frame[name]) for name in typed}) if typed else frame


def picked(values: pd.Series, row: npt.NDArray[np.intp], index: pd.Index) -> pd.Series:
    """Pick texts by row; an empty text where the row is negative."""
    padded = np.append(values.to_numpy(dtype=object), "")
    return pd.Series(padded[row], index=index, dtype="str")


def translated(values: pd.Series, table: Mapping[str, str]) -> pd.Series:
    """Translate filled cells; ``*`` stands for every value not listed, which else stays as it is."""
    known = {old: new for old, new in table.items() if old != "*"}
    new = values.map(known).astype("str")
    rest = values if "*" not in table else values.mask(values != "", table["*"])
    return new.fillna(rest)


def translations(values: pd.Series, table: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Count the cells that :func:`translated` changes word by word: old and new text to rows, most frequent first."""
    named = {old: new for old, new in table.items() if old not in ("", "*", new)}
    counts = values[values.isin(list(named))].value_counts()
    return {(str(old), named[str(old)]): int(rows) for old, rows in counts.items()}


def meets(frame: pd.DataFrame, where: Mapping[str, Condition], ignore_case: bool = False) -> Mask:
    """Tell which rows meet every condition; a column that is not there counts as empty.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows; the columns that conditions name are text.
    where : mapping of str to Condition
        By column.
    ignore_case : bool
        Compare without regard to case, whatever the single conditions say.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
    """
    met = np.ones(len(frame), dtype=bool)
    for name, condition in where.items():
        values = frame[name] if name in frame.columns else blank(frame.index)
        folding = (ignore_case or condition.ignore_case) and bool(condition.equals or condition.none_of)
        compared = values.str.casefold() if folding else values
        if condition.equals is not None:
            met &= compared.isin(_folded(condition.equals, folding)).to_numpy()
        if condition.none_of is not None:
            met &= ~compared.isin(_folded(condition.none_of, folding)).to_numpy()
        if condition.empty is not None:
            met &= (values == "").to_numpy() == condition.empty
    return met


def _folded(words: Iterable[str], folding: bool) -> list[str]:
    return [word.casefold() if folding else word for word in words]


def overlay(below: pd.Series | None, above: pd.Series, mask: Mask) -> pd.Series:
    """Let one column replace another in some rows, as text unless both have the same type."""
    if mask.all():
        return above
    if below is None:
        below = blank(above.index) if is_text(above) else above.mask(np.ones(len(above), dtype=bool))
    if below.dtype != above.dtype:
        below, above = as_text(below), as_text(above)
    return below.mask(mask, above)


def plain_numbers(values: pd.Series, how: NumberFormat) -> tuple[pd.Series, Mask]:
    """Write numbers of some format with digits and a decimal point.

    Parameters
    ----------
    values : pandas.Series, shape (n,)
        Text; empty cells stay empty.
    how : NumberFormat
        The format. Thousands must stand in groups of three, so that ``1.5`` is not taken for fifteen.

    Returns
    -------
    values : pandas.Series, shape (n,)
        Cells of another format as they were.
    wrong : numpy.ndarray of bool, shape (n,)
        Those cells.
    """
    shape = _shape(how)
    codes, found = pd.factorize(values, use_na_sentinel=False)
    words = np.asarray(found, dtype=object).tolist()
    bare = [_bare(word, how) for word in words]
    fine = np.array([not word or shape.fullmatch(word) is not None for word in bare], dtype=bool)
    plain = [_plain(word, how) if good else old for word, old, good in zip(bare, words, fine, strict=True)]
    out = pd.Series(plain, dtype="str").take(codes).set_axis(values.index)
    return out, ~fine[codes] if len(fine) else np.zeros(len(values), dtype=bool)


def _shape(how: NumberFormat) -> re.Pattern[str]:
    digits = "[0-9]+"
    if how.thousands:
        mark = f"[{_BLANKS}]" if how.thousands in _BLANKS else re.escape(how.thousands)
        digits = f"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]+)"
    return re.compile(f"[+-]?{digits}(?:{re.escape(how.decimal)}[0-9]*)?")


def _bare(word: str, how: NumberFormat) -> str:
    """Take one sign off either end, after the minus sign or before it."""
    for sign in how.signs:
        negative, rest = word[:1] in ("-", "+"), word.lstrip("+-").strip() if word[:1] in ("-", "+") else word
        if rest.startswith(sign) or rest.endswith(sign):
            number = rest.removeprefix(sign) if rest.startswith(sign) else rest.removesuffix(sign)
            bare = number.strip(_BLANKS)
            return (word[0] if negative else "") + bare if bare else word
    return word


def _plain(word: str, how: NumberFormat) -> str:
    for mark in _BLANKS if how.thousands and how.thousands in _BLANKS else how.thousands:
        word = word.replace(mark, "")
    return word.replace(how.decimal, ".")
