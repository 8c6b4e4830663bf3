"""Leaderboards: hard territories and newcomers are not punished, luck is not praised, sums agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from companies import example_fit
from spmforecast.data import ExampleCompany, read_history
from spmforecast.data.example.ledger import Ledger
from spmforecast.errors import InputError
from spmforecast.evaluate.leaderboard import standing, territory_levels
from spmforecast.evaluate.repyear import rep_year
from spmforecast.models import PipelineModel


def company(seed, spread=0.5, skill=0.25, territories=8, reps=6):
    """Reps of known skill in territories of known richness; a third of them are newcomers with a fifth of the year."""
    rng = np.random.Generator(np.random.Philox(seed))
    place = np.repeat(np.arange(territories), reps)
    rich = np.exp(spread * rng.standard_normal(territories))
    able = np.exp(skill * rng.standard_normal(len(place)))
    due = np.where(np.arange(len(place)) % 3 == 0, 12.0, 60.0)
    made = rng.poisson(due * rich[place] * able).astype(float)
    return place, rich, able, due, made


def uniforms(reps, draws=400):
    return np.random.Generator(np.random.Philox(9)).random((2, draws, reps))


def even(made, due):
    """Deals opened, with bookings just as expected: a unit for each deal."""
    return (made, due), (made, np.maximum(made, 1e-9)), np.ones(len(made))


def test_rich_territories_are_told_from_good_reps():
    place, rich, _, due, made = company(1)
    level = territory_levels(made, due * made.sum() / due.sum(), place)
    assert stats.spearmanr(level, rich).statistic > 0.9
    assert (level * np.bincount(place, due)).sum() / due.sum() == pytest.approx(1.0)


def test_territories_that_do_not_differ_are_left_alone():
    off, raw = [], []
    for seed in range(20, 30):
        place, _, _, due, made = company(seed, spread=0.0, skill=0.6)
        due = due * made.sum() / due.sum()
        off.append(np.abs(territory_levels(made, due, place) - 1.0).mean())
        raw.append(np.abs(np.bincount(place, made) / np.bincount(place, due) - 1.0).mean())
    assert np.mean(off) < 0.4 * np.mean(raw)


def test_one_rep_a_territory_tells_nothing_of_territories():
    assert territory_levels([5.0, 50.0], [20.0, 20.0], [0, 1]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_adjusted_ranks_find_skill_that_raw_ones_hide(seed):
    place, _, able, due, made = company(seed)
    due = due * made.sum() / due.sum()
    level = territory_levels(made, due, place)
    opened, won, unit = even(made, due * level[place])
    told = standing(opened, won, unit, uniforms(len(made)), np.ones(len(made), dtype=bool))
    adjusted, raw = (stats.spearmanr(of, able).statistic for of in (told.index, made))
    assert adjusted > raw + 0.15
    assert adjusted > 0.5


def test_a_newcomer_is_near_one_with_a_wide_interval():
    made, due = np.array([40.0, 60.0, 80.0, 0.0, 52.0]), np.array([55.0, 55.0, 55.0, 0.5, 55.0])
    opened, won, unit = even(made, due)
    told = standing(opened, won, unit, uniforms(5), np.ones(5, dtype=bool))
    assert told.index[3] == pytest.approx(1.0, abs=0.1)
    assert told.high[3] - told.low[3] > 1.3 * (told.high[1] - told.low[1])
    assert told.rank[2] == 1
    assert told.rank[3] not in (1, 5)
    assert told.p_best.sum() == pytest.approx(1.0)


def test_a_single_huge_deal_counts_as_one_win():
    due = np.full(6, 20.0)
    money, hoped = np.array([20.0, 20.0, 20.0, 20.0, 20.0, 60.0]), np.full(6, 20.0)
    every, some = np.ones(6), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 40.0])
    ranked = np.ones(6, dtype=bool)
    many = standing((due, due), (money, hoped), every, uniforms(6), ranked)
    one = standing((due, due), (money, hoped), some, uniforms(6), ranked)
    assert many.won.mean[5] > one.won.mean[5] > 1.0


@pytest.mark.slow
def test_true_talent_of_an_example_company_is_found():
    company = ExampleCompany(seed=7, size="medium")
    staff = company._live(company.export, Ledger(full=False)).staff
    talent = {
        f"R{rep:03d}": output for rep, output, there in zip(staff.rep, staff.output, staff.active, strict=True) if there
    }
    model = PipelineModel().fit(read_history(company.tables()), as_of=company.export)
    year = rep_year(model, model.stays.today - 365)
    rows = np.array([owner in talent and owner in model.roster.owners for owner in year.owners])
    told = standing(
        (year.opened, year.opened_expected), (year.won, year.won_expected), year.unit, uniforms(len(rows)), rows
    )
    true = np.array([talent[owner] for owner, here in zip(year.owners, rows, strict=True) if here])
    adjusted, raw = (stats.spearmanr(of[rows], true).statistic for of in (told.index, year.won))
    assert adjusted > raw + 0.1
    assert adjusted > 0.75


def test_those_not_ranked_take_no_place():
    made, due = np.array([10.0, 90.0, 30.0]), np.full(3, 40.0)
    opened, won, unit = even(made, due)
    told = standing(opened, won, unit, uniforms(3), np.array([True, False, True]))
    assert told.rank.tolist() == [2, 0, 1]
    assert np.isnan(told.p_best[1])


def test_wrong_input_is_told():
    with pytest.raises(InputError, match="must not be negative"):
        territory_levels([-1.0, 2.0], [1.0, 1.0], [0, 0])
    with pytest.raises(InputError, match="lengths differ"):
        standing(([1.0], [1.0, 2.0]), ([1.0], [1.0]), [1.0], uniforms(1), [True])


def test_what_is_expected_of_all_is_what_all_did():
    model = example_fit()
    before = model.stays.today - 365
    year = rep_year(model, before)
    assert year.opened_expected.sum() == pytest.approx(year.opened.sum())
    assert year.won_expected.sum() == pytest.approx(year.won.sum())
    won = model.deals[(model.deals["status"] == "won").to_numpy()]
    lately = won[(won["close_date"] > model.as_of - np.timedelta64(365, "D")).to_numpy()]
    assert round(year.won.sum(), 2) == round(lately["amount"].sum(), 2)
    assert year.wins.sum() == pytest.approx(len(lately))
    assert np.all(year.unit > 0)
