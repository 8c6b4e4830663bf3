"""The order of events: by deal, then time, sorted as whole numbers wherever these hold what is compared.

Deals that follow each other share a bucket. Part by part the events are laid out by bucket; then each bucket, whose
events stay in the processor's cache, is sorted where it stands: deal, time and place in it make one whole number, of
which all three are read off again.
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

_BUCKETS = 6  # bits of a bucket's number: enough for threads, few enough for long runs of events
_BITS = 62  # of a whole number that are used
_BLOCK = 1 << 18  # rows at a time


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
        counts = np.array(in_blocks(lambda rows: self._counts(deal[rows]), len(deal), _BLOCK))
        begins = np.append(0, np.cumsum(counts.sum(axis=0)))
        if self.shift + self.bits + 1 + int(np.diff(begins).max()).bit_length() > _BITS:
            return None
        starts = begins[:-1] + np.cumsum(counts, axis=0) - counts
        place, of, keys = (room(len(deal), np.int64) for _ in range(3))

        def lay_out(rows: slice) -> None:
            """Lay the events of some rows out by bucket."""
            order = np.argsort(self._buckets(deal[rows]), kind="stable")
            block = rows.start // _BLOCK
            laid = self._keys(deal[rows], seconds[rows], last[rows])[order]
            order += rows.start
            end = 0
            for start, count in zip(starts[block].tolist(), counts[block].tolist(), strict=True):
                here, there, end = slice(end, end + count), slice(start, start + count), end + count
                keys[there], place[there] = laid[here], order[here]

        def sort(bucket: int) -> None:
            here = slice(begins[bucket], begins[bucket + 1])
            self._sort(bucket, keys[here], place[here], of[here])

        in_blocks(lay_out, len(deal), _BLOCK)
        each(sort, np.flatnonzero(np.diff(begins)).tolist(), len(deal))
        return place, of, keys

    def _buckets(self, deal: Ints) -> npt.NDArray[np.uint8]:
        return (deal >> self.shift).astype(np.uint8)

    def _counts(self, deal: Ints) -> Ints:
        return np.bincount(self._buckets(deal), minlength=1 << _BUCKETS)

    def _keys(self, deal: Ints, seconds: Ints, last: Mask) -> Ints:
        keys = deal & ((1 << self.shift) - 1)
        keys <<= self.bits
        keys |= seconds - self.first
        keys <<= 1
        keys |= last
        return keys

    def _sort(self, bucket: int, keys: Ints, place: Ints, deal: Ints) -> None:
        """Sort the events of one bucket in place; their deals are written, and their keys become times."""
        bits = len(keys).bit_length()
        keys <<= bits
        keys |= np.arange(len(keys))
        keys.sort()
        place[:] = place[keys & ((1 << bits) - 1)]
        keys >>= bits + 1
        np.right_shift(keys, self.bits, out=deal)
        deal += bucket << self.shift
        keys &= (1 << self.bits) - 1
        keys += self.first
