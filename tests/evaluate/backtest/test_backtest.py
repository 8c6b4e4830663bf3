"""A backtest of a small company: nothing of the future, nothing worked out twice, scores checked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backtests import SETTINGS, UNTIL, Memory, small_backtest, small_history, tables
from spmforecast import scores
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.evaluate.backtest import BacktestSettings, backtest_history
from spmforecast.evaluate.backtest.gather import gather
from spmforecast.evaluate.backtest.judge import COMBINATION, FORECAST, MIX
from spmforecast.evaluate.backtest.origins import origins_of
from spmforecast.evaluate.backtest.stored import from_bytes, to_bytes


def test_origins_stand_at_the_close_of_the_weeks_and_score_closed_periods_only() -> None:
    origins = origins_of(small_history(), SETTINGS, pd.Timestamp("2024-12-30"))
    scored = [origin for origin in origins if origin.scored]
    assert [origin.name for origin in scored] == [
        "2024-04-28-w04", "2024-06-09-w10", "2024-07-28-w04", "2024-09-08-w10",
    ]  # fmt: skip
    assert [target.label for target in scored[0].targets] == ["2024Q2", "2024Q3"]
    assert not origins[0].scored


def test_the_future_changes_nothing_that_was_said_before() -> None:
    last = "2024-09-08"
    poisoned = {name: frame.copy() for name, frame in tables().items()}
    deals = poisoned["opportunities"]
    after = pd.to_datetime(deals["close_date"]).gt(last) & deals["status"].ne("open")
    deals.loc[after, "status"] = np.where(deals.loc[after, "status"] == "won", "lost", "won")
    deals.loc[after, "amount"] = 1e9
    events = poisoned["stage_history"]
    late = pd.to_datetime(events["entered_date"]).gt(f"{last} 23:59:59")
    won = events["status"].isin(["won", "lost"])
    events.loc[late & won, "status"] = np.where(events.loc[late & won, "status"] == "won", "lost", "won")
    events.loc[late & ~won, "amount"] = 7e8
    new = pd.to_datetime(deals["created_date"]).gt(last)
    assert after.sum() > 5
    assert new.sum() > 5
    gone = set(deals.loc[new, "opportunity_id"].sample(frac=0.5, random_state=1))
    poisoned["opportunities"] = deals[~deals["opportunity_id"].isin(gone)]
    poisoned["stage_history"] = events[~events["opportunity_id"].isin(gone)]
    known = read_history(tables())
    origins = [
        origin for origin in origins_of(known, SETTINGS, pd.Timestamp(UNTIL)) if str(origin.as_of.date()) <= last
    ]
    sound = gather(known, origins[-3:], SETTINGS, store=Memory(small_backtest()[1]))
    told = gather(read_history(poisoned, max_rejected_share=1.0), origins[-3:], SETTINGS)
    assert [to_bytes(one) for one in told] == [to_bytes(one) for one in sound]
    assert any(one.scored for one in sound)


def test_what_was_said_comes_back_from_bytes_as_it_was() -> None:
    _, store = small_backtest()
    data = store[max(store)]
    told = from_bytes(data)
    assert told.scored
    assert to_bytes(told) == data
    assert {"p_0", "p_1"} <= set(told.deals.columns)
    with pytest.raises(ValueError, match="not a stored origin"):
        from_bytes(data[: len(data) // 2])


def test_a_second_run_works_nothing_out_and_a_broken_file_is_made_again() -> None:
    first, store = small_backtest()
    again = Memory(store)
    broken = max(again)
    again[broken] = again[broken][:100]
    second = backtest_history(small_history(), SETTINGS, UNTIL, store=again)
    assert again.puts == 1
    assert again == store
    pd.testing.assert_frame_equal(second.summary, first.summary)


def test_other_settings_are_other_origins() -> None:
    _, store = small_backtest()
    origin = origins_of(small_history(), SETTINGS, pd.Timestamp(UNTIL))[:1]
    fresh = Memory()
    gather(small_history(), origin, BacktestSettings(trials=201, least_days=400), store=fresh)
    assert not set(fresh) & set(store)


def test_cells_are_scored_by_the_draws_that_were_stored() -> None:
    result, store = small_backtest()
    told = from_bytes(store[max(store)])
    cells = result.cells[(result.cells["as_of"] == told.as_of) & (result.cells["ahead"] == 0)]
    row = cells[(cells["level"] == "company") & (cells["method"] == FORECAST)]
    deals = small_history().as_of(UNTIL).deals()
    won = deals[(deals["status"] == "won") & deals["close_date"].between("2024-10-01", "2024-12-31")]
    assert row["truth"].item() == pytest.approx(won["amount"].sum())
    assert row["crps"].item() == pytest.approx(float(scores.crps(told.draws[:, 0, 0], won["amount"].sum())))


def test_every_method_is_summed_up_and_levels_add_up() -> None:
    result, _ = small_backtest()
    summary = result.summary[(result.summary["week"] == "all") & (result.summary["ahead"] == 0)]
    company = summary[summary["level"] == "company"].set_index("method")
    assert {FORECAST, MIX, COMBINATION, "stage-weighted", "run rate", "usual rest", "seasonal naive", "ARIMA",
            "exponential smoothing"} <= set(company.index)  # fmt: skip
    assert company.loc[FORECAST, "cells"] == 4
    assert company.loc[FORECAST, "ratio"] == 1.0
    mine = result.cells[result.cells["method"].isin([FORECAST, MIX])]
    for (_, target, _, _), group in mine.groupby(["as_of", "target", "ahead", "method"]):
        means = group.groupby("level")["mean"].sum()
        assert means["region"] == pytest.approx(means["company"], rel=1e-6), target
    assert result.joint["energy"].gt(0).all()


def test_deals_are_judged_and_the_verdict_says_so() -> None:
    result, _ = small_backtest()
    now = result.deal_scores.set_index("ahead").loc[0]
    rows = result.deals[result.deals["ahead"] == 0]
    assert now["deals"] == len(rows) > 10
    assert now["brier"] == pytest.approx(((rows["chance"] - rows["won"]) ** 2).mean())
    assert result.ages.groupby("ahead")["deals"].sum().loc[0] == len(rows)
    assert result.verdict[0].startswith("Company, bookings of the period under way: the mean error (CRPS) is")
    assert any("Only 2 periods could be judged" in said for said in result.verdict)


def test_a_record_that_is_too_short_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="holds no quarter that could be judged"):
        backtest_history(small_history(), BacktestSettings(least_days=4000), UNTIL)
    with pytest.raises(InputError, match="must lie from 0 to 13"):
        BacktestSettings(weeks=(20,))
