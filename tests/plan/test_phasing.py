"""Phasing over periods, and quotas pro-rated by calendar day: every sum exact."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.plan.phasing import learn_season, phase, round_shares, season_shares
from spmforecast.plan.proration import active_share, move_accounts, prorate
from spmforecast.plan.ramp import table_ramp

QUARTER = FiscalCalendar().period("2025Q3")  # 1 July to 30 September: 92 days

SHARES = st.lists(st.floats(0, 10), min_size=1, max_size=12).filter(lambda values: sum(values) > 0)


@given(SHARES, st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_rounded_shares_sum_to_one(shares, digits):
    got = round_shares(shares, digits)
    assert sum(got) == 1
    np.testing.assert_allclose([float(x) for x in got], np.array(shares) / sum(shares), atol=10.0**-digits)


@given(st.decimals(0, 10**8, places=2), SHARES, st.sampled_from([0.01, 1, 500, 1000]))
@settings(max_examples=60, deadline=None)
def test_phases_sum_to_the_amount(amount, shares, step):
    got = phase(amount, shares, step)
    assert sum(got) == amount
    off = [one for one in got if one % Decimal(str(step))]
    assert len(off) <= 1


def test_season_is_the_mean_of_yearly_shares_or_a_ratio_of_sums():
    history = [[10, 20, 30, 40], [100, 100, 100, 100]]
    np.testing.assert_allclose(season_shares(history), [0.175, 0.225, 0.275, 0.325])
    np.testing.assert_allclose(season_shares(history, pooled=True), [0.22, 0.24, 0.26, 0.28])


def test_season_is_learnt_from_whole_fiscal_years_alone():
    days = pd.date_range("2022-02-01", "2025-06-30", freq="D")
    amount = np.where(days.month.isin([11, 12, 1]), 3.0, 1.0)  # the last quarter of a year that begins in February
    got = learn_season(days, amount, FiscalCalendar(2))
    size = np.array([89.3, 92, 92, 3 * 92])
    np.testing.assert_allclose(got, size / size.sum(), atol=0.002)
    assert len(learn_season(days, amount, FiscalCalendar(2), "month")) == 12
    with pytest.raises(InputError, match="no fiscal year is whole"):
        learn_season(days[:200], amount[:200], FiscalCalendar(2))


@pytest.mark.parametrize("history", [[], [[1, -1]], [[0, 0]], [[1, float("nan")]]])
def test_wrong_histories_are_refused(history):
    with pytest.raises(InputError, match="each year needs amounts of at least 0"):
        season_shares(history)


def test_wrong_shares_are_refused():
    with pytest.raises(InputError, match="shares must be at least 0 and not all 0"):
        phase(100, [0, 0])


def test_days_count_by_calendar():
    assert active_share(QUARTER) == 1.0
    assert active_share(QUARTER, hired="2025-08-01") == pytest.approx(61 / 92)
    assert active_share(QUARTER, left="2025-07-31") == pytest.approx(31 / 92)
    assert active_share(QUARTER, hired="2025-08-01", left="2025-08-10") == pytest.approx(10 / 92)
    assert active_share(QUARTER, away=[("2025-06-01", "2025-07-10"), ("2025-09-30", "2025-12-31")]) == pytest.approx(
        81 / 92
    )
    assert active_share(QUARTER, hired="2025-10-01") == 0.0


def test_ramp_weighs_the_days():
    ramp = table_ramp([0.0, 0.5, 1.0])
    # Days 31 to 60 of tenure are the second month: 30.4375 to 60.875.
    assert active_share(QUARTER, hired="2025-07-01", ramp=ramp) == pytest.approx((0.5 * 30 + 31) / 92)
    assert active_share(QUARTER, hired="2024-01-01", ramp=ramp) == 1.0


def test_prorated_quotas_are_cents_half_up():
    assert prorate(100_000, active_share(QUARTER, hired="2025-08-01")) == Decimal("66304.35")
    assert prorate(Decimal("0.01"), 0.5) == Decimal("0.01")


def test_quota_follows_accounts_for_the_days_that_are_left():
    moves = pd.DataFrame(
        [("A1", "Ann", "Bob", "2025-08-16", 46_000.0), ("A2", "Bob", "Cleo", "2025-07-01", 10_000.0)],
        columns=["account_id", "from", "to", "date", "quota"],
    )
    after, lines = move_accounts({"Ann": 100_000, "Bob": 50_000, "Cleo": 0}, moves, QUARTER)
    assert after == {"Ann": Decimal("77000.00"), "Bob": Decimal("63000.00"), "Cleo": Decimal("10000.00")}
    assert sum(after.values()) == 150_000
    assert lines.set_index("account_id")["share"].to_dict() == {"A2": 1.0, "A1": 0.5}
    assert lines.set_index("account_id")["moved"].to_dict() == {"A2": 10_000.0, "A1": 23_000.0}


def test_moves_that_cannot_be_are_named():
    moves = pd.DataFrame(
        [("A1", "Ann", "Zoe", "2025-08-16", 1.0), ("A2", "Ann", "Bob", "2025-07-01", 500.0)],
        columns=["account_id", "from", "to", "date", "quota"],
    )
    with pytest.raises(InputError, match=r"the account carries more than the 100.00 that Ann has left") as caught:
        move_accounts({"Ann": 100, "Bob": 0}, moves, QUARTER)
    assert [problem.value for problem in caught.value.problems] == ["A2", "Zoe"]
