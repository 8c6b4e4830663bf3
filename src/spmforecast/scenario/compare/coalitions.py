"""What bookings become when some of the changes between two scenarios are made and others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.scenario.assuming import adjustments_of
from spmforecast.scenario.inherit import OVERRIDES
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.prepare import Prepared, prepared_by
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast, Simulator

__all__ = ["Change", "Coalitions", "changes_between"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """Something in which two scenarios differ.

    Parameters
    ----------
    label : str
        How it is called.
    made, undone : AssumptionKeys or None
        An assumption that only the second makes, or that only the first does; None in both for other keys.
    """

    label: str
    made: AssumptionKeys | None = None
    undone: AssumptionKeys | None = None


def changes_between(base: Scenario, other: Scenario) -> list[Change]:
    """List in what two scenarios differ that can change what is booked, in an order that does not depend on theirs."""
    first, then = (_assumptions(one) for one in (base, other))
    made = [one for one in then if then.count(one) > first.count(one)]
    undone = [one for one in first if first.count(one) > then.count(one)]
    changes = [Change(one.label, made=one) for one in made]
    changes += [Change(f"without {one.label}", undone=one) for one in undone]
    if prepared_by(base) != prepared_by(other):
        changes.append(Change("history and model"))
    changes.sort(key=lambda one: (one.label, repr(one)))
    return _told_apart(changes)


def _assumptions(scenario: Scenario) -> list[AssumptionKeys]:
    return [one for one in scenario.keys.assumptions if one.kind not in OVERRIDES]


def _told_apart(changes: Sequence[Change]) -> list[Change]:
    """Give changes that would be called the same a number each."""
    labels = [change.label for change in changes]
    out: list[Change] = []
    seen = dict.fromkeys(labels, 0)
    for change in changes:
        seen[change.label] += 1
        number = f" ({seen[change.label]})" if labels.count(change.label) > 1 else ""
        out.append(replace(change, label=f"{change.label}{number}"))
    return out


class Coalitions:
    """Forecasts of sets of changes, each drawn once.

    Parameters
    ----------
    base, other : Scenario
        The two.
    prepared : mapping of str to Prepared
        Fits by :func:`~spmforecast.scenario.prepare.prepared_by`.
    changes : sequence of Change
        Between them.
    trials : int
        To draw.
    jobs : int
        Processes.
    """

    def __init__(
        self,
        base: Scenario,
        other: Scenario,
        prepared: Mapping[str, Prepared],
        changes: Sequence[Change],
        trials: int,
        jobs: int = 1,
    ) -> None:
        self.sides = (base, other)
        self.changes, self.trials, self.jobs = list(changes), trials, jobs
        self._known: dict[frozenset[int], Forecast] = {}
        self._simulators = [_simulator(one, prepared[prepared_by(one)]) for one in self.sides]
        if prepared_by(base) == prepared_by(other):
            self._simulators[1] = self._simulators[0]

    def forecast(self, made: frozenset[int]) -> Forecast:
        """Draw what comes when just these changes are made."""
        if made not in self._known:
            self._known[made] = self._draw(made)
        return self._known[made]

    def _draw(self, made: frozenset[int]) -> Forecast:
        side = int(any(self.changes[i].made is None and self.changes[i].undone is None for i in made))
        asked = self.sides[side]
        keys = asked.keys.model_copy(update={"assumptions": tuple(self._made(made))})
        simulator = self._simulators[side]
        # What one side says of somebody whom only the other hires is known in every set, and idle without the hire.
        known = replace(asked, keys=keys, every=self._every())
        return simulator.run(adjustments_of(known, simulator.model), self.trials, self.jobs)

    def _every(self) -> tuple[AssumptionKeys, ...]:
        """List all assumptions that either of the two writes down."""
        first, then = (list(one.every) for one in self.sides)
        for one in first:
            if one in then:
                then.remove(one)
        return (*first, *then)

    def _made(self, made: frozenset[int]) -> list[AssumptionKeys]:
        """List the assumptions of the first scenario less those undone, and those made."""
        undone = [one for i in sorted(made) if (one := self.changes[i].undone) is not None]
        out = []
        for one in self.sides[0].keys.assumptions:
            if one in undone:
                undone.remove(one)
            elif one.kind not in OVERRIDES:
                out.append(one)
        return out + [new for i in sorted(made) if (new := self.changes[i].made) is not None]


def _simulator(scenario: Scenario, prepared: Prepared) -> Simulator:
    keys = scenario.keys
    assert isinstance(prepared.model, FittedPipeline)
    return Simulator(prepared.model, keys.until, keys.period, keys.levels, keys.simulate.seed)
