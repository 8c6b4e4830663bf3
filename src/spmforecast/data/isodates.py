"""Days and time stamps out of bytes: eight characters of each text are one whole number and are judged at once.

``2024-06-30`` and ``2024-06-30 10:30:00`` (or with a ``T``) become numbers by a few operations on whole columns. Each
character is proved to be what it has to be; any text of another form leaves the column to the slower ways.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from spmforecast.data.bytewise import HIGH, Shape, texts_at, words_of

__all__ = ["plain_stamps"]

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Stamps = npt.NDArray[np.datetime64]

_WORD, _DAY, _SECOND = 8, 10, 19  # characters of a day and of a time stamp
_MONTH = Shape.of(b"0000-00-", b"\1\1\1\1\0\1\1\0")
_CLOCK = Shape.of(b"00:00:00", b"\1\1\0\1\1\0\1\1")
_YEARS = (1600, 2400)
_BYTE = np.uint64(0xFF)
_TEN, _EIGHT = np.uint64(10), np.uint64(8)


def plain_stamps(text: Bytes, starts: Ints, ends: Ints) -> Stamps | None:
    """Read days and time stamps without a zone, to the second.

    Parameters
    ----------
    text : numpy.ndarray of uint8
        Bytes in which the cells stand.
    starts, ends : numpy.ndarray of int, shape (n,)
        Where each cell begins and ends; one without any bytes is missing.

    Returns
    -------
    numpy.ndarray of datetime64[s], shape (n,), or None
        None where any filled cell is something else, or no such date.
    """
    out: Stamps | None = None
    lengths = ends - starts
    left = len(starts) - int(np.count_nonzero(lengths == 0))
    for length, read in ((_DAY, _days), (_SECOND, _seconds)):
        here = lengths == length
        count = int(np.count_nonzero(here))
        if not count:
            continue
        found = read(text, starts if count == len(starts) else starts[here])
        if found is None or count == len(starts):
            return found
        out = np.full(len(starts), np.datetime64("NaT", "s")) if out is None else out
        out[here] = found
        left -= count
    if left:
        return None
    return np.full(len(starts), np.datetime64("NaT", "s")) if out is None else out


def _days(text: Bytes, starts: Ints) -> Stamps | None:
    days = _day_numbers(texts_at(text, starts, _DAY))
    if days is None:
        return None
    days *= 86_400
    return days.view("datetime64[s]")


def _seconds(text: Bytes, starts: Ints) -> Stamps | None:
    cells = texts_at(text, starts, _SECOND)
    between = cells[:, _DAY]
    if between[0] not in b" T" or bool((between != between[0]).any()):
        return None
    days, clock = _day_numbers(cells), _pairs(words_of(cells, _DAY + 1), _CLOCK)
    if days is None or clock is None:
        return None
    clock &= np.uint64(0xFF0000FF0000FF)  # hour, minute and second, 24 bits apart
    beyond = clock + np.uint64((128 - 24) | (128 - 60) << 24 | (128 - 60) << 48)
    if int(np.bitwise_or.reduce(beyond) & HIGH):
        return None
    seconds = clock * np.uint64(60 << 24 | 1)  # from bit 48 upwards: 60 times the minute, and the second
    seconds >>= np.uint64(48)
    clock &= _BYTE
    clock *= np.uint64(3600)
    seconds += clock
    days *= 86_400
    days += seconds.view(np.int64)
    return days.view("datetime64[s]")


def _day_numbers(cells: Bytes) -> npt.NDArray[np.int64] | None:
    """Return days since 1970 of texts that begin with YYYY-MM-DD."""
    month = _pairs(words_of(cells, 0), _MONTH)
    if month is None:
        return None
    # Century, year and month stand at bits 0, 16 and 40; one product puts them together as YYYYMM from bit 44 upwards.
    month &= np.uint64(0xFF0000FF00FF)
    month *= np.uint64(10_000 << 44 | 100 << 28 | 1 << 4)
    month >>= np.uint64(44)
    before, length = _months()
    place = month.view(np.int64)
    day = _days_of_month().take(np.ndarray(len(cells), "<u2", cells, _WORD, cells.strides[:1]))
    if bool((day > length.take(place)).any()):
        return None
    days = before.take(place)
    days += day
    return days


def _pairs(words: Words, shape: Shape) -> Words | None:
    """Return, at the byte of each digit, ten times it plus the next character; None where one is not of the shape.

    The words are overwritten.
    """
    beyond = shape.misfits(words)
    if int(np.bitwise_or.reduce(beyond) & HIGH):
        return None
    pairs: Words = np.multiply(words, _TEN, out=beyond)
    words >>= _EIGHT
    pairs += words
    return pairs


@cache
def _months() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return the day before each month, in days since 1970, and how many it has, by YYYYMM; none where it is none."""
    months = np.arange(f"{_YEARS[0]}-01", f"{_YEARS[1]}-02", dtype="datetime64[M]")
    begins = months.astype("datetime64[D]").view(np.int64)
    number = months[:-1].view(np.int64) + 12 * 1970
    place = number // 12 * 100 + number % 12 + 1
    before, length = np.zeros(1_000_000, dtype=np.int64), np.zeros(1_000_000, dtype=np.uint8)
    before[place], length[place] = begins[:-1] - 1, np.diff(begins)
    return before, length


@cache
def _days_of_month() -> Bytes:
    """Return what two digits count, by the number that both characters make; more than any month where it is no day."""
    counted = np.full(1 << 16, 99, dtype=np.uint8)
    for day in range(1, 32):
        counted[int.from_bytes(b"%02d" % day, "little")] = day
    return counted
