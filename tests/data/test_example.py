from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from spmforecast.data.example import ExampleCompany
from spmforecast.errors import InputError

EXPORT = "2025-06-30"
DATED = {
    "opportunities": "created_date",
    "stage_history": "entered_date",
    "reps": "hire_date",
    "activities": "date",
    "enablement": "completed_date",
    "submissions": "date",
}


@pytest.fixture(scope="module")
def medium():
    return ExampleCompany(seed=7, size="medium").tables()


@pytest.fixture(scope="module")
def small():
    return ExampleCompany(seed=7, size="small").tables()


@pytest.fixture(scope="module")
def closed(medium):
    deals = medium["opportunities"]
    deals = deals[(deals["status"] != "open") & (deals["created_date"] < "2024-07-01")].copy()
    deals["created"], deals["ended"] = pd.to_datetime(deals["created_date"]), pd.to_datetime(deals["close_date"])
    deals["days"] = (deals["ended"] - deals["created"]).dt.days
    return deals


@pytest.fixture(scope="module")
def won(closed):
    return closed[closed["status"] == "won"]


def daily(tables, status):
    deals = tables["opportunities"]
    days = pd.to_datetime(deals.loc[deals["status"] == status, "close_date"])
    span = pd.date_range("2022-07-01", EXPORT)
    return days.value_counts().reindex(span, fill_value=0)


# --- like life: the figures of real firms, in generous bands ---------------------------------------------------------


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


@pytest.mark.slow
def test_characters_differ_in_how_far_their_futures_spread():
    def spread(character):
        company = ExampleCompany(seed=3, size="medium", character=character)
        total = company.futures("2023-12-31", "2024-12-31", n=60, seed=1).groupby("future")["amount"].sum()
        return total.std() / total.mean()

    calm, ordinary, stormy = (spread(character) for character in ("calm", "ordinary", "stormy"))
    assert calm < ordinary < stormy


# --- the tables are whole and honest ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", sorted(DATED))
def test_nothing_is_dated_after_the_export(medium, table):
    assert len(medium[table]) > 0
    assert medium[table][DATED[table]].max() <= EXPORT
    assert table == "reps" or medium[table][DATED[table]].min() >= "2022-01-01"  # founders were hired before


def test_what_is_over_ended_by_the_export(medium):
    assert medium["reps"]["end_date"].dropna().max() <= EXPORT
    deals = medium["opportunities"]
    assert deals.loc[deals["status"] != "open", "close_date"].max() <= EXPORT


def test_ids_are_unique_and_references_hold(medium):
    for table, key in [
        ("opportunities", "opportunity_id"),
        ("reps", "rep_id"),
        ("territories", "territory_id"),
        ("accounts", "account_id"),
        ("activities", "activity_id"),
    ]:
        assert medium[table][key].is_unique
    deals, reps, leaves = medium["opportunities"], set(medium["reps"]["rep_id"]), set(medium["reps"]["territory_id"])
    assert set(deals["owner_id"]) <= reps
    assert set(medium["stage_history"]["owner_id"]) <= reps
    assert set(medium["accounts"]["owner_id"]) <= reps
    assert set(deals["account_id"]) <= set(medium["accounts"]["account_id"])
    assert set(medium["stage_history"]["opportunity_id"]) == set(deals["opportunity_id"])
    assert leaves.isdisjoint(medium["territories"]["parent_id"].dropna())
    account = deals[["account_id", "territory_id"]].merge(medium["accounts"], on="account_id", suffixes=("", "_home"))
    assert (account["territory_id"] == account["territory_id_home"]).all()


def test_region_of_a_deal_is_the_parent_of_its_territory(medium):
    parent = medium["territories"].set_index("territory_id")["parent_id"]
    deals = medium["opportunities"]
    assert (parent.loc[deals["territory_id"]].to_numpy() == deals["region"].to_numpy()).all()


def test_stage_history_begins_at_creation_and_ends_as_the_deal_stands(medium):
    rows, deals = medium["stage_history"], medium["opportunities"].set_index("opportunity_id")
    first = rows.drop_duplicates("opportunity_id").set_index("opportunity_id").loc[deals.index]
    last = rows.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id").loc[deals.index]
    assert (first["entered_date"] == deals["created_date"]).all()
    assert (first["status"] == "open").all()
    for column in ("stage", "status", "amount", "close_date", "owner_id", "forecast_category"):
        assert (last[column] == deals[column]).all(), column
    over = deals["status"] != "open"
    assert (last.loc[over, "entered_date"] == deals.loc[over, "close_date"]).all()
    assert (rows.groupby("opportunity_id")["status"].agg(lambda s: (s != "open").sum()) == over.astype(int)).all()
    days = pd.to_datetime(rows["entered_date"]).groupby(rows["opportunity_id"])
    assert (days.diff().dropna() >= pd.Timedelta(0)).all()


def test_amount_won_is_the_price_less_the_discount(won):
    np.testing.assert_allclose(won["amount"], won["list_price"] * (1 - won["discount"]), atol=0.006)
    assert won["discount"].between(0, 0.4).all()


def test_expansions_follow_an_earlier_win(medium):
    deals = medium["opportunities"]
    first = deals[deals["status"] == "won"].groupby("account_id")["close_date"].min()
    grown = deals[deals["type"] == "expansion"]
    assert 0.02 < len(grown) / len(deals) < 0.4
    assert (first.loc[grown["account_id"]].to_numpy() < grown["created_date"].to_numpy()).all()


def test_plan_and_quotas_cover_their_periods(medium):
    plan, quotas = medium["plan"], medium["quotas"]
    assert list(plan["period"]) == [f"{year}Q{quarter}" for year in range(2023, 2027) for quarter in range(1, 5)]
    assert (plan["target"] > 0).all()
    assert set(quotas["period"]) == {period for period in plan["period"] if period <= "2025Q2"}
    total = quotas.groupby("period")["quota"].sum()
    cushion = total / plan.set_index("period")["target"].loc[total.index]
    assert cushion.between(1.10, 1.20).all()


def test_the_plan_of_the_default_company_is_neither_certain_nor_hopeless(medium):
    total = ExampleCompany().futures(EXPORT, "2026-06-30", n=100).groupby("future")["amount"].sum()
    plan = medium["plan"].set_index("period")["target"]
    assert 0.3 < (total >= plan.loc["2025Q3":"2026Q2"].sum()).mean() < 0.7


def test_an_earlier_export_of_the_same_company_saw_the_same_past(small):
    earlier = ExampleCompany(seed=7, size="small", export="2024-09-30").tables()
    known = small["stage_history"][small["stage_history"]["entered_date"] <= "2024-09-30"].reset_index(drop=True)
    pd.testing.assert_frame_equal(earlier["stage_history"], known)


@pytest.mark.parametrize("export", ["2022-01-02", "2022-02-15", "2023-05-17"])
def test_a_young_company_promises_nothing_it_cannot_know(export):
    tables = ExampleCompany(size="small", export=export).tables()
    assert (tables["plan"]["target"] > 0).all()
    assert tables["stage_history"]["opportunity_id"].nunique() == len(tables["opportunities"])
    assert (tables["activities"]["date"] <= export).all()


def test_small_and_medium_companies_have_every_table(small, medium):
    assert list(small) == list(medium)
    assert all(len(table) for table in small.values())


# --- the same seed, the same company ---------------------------------------------------------------------------------


def digest(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_files_are_the_same_bytes_for_a_seed_and_others_for_another(tmp_path):
    for name, seed in [("a", 4), ("b", 4), ("c", 5)]:
        ExampleCompany(seed=seed, size="small").write(tmp_path / name)
    same, again, other = (digest(tmp_path / name) for name in "abc")
    assert same == again
    assert same["opportunities.csv"] != other["opportunities.csv"]
    assert b"\r" not in (tmp_path / "a" / "opportunities.csv").read_bytes()


def test_files_hold_the_tables(tmp_path, small):
    ExampleCompany(seed=7, size="small").write(tmp_path)
    read = pd.read_csv(tmp_path / "opportunities.csv")
    np.testing.assert_array_equal(read["amount"], small["opportunities"]["amount"])
    assert list(read.columns) == list(small["opportunities"].columns)


# --- the true future -------------------------------------------------------------------------------------------------


def test_actuals_equal_the_records(medium):
    booked = ExampleCompany(seed=7).actuals("2024-06-30", EXPORT)
    deals = medium["opportunities"]
    deals = deals[(deals["status"] == "won") & (deals["close_date"] > "2024-06-30")]
    assert booked["deals"].sum() == len(deals)
    by_owner = deals.groupby("owner_id")["amount"].sum()
    pd.testing.assert_series_equal(booked.groupby("owner_id")["amount"].sum(), by_owner, check_exact=False, rtol=1e-12)
    by_leaf = deals.groupby(["territory_id", "region", "segment"])["amount"].sum()
    told = booked.groupby(["territory_id", "region", "segment"])["amount"].sum()
    pd.testing.assert_series_equal(told, by_leaf, check_exact=False, rtol=1e-12)


def test_futures_are_the_same_for_a_seed_and_others_for_another():
    company = ExampleCompany(seed=2, size="small")
    one, again = (company.futures("2024-12-31", "2025-03-31", n=5, seed=3) for _ in range(2))
    other = company.futures("2024-12-31", "2025-03-31", n=5, seed=4)
    pd.testing.assert_frame_equal(one, again)
    assert one["amount"].sum() != other["amount"].sum()
    assert set(one["future"]) <= set(range(5))
    assert list(one.columns) == [
        "future", "owner_id", "territory_id", "region", "segment", "period_month", "amount", "deals"
    ]  # fmt: skip


def test_futures_stay_within_their_span():
    futures = ExampleCompany(seed=2, size="small").futures("2024-12-31", "2025-06-30", n=10)
    assert set(futures["period_month"]) == {f"2025-{month:02d}" for month in range(1, 7)}


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_futures_centre_near_what_came(seed):
    company = ExampleCompany(seed=seed, size="medium")
    mean = company.futures("2023-12-31", "2024-12-31", n=40)["amount"].sum() / 40
    actual = company.actuals("2023-12-31", "2024-12-31")["amount"].sum()
    assert 0.6 < actual / mean < 1.6


@pytest.mark.slow
def test_what_came_is_one_of_the_futures():
    """The realised path and the forks obey one law: ranks of what came are spread out, not at the ends."""
    ranks = []
    for seed in range(12):
        company = ExampleCompany(seed=seed, size="small")
        total = company.futures("2024-03-31", "2024-09-30", n=50).groupby("future")["amount"].sum()
        ranks.append((total < company.actuals("2024-03-31", "2024-09-30")["amount"].sum()).mean())
    assert 0.25 < np.mean(ranks) < 0.75
    assert np.mean([0.0 < rank < 1.0 for rank in ranks]) > 0.7


def test_the_realised_path_goes_on_after_the_export(small):
    company = ExampleCompany(seed=7, size="small")
    later = company.actuals("2025-06-30", "2025-09-30")
    assert set(later["period_month"]) <= {"2025-07", "2025-08", "2025-09"}
    assert later["deals"].sum() > 0
    known = small["opportunities"]
    known = known[(known["status"] == "won") & (known["close_date"] > "2025-03-31")]
    both = company.actuals("2025-03-31", "2025-09-30")
    assert both["deals"].sum() == len(known) + later["deals"].sum()


# --- wrong questions -------------------------------------------------------------------------------------------------


def test_wrong_parameters_are_named_all_at_once():
    with pytest.raises(InputError, match="no such size") as caught:
        ExampleCompany(seed=-1, size="huge", character="wild")
    assert [problem.column for problem in caught.value.problems] == ["seed", "size", "character"]


def test_the_export_must_come_after_the_start():
    with pytest.raises(InputError, match="after the start"):
        ExampleCompany(export="2021-12-31")


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="not a date"):
        ExampleCompany(export="2025-13-01")


@pytest.mark.parametrize(
    ("as_of", "until", "told"),
    [("2021-06-30", "2025-06-30", "before the company's start"), ("2025-06-30", "2025-06-30", "after as_of")],
)
def test_spans_must_be_in_order(as_of, until, told):
    company = ExampleCompany(size="small")
    with pytest.raises(InputError, match=told):
        company.futures(as_of, until, n=1)
    with pytest.raises(InputError, match=told):
        company.actuals(as_of, until)


def test_futures_need_a_number_and_a_seed():
    with pytest.raises(InputError, match="at least one future") as caught:
        ExampleCompany(size="small").futures("2024-06-30", "2024-09-30", n=0, seed=-1)
    assert [problem.column for problem in caught.value.problems] == ["n", "seed"]
