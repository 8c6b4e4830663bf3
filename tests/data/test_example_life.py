"""The example company is like life: win rates, cycles, amounts, slips and people lie in the bands of real firms."""

from __future__ import annotations

import pandas as pd
import pytest

from companies import EXPORT
from spmforecast.data.example import ExampleCompany


def daily(tables, status):
    deals = tables["opportunities"]
    days = pd.to_datetime(deals.loc[deals["status"] == status, "close_date"])
    span = pd.date_range("2022-07-01", EXPORT)
    return days.value_counts().reindex(span, fill_value=0)


@pytest.mark.parametrize(
    ("segment", "low", "high"), [("SMB", 0.30, 0.40), ("Mid", 0.20, 0.31), ("Enterprise", 0.10, 0.21)]
)
def test_win_rates_by_segment(closed, segment, low, high):
    rate = (closed.loc[closed["segment"] == segment, "status"] == "won").mean()
    assert low < rate < high


@pytest.mark.parametrize(("segment", "low", "high"), [("SMB", 24, 40), ("Mid", 52, 80), ("Enterprise", 100, 165)])
def test_cycles_have_their_medians_and_long_tails(won, segment, low, high):
    days = won.loc[won["segment"] == segment, "days"]
    assert low < days.median() < high
    assert days.quantile(0.95) > 2 * days.median()


def test_larger_deals_win_less(closed):
    wins = closed["status"] == "won"
    assert wins[closed["list_price"] > 100_000].mean() < 0.2 < wins[closed["list_price"] < 100_000].mean()


@pytest.mark.parametrize(("segment", "typical"), [("SMB", 8_000), ("Mid", 30_000), ("Enterprise", 110_000)])
def test_amounts_are_typical_of_their_segment_with_a_heavy_tail(medium, segment, typical):
    deals = medium["opportunities"]
    amounts = deals.loc[deals["segment"] == segment, "amount"]
    assert 0.8 * typical < amounts.median() < 1.25 * typical
    assert amounts.max() > 6 * amounts.median()


def test_the_third_month_brings_almost_half_of_a_quarter(won):
    late = won[won["ended"] >= "2022-07-01"]
    share = late.loc[late["ended"].dt.month % 3 == 0, "amount"].sum() / late["amount"].sum()
    assert 0.40 < share < 0.55


@pytest.mark.parametrize(("status", "low", "high"), [("won", 2.0, 4.5), ("lost", 7.0, 16.0)])
def test_months_end_on_a_heavy_day(medium, status, low, high):
    count = daily(medium, status)
    last = count.index.is_month_end
    ordinary = (count.index.day_of_week < 5) & ~last
    assert low < count[last].mean() / count[ordinary].mean() < high


def test_few_deals_close_on_weekends(medium):
    count = daily(medium, "won")
    assert count[(count.index.day_of_week >= 5) & ~count.index.is_month_end].sum() < 0.06 * count.sum()


def test_expected_closes_slip(medium, won):
    first = medium["stage_history"].drop_duplicates("opportunity_id").set_index("opportunity_id")["close_date"]
    late = won["close_date"].to_numpy() > first.loc[won["opportunity_id"]].to_numpy()
    assert 0.28 < late.mean() < 0.48


def test_a_few_open_deals_are_dead_but_never_closed(medium):
    deals = medium["opportunities"]
    stale = deals.loc[deals["status"] == "open", "close_date"] < "2025-03-31"
    assert 0.01 < stale.mean() < 0.08


def test_deals_skip_stages_and_move_back(medium):
    order = ["Prospecting", "Qualification", "Proposal", "Negotiation"]
    rows = medium["stage_history"]
    rows = rows[rows["status"] == "open"]
    step = rows["stage"].map(order.index).groupby(rows["opportunity_id"]).diff()
    moves = step[step.abs() > 0]
    assert 0.02 < (moves > 1).mean() < 0.12
    assert 0.02 < (moves < 0).mean() < 0.15
    lost_from = (
        medium["stage_history"].groupby("opportunity_id")["stage"].shift()[medium["stage_history"]["status"] == "lost"]
    )
    assert set(lost_from) == set(order)


def test_people_leave_and_are_replaced(medium):
    reps = medium["reps"]
    left = reps["end_date"].notna().sum() / (40 * 3.5)
    assert 0.15 < left < 0.40
    assert 30 <= reps["end_date"].isna().sum() <= 40


def test_deals_of_leavers_are_handed_over_with_a_row_at_the_same_stage(medium):
    rows = medium["stage_history"]
    before = rows.groupby("opportunity_id")[["owner_id", "stage"]].shift()
    handed = before["owner_id"].notna() & (before["owner_id"] != rows["owner_id"])
    assert handed.sum() > 50
    assert (rows.loc[handed, "stage"] == before.loc[handed, "stage"]).all()
    end = medium["reps"].set_index("rep_id")["end_date"]
    assert end.loc[before.loc[handed, "owner_id"]].notna().all()


def test_revenue_is_skewed_and_attainment_spreads(medium):
    deals = medium["opportunities"]
    deals = deals[deals["status"] == "won"]
    by_rep = deals.groupby("owner_id")["amount"].sum().sort_values(ascending=False)
    assert 0.3 < by_rep.iloc[: len(by_rep) // 5].sum() / by_rep.sum() < 0.7
    period = pd.PeriodIndex(deals["close_date"], freq="Q").astype(str)
    booked = deals.groupby([deals["owner_id"], period])["amount"].sum()
    quota = medium["quotas"].set_index(["rep_id", "period"])["quota"]
    attained = booked.reindex(quota.index).fillna(0.0) / quota
    assert 0.2 < (attained >= 1).mean() < 0.55
    assert attained.mean() > attained.median()


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_small_company_has_about_a_thousand_deals(seed):
    tables = ExampleCompany(seed=seed, size="small").tables()
    assert 700 <= len(tables["opportunities"]) <= 1400
    assert tables["reps"]["end_date"].isna().sum() <= 8


def test_medium_company_has_about_ten_thousand_deals(medium):
    assert 8_000 <= len(medium["opportunities"]) <= 12_500
    size = sum(len(table.to_csv(index=False)) for table in medium.values())
    assert size < 15_000_000


@pytest.mark.slow
def test_large_company_has_about_a_hundred_thousand_deals():
    tables = ExampleCompany(seed=7, size="large").tables()
    assert 80_000 <= len(tables["opportunities"]) <= 125_000


def test_tiny_overrides_the_size():
    tables = ExampleCompany(seed=7, size="large", character="tiny").tables()
    assert 200 <= len(tables["opportunities"]) <= 650
    assert tables["reps"]["end_date"].isna().sum() <= 5
