"""Chances on the pages of comparisons and updates: what draws counted is never called certain."""

from __future__ import annotations

import pytest

from spmforecast.report.compare import _never_apart
from spmforecast.report.folder import Row
from spmforecast.report.pages.update import _plan_chance
from spmforecast.report.wording import significant


def landed(closed: str, booked: float, p_plan: float) -> Row:
    return Row({"closed": closed}, {"booked": booked, "plan": 100.0, "p_plan": p_plan})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (landed("False", 0.0, 0.0), "<1\u00a0%"),
        (landed("False", 20.0, 1.0), ">99\u00a0%"),
        (landed("False", 100.0, 1.0), "100\u00a0%"),
        (landed("True", 90.0, 0.0), "0\u00a0%"),
        (landed("False", 0.0, 0.4), "40\u00a0%"),
    ],
)
def test_only_what_is_over_or_booked_is_certain(row: Row, told: str) -> None:
    assert _plan_chance(row) == told


def test_a_scenario_that_changes_nothing_books_more_in_no_draw() -> None:
    assert _never_apart(Row({}, {"p_above": 0.0, "p_below": 0.0}))
    assert not _never_apart(Row({}, {"p_above": 1.0, "p_below": 0.0}))


def test_ticks_of_a_narrow_axis_have_digits_enough() -> None:
    assert [significant(value) for value in (24.1, 24.11)] == ["24.1", "24.1"]
    assert [significant(value, 5) for value in (24.1, 24.11, 12345.6)] == ["24.100", "24.110", "12,346"]
