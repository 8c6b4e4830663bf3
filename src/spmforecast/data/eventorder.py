"""The order of events: by deal, then time, sorted as whole numbers wherever these hold what is compared.

Deals that follow each other share a bucket, whose events stay in the processor's cache. In a bucket, deal, time and
place make one whole number each; once these are sorted, all three are read off them again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.data.memory import room
from spmforecast.data.threads import each, in_blocks

__all__ = ["ordered"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Stamps = npt.NDArray[np.datetime64]

_BUCKETS = 8  # bits of a bucket's number: bytes are quickest to sort
_BITS = 62  # of a whole number that are used
_BLOCK = 1 << 15  # rows at a time, so that they stay in the processor's cache


def ordered(deal: Ints, at: Stamps, last: Mask, deals: int) -> tuple[Ints, Ints, Stamps]:
    """Sort events by deal, then time, then `last`; equal ones keep their order.

    Parameters
    ----------
    deal : numpy.ndarray of int, shape (n,)
        Row of the deal of each event, -1 where it has none; such events are left out.
    at : numpy.ndarray of datetime64[s], shape (n,)
        When.
    last : numpy.ndarray of bool, shape (n,)
        Which of the events of one instant come last.
    deals : int
        Number of deals.

    Returns
    -------
    row, deal : numpy.ndarray of int, shape (k,)
        Place of each event among those given, and its deal.
    when : numpy.ndarray of datetime64[s], shape (k,)
        When it was.
    """
    when = np.asarray(at, dtype="datetime64[s]")
    if len(deal) and int(deal.min()) < 0:
        known = np.flatnonzero(deal >= 0)
        row, deal, when = ordered(deal[known], when[known], last[known], deals)
        return known[row], deal, when
    packed = _Packed.of(deal, when.view(np.int64), deals)
    found = None if packed is None else packed.sorted(deal, when.view(np.int64), last)
    if found is not None:
        return found[0], found[1], found[2].view("datetime64[s]")
    row = np.lexsort((last, when, deal))
    return row, deal[row], when[row]


@dataclass(frozen=True)
class _Packed:
    """How deal, time and place of an event are put into one whole number, the first of them highest.

    Parameters
    ----------
    shift : int
        Bits of a deal's number inside its bucket.
    bits : int
        Bits of a time.
    first : int
        Earliest time.
    """

    shift: int
    bits: int
    first: int

    @classmethod
    def of(cls, deal: Ints, seconds: Ints, deals: int) -> _Packed | None:
        """Find how to put events into whole numbers; None where these do not hold them."""
        if not len(deal):
            return None
        first, end = int(seconds.min()), int(seconds.max())
        packed = cls(max(deals.bit_length() - _BUCKETS, 0), (end - first).bit_length(), first)
        return packed if packed.shift + packed.bits + 1 <= _BITS else None

    def sorted(self, deal: Ints, seconds: Ints, last: Mask) -> tuple[Ints, Ints, Ints] | None:
        """Return place, deal and time of each event in order; None where a bucket has too many to number them."""
        bucket, keys = room(len(deal), np.uint8), room(len(deal), np.int64)

        def pack(rows: slice) -> None:
            bucket[rows] = deal[rows] >> self.shift
            keys[rows] = self._keys(deal[rows], seconds[rows], last[rows])

        in_blocks(pack, len(deal), _BLOCK)
        count = np.bincount(bucket)
        if self.shift + self.bits + 1 + int(count.max()).bit_length() > _BITS:
            return None
        edges = np.append(0, np.cumsum(count))
        row = np.argsort(bucket, kind="stable")
        deal, seconds = room(len(keys), np.int64), room(len(keys), np.int64)

        def sort(number: int) -> None:
            part = slice(edges[number], edges[number + 1])
            self._sort(number, keys[row[part]], row[part], deal[part], seconds[part])

        each(sort, range(len(count)), len(row))
        return row, deal, seconds

    def _keys(self, deal: Ints, seconds: Ints, last: Mask) -> Ints:
        keys = deal & ((1 << self.shift) - 1)
        keys <<= self.bits
        keys |= seconds - self.first
        keys <<= 1
        keys |= last
        return keys

    def _sort(self, bucket: int, keys: Ints, row: Ints, deal: Ints, seconds: Ints) -> None:
        """Sort the events of one bucket: their places in `row`, deals and times into the other arrays."""
        places = len(keys).bit_length()
        keys <<= places
        keys |= np.arange(len(keys))
        keys.sort()
        row[:] = row[keys & ((1 << places) - 1)]
        keys >>= places + 1
        np.bitwise_and(keys, (1 << self.bits) - 1, out=seconds)
        seconds += self.first
        keys >>= self.bits
        np.add(keys, bucket << self.shift, out=deal)
