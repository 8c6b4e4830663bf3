"""From a plan's text to its terms: what the keys allow one by one, judged together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.build import component_of, measures_of, spif_of
from spmforecast.plan.compensation.judge import wrong_plan
from spmforecast.plan.compensation.schema import PlanText
from spmforecast.plan.compensation.terms import Cap, Clawback, Credit, Draw, Multiplier, Step, Terms
from spmforecast.written import Written, read_file, read_yaml

__all__ = ["load_terms", "parse_terms"]

_KIND = "compensation plan"
_PER_YEAR = {"month": 12, "quarter": 4, "year": 1}
_LISTS = ("components", "spifs", "multipliers")


def load_terms(path: Path | str) -> Terms:
    """Read a plan's file.

    Raises
    ------
    InputError
        With every problem at once: file, line and the nearest right key.
    """
    return parse_terms(read_file(path, _KIND), str(path))


def parse_terms(text: str, name: str = "comp_plan.yaml") -> Terms:
    """Check a plan's text.

    Raises
    ------
    InputError
        As :func:`load_terms`.
    """
    written = read_yaml(text, name, _KIND, typed=False)
    try:
        plan = written.validate(PlanText)
    except InputError as error:
        raise InputError([*error.problems, *_among_sound_parts(written)]) from error
    problems = wrong_plan(plan, written)
    if problems:
        raise InputError(problems)
    return _terms(plan)


def _terms(plan: PlanText) -> Terms:
    """Turn a checked text into terms."""
    parts = [component_of(one, plan) for one in plan.components] + [spif_of(one) for one in plan.spifs]
    draw, cap = plan.draw, plan.cap
    return Terms(
        name=plan.name,
        components=tuple(parts),
        measures=measures_of(plan),
        currency=plan.currency,
        periods_per_year=_PER_YEAR[plan.period],
        round_lines=plan.rounding == "line",
        multipliers=tuple(
            Multiplier(
                one.name,
                one.measure,
                tuple(Step(step.at.value, step.times) for step in one.steps),
                one.between == "step",
                one.on,
            )
            for one in plan.multipliers
        ),
        cap=None if cap is None else Cap(cap.at, cap.per == "year"),
        draw=None if draw is None else Draw(int(draw.amount), draw.recoverable, draw.periods),
        clawback=Clawback(plan.clawback.method == "recompute", plan.clawback.within),
        credit=Credit(
            None if plan.credit.deal_cap is None else int(plan.credit.deal_cap), plan.credit.splits == "overlay"
        ),
    )


def _among_sound_parts(written: Written) -> list[Problem]:
    """Go on with the parts in which nothing is wrong yet, so that everything is told at once."""
    if not isinstance(written.tree, dict):
        return []
    tree: dict[str, Any] = {}
    places: dict[str, list[int]] = {}
    for key, value in written.tree.items():
        if key in _LISTS and isinstance(value, list):
            places[key] = [place for place, item in enumerate(value) if _sound({key: [item]})]
            tree[key] = [value[place] for place in places[key]]
        elif _sound({key: value}):
            tree[key] = value
    left_out = any(len(places[key]) < len(written.tree[key]) for key in places) or set(tree) != set(written.tree)
    if not tree.get("components") or not tree.get("name"):
        return []
    lines = dict(_moved(written, places))
    return wrong_plan(PlanText.model_validate(tree), replace(written, lines=lines), whole=not left_out)


def _sound(piece: dict[str, Any]) -> bool:
    """Whether a piece would do in a plan that is right otherwise."""
    least = {"name": "x", "components": [{"name": "x", "rate": "1%"}]}
    try:
        PlanText.model_validate({**least, **piece})
    except ValueError:
        return False
    return True


def _moved(written: Written, places: dict[str, list[int]]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Give the lines of what is left, by its new place in the lists."""
    for loc, line in written.lines.items():
        if len(loc) > 1 and loc[0] in places:
            kept = places[str(loc[0])]
            if loc[1] in kept:
                yield (loc[0], kept.index(int(loc[1])), *loc[2:]), line
        else:
            yield loc, line
