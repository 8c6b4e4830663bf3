"""Spelling: which known name a text most likely means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["Speller", "distance", "plain"]

_NOT_A_WORD = re.compile(r"[^\w]|_")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\W_]+(?=\d)")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_DIGITS = re.compile(r"\d+")
_LONGEST = 80  # what is longer is no name, and has too many stumps
_MANY = 20_000


def plain(text: str) -> str:
    """Take letter case, blanks, punctuation and leading zeros out of a text; digits apart stay apart."""
    kept = _BETWEEN_DIGITS.sub("\x00", text.casefold())
    kept = _NOT_A_WORD.sub(lambda found: found[0] if found[0] == "\x00" else "", kept)
    return _LEADING_ZEROS.sub("", kept)


def distance(one: str, other: str) -> int:
    """Count the letters to insert, drop, change or swap with their neighbour (optimal string alignment)."""
    above: list[int] = []
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        above, before = before, row
    return before[-1]


def _allowed(length: int) -> int:
    """Return how many letters may differ: none in short words, two in long ones."""
    return 0 if length < 5 else 1 if length < 10 else 2


class Speller:
    """Known names, ready to be asked for the nearest one.

    Two texts are near when they differ by case, blanks or punctuation only, or by one letter (two in words of ten
    letters and more) while all their digits agree: ``Tier 1`` and ``Tier 2`` are two things.

    Parameters
    ----------
    known : iterable of str
        Names; the first of several that are alike but for case and punctuation stands for all.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._plain: dict[str, str] = {}
        for name in known:
            self._plain.setdefault(plain(name), name)
        self._most = 2 if len(self._plain) <= _MANY else 1
        self._stumps: dict[str, list[str]] | None = None

    def nearest(self, text: str) -> str | None:
        """Return the known name that a text most likely means, or None; never the text itself."""
        word = plain(text)
        same = self._plain.get(word)
        if same is not None:
            return same if same != text else None
        near = self.neighbours(text)
        return near[0] if near else None

    def neighbours(self, text: str) -> list[str]:
        """Return the known names that are a letter or two off, nearest first; not those that are alike."""
        word = plain(text)
        if not word or len(word) > _LONGEST or _allowed(len(word)) == 0:
            return []
        found = [(distance(word, other), other) for other in self._candidates(word) - {word}]
        near = [pair for pair in found if pair[0] <= min(_allowed(min(len(word), len(pair[1]))), self._most)]
        return [self._plain[other] for _, other in sorted(near)]

    def _candidates(self, word: str) -> set[str]:
        """Find names that share a stump with the word: all pairs that can be near, without comparing all."""
        if self._stumps is None:
            self._stumps = {}
            for name in (name for name in self._plain if len(name) <= _LONGEST):
                for stump in _stumps(name, min(_allowed(len(name)), self._most)):
                    self._stumps.setdefault(stump, []).append(name)
        digits = _DIGITS.findall(word)
        found = {name for stump in _stumps(word, self._most) for name in self._stumps.get(stump, ())}
        return {name for name in found if _DIGITS.findall(name) == digits}


def _stumps(word: str, drops: int) -> Iterator[str]:
    """Give the word and what is left of it after dropping up to so many letters."""
    seen = {word}
    layer = {word}
    yield word
    for _ in range(drops):
        layer = {one[:k] + one[k + 1 :] for one in layer for k in range(len(one))} - seen
        seen |= layer
        yield from layer
