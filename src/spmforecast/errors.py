"""The error family: what a person is told when something cannot be done.

Every error that a user can cause carries its :class:`Problem` records, all of them at once, and the exit
status that the command line answers with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["InfeasibleError", "InputError", "Problem", "SpmError"]

_MOST_LETTERS = 120  # of what was found, in a message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input: where it stands, what it is and how to mend it.

    Parameters
    ----------
    table : str
        Canonical table (``opportunities``), or ``scenario`` or ``map``.
    reason : str
        What is wrong, in words.
    mend : str
        What the user can do about it.
    file : str
        File as the user named it.
    line : int or None
        Line in that file, counted from 1 with the header as line 1.
    column : str
        Column or key.
    value : str
        The offending text.
    """

    table: str
    reason: str
    mend: str = ""
    file: str = ""
    line: int | None = None
    column: str = ""
    value: str = ""

    def __str__(self) -> str:
        place = self.file or self.table
        if self.line is not None:
            place += f", line {self.line}"
        if self.column:
            place += f", {self.column}"
        told = f"{place}: {self.reason}"
        if self.value:
            told += f" (found {_short(self.value)!r})"
        return f"{told}. {self.mend}".rstrip() if self.mend else told


def _short(text: str) -> str:
    """Cut what is too long for a message: where a whole file is what was found, its beginning shows it."""
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"


class SpmError(Exception):
    """Base of all errors raised on purpose.

    Attributes
    ----------
    exit_status : int
        What the command line returns for it.
    """

    exit_status = 1


class InputError(SpmError):
    """The input is wrong: data, scenario or usage. Carries every problem found.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        At least one.
    """

    exit_status = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """Pickle with the problems, so that an error survives the way back from a worker process."""
        return (type(self), (self.problems,))


class InfeasibleError(SpmError):
    """What was asked cannot be had: names the limits that clash.

    Parameters
    ----------
    message : str
        What cannot be met.
    limits : tuple of str
        The clashing limits, by name.
    """

    exit_status = 3

    def __init__(self, message: str, limits: Iterable[str] = ()) -> None:
        self.limits = tuple(limits)
        super().__init__(message)
