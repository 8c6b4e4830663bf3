"""Leavers' deals: credited to colleagues of the territory, or to people to be hired, and never lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.simulate.handover import HandOver, Heirs, hand_over, plan_heirs
from spmforecast.simulate.layout import Groups
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

TRIALS, STAYS = 4000, 200
BEGINS = np.array([0, 100, 200])


def booked(cells, keep=False):
    """A tally in which every trial wins 1,000 in each of the two cells of the first run."""
    tally = Tally(0, TRIALS, cells, 0, 2, keep)
    for cell in (0, 1):
        where, trial = np.full(TRIALS, cell), np.arange(TRIALS)
        tally.win(cell * TRIALS + trial, np.full(TRIALS, 1e5))
        tally.note(0, where, trial, np.full(TRIALS, 1e5))
    return tally


def handed(leave, mates, keep=False, mate_leaves=STAYS):
    plan = HandOver((Heirs("open|A", 0, 0, mates, 4),), BEGINS)
    tally = booked(6, keep)
    days = [np.full(TRIALS, leave), np.full(TRIALS, mate_leaves)]
    hand_over(plan, days, Trials(1, 0, TRIALS, 1), tally)
    return tally.result()


def test_who_stays_keeps_everything():
    result = handed(STAYS, ((1, 2),))
    np.testing.assert_array_equal(result.amounts[:, :2], 1000.0)
    assert result.amounts[:, 2:].sum() == 0


def test_later_periods_pass_on_and_that_of_leaving_by_the_days_left():
    result = handed(25, ((1, 2),))
    np.testing.assert_array_equal(result.amounts.sum(axis=1), 2000.0)
    assert result.counts[:, 1].sum() == 0
    assert result.counts[:, 3].sum() == TRIALS
    assert result.counts[:, 2].mean() == pytest.approx(0.75, abs=0.03)


def test_people_to_be_hired_inherit_where_nobody_else_is_left():
    for mates, mate_leaves in (((), STAYS), (((1, 2),), 10)):
        result = handed(25, mates, mate_leaves=mate_leaves)
        assert result.amounts[:, 2:4].sum() == 0
        np.testing.assert_array_equal(result.amounts[:, 5], 1000.0)


def test_the_ledger_tells_the_same():
    result = handed(25, ((1, 2),), keep=True)
    assert result.ledger is not None
    sums = np.bincount(result.ledger.cell, weights=result.ledger.amount, minlength=6)
    np.testing.assert_allclose(sums, result.amounts.sum(axis=0))


def test_heirs_are_colleagues_of_the_territory_with_cells_of_the_same_kind():
    groups = Groups(10, 2)
    rows = [("A", "North"), ("B", "North"), ("C", "South"), ("A", "South")]
    groups.place("open", pd.DataFrame(rows, columns=["owner_id", "region"]))
    places = pd.DataFrame({"territory_id": ["T1", "T1", "T2"]})
    heirs = {heir.name: heir for heir in plan_heirs(groups, ["region"], ["A", "B", "C"], places, np.ones(3, bool))}
    assert heirs["open|A|North"].mates == ((1, groups.known["open", "B", "North"]),)
    assert heirs["open|A|South"].mates == ()
    assert heirs["open|C|South"].hired == groups.known["open", TO_BE_HIRED, "South"]
    assert len(heirs) == 4
