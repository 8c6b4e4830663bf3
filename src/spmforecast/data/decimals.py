"""Decimal numbers out of bytes: eight characters of each cell are one whole number and are judged at once.

Cells such as ``23524.99`` and ``1200`` are read as their digits, over a power of ten. Whole numbers of so few digits
and such powers are exact, so that their quotient is the written number, correctly rounded. Signs, exponents and longer
cells leave the column to the slower ways.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.data.bytewise import HIGH, are_digits, number_of, read_off, texts_at, words_of

__all__ = ["plain_decimals"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_WORD = 8
_LONGEST = 15  # characters, the digits of which count less than 2**53 even with a nought behind them
_BYTE = np.uint64(0xFF)
_NOUGHTS = number_of(b"0" * _WORD)
_POINTS = number_of(b"." * _WORD) ^ _NOUGHTS  # noughts are taken off all characters
_KEPT = np.array([number_of(bytes(_WORD - kept) + b"\xff" * kept) for kept in range(_WORD + 1)])
_BEHIND = number_of(bytes(range(1, _WORD + 1)))  # its highest byte, moved up by a point's place, is 8 minus that place
_POWERS = 10.0 ** np.arange(_WORD + 1)


def plain_decimals(text: Bytes, starts: Places, ends: Places) -> Floats | None:
    """Read decimal numbers without a sign.

    Parameters
    ----------
    text : numpy.ndarray of uint8
        Bytes in which the cells stand.
    starts, ends : numpy.ndarray of int, shape (n,)
        Where each cell begins and ends, in the order of the text; one without any bytes is missing.

    Returns
    -------
    numpy.ndarray of float64, shape (n,), or None
        None where any filled cell is something else, or has more than fifteen characters.
    """
    lengths = ends - starts
    longest = int(lengths.max(initial=0))
    if longest > _LONGEST or len(text) < _WORD:
        return None
    words = _digits_before(text, ends, np.minimum(lengths, _WORD))
    points = _take_out_points(words)
    if points is None or not are_digits(words) or bool(((lengths == 1) & (points > 0)).any()):
        return None
    numbers = read_off(words)
    if longest > _WORD:
        rows = np.flatnonzero(lengths > _WORD)
        front = _digits_before(text, ends[rows] - _WORD, lengths[rows] - _WORD)
        if not are_digits(front):
            return None
        numbers[rows] += read_off(front) * np.uint64(10**_WORD)
    points *= _BEHIND
    points >>= np.uint64(56)
    out: Floats = numbers.view(np.int64) / _POWERS.take(points.view(np.int64))
    if not lengths.all():
        out[lengths == 0] = np.nan
    return out


def _digits_before(text: Bytes, ends: Places, lengths: Places) -> Words:
    """Return the last characters before some places, up to eight, the last one highest; noughts are taken off them."""
    at = ends - _WORD
    early = int(np.count_nonzero(at < 0))
    words = words_of(texts_at(text, np.maximum(at, 0) if early else at, _WORD), 0)
    words[:early] <<= (-8 * at[:early]).astype(np.uint64)
    words ^= _NOUGHTS
    words &= _KEPT.take(lengths)
    return words


def _take_out_points(words: Words) -> Words | None:
    """Move what follows a point to its place, in place, with a nought behind it.

    Parameters
    ----------
    words : numpy.ndarray of uint64, shape (n,)
        Eight characters each, noughts taken off them; overwritten.

    Returns
    -------
    numpy.ndarray of uint64, shape (n,), or None
        One, moved up to the byte of the point, and nought where there is none; None where there are several.
    """
    points = words ^ _POINTS
    below = points & ~HIGH
    below += ~HIGH  # its highest bit is set where any other of the byte is
    points |= below
    points &= HIGH
    points ^= HIGH
    points >>= np.uint64(7)
    np.subtract(points, np.uint64(1), out=below)
    if bool(np.bitwise_or.reduce(points & below)):
        return None
    words ^= points * (_POINTS & _BYTE)
    before = words & below
    words ^= before
    words >>= np.uint64(8)
    words |= before
    return points
