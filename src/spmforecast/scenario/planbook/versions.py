"""Versions and decisions as they come out of the planbook."""

from __future__ import annotations

from dataclasses import dataclass, field

from spmforecast.scenario.planbook.content import Content

__all__ = ["ACTIONS", "KINDS", "Decision", "Version"]

KINDS = ("plan", "forecast", "quotas", "territories")
"""What can be kept."""

ACTIONS = ("approve", "withdraw")
"""What can be decided on a version: to approve it, or to take an approval back."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided on a version.

    Parameters
    ----------
    version : int
        Number of the version in the book.
    action : {"approve", "withdraw"}
        What was decided.
    author, reason : str
        Who, and why.
    at : str
        When, UTC, ISO 8601.
    """

    version: int
    action: str
    author: str
    reason: str
    at: str


@dataclass(frozen=True)
class Version:
    """One version of a plan, forecast, set of quotas or map.

    Parameters
    ----------
    id : int
        Number in the whole book.
    kind : str
        One of :data:`KINDS`.
    name : str
        What it is a version of, usually the scenario's name.
    number : int
        Which version of that, from 1 without gaps.
    parent : int or None
        ``id`` of the version that it was made from.
    content : Content
        What it says.
    author, reason : str
        Who wrote it, and why.
    at : str
        When, UTC, ISO 8601.
    sha256 : str
        Hash of all of it and of the version before, so that a change afterwards would show.
    approved : bool
        Whether the last decision on it is an approval.
    """

    id: int
    kind: str
    name: str
    number: int
    parent: int | None
    content: Content = field(repr=False)
    author: str
    reason: str
    at: str
    sha256: str
    approved: bool = False

    @property
    def label(self) -> str:
        """How people call it, for instance ``quotas baseline v3``."""
        return f"{self.kind} {self.name} v{self.number}"

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        facts = {"by": self.author, "on": self.at, "because": self.reason, "approved": "yes" if self.approved else "no"}
        first = next(iter(self.content.tables.values()), None)
        return card(self.label, facts, first)
