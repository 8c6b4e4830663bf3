"""Quotas that change hands and gaps that are spread: by calendar day, and to the cent."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.plan import AnnualPlan
from spmforecast.plan.ramp import table_ramp
from spmforecast.scenario.keys import ReliefKeys
from spmforecast.scenario.update.gap import gaps, spread_gap
from spmforecast.scenario.update.seats import Seat, carried_quotas, relieved

CALENDAR = FiscalCalendar()
Q3 = CALENDAR.period("2025Q3")  # 92 days
QUOTAS = {"R1": Decimal(9200), "R2": Decimal(4600), "R3": Decimal(1000)}


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def test_a_leaver_keeps_the_days_served_and_the_seat_the_rest() -> None:
    seats = {"R1": Seat("R1", "N", left=day("2025-07-10")), "R2": Seat("R2", "N"), "R3": Seat("R3", "S")}
    got, reasons = carried_quotas(QUOTAS, seats, Q3)
    assert got == {"R1": Decimal(1000), "R2": Decimal(4600), "R3": Decimal(1000), TO_BE_HIRED: Decimal(8200)}
    assert reasons["R1"] == "left on 2025-07-10"


def test_who_left_before_the_period_has_none_of_it() -> None:
    got, _ = carried_quotas(QUOTAS, {"R1": Seat("R1", "N", left=day("2025-05-31"))}, Q3)
    assert got == {"R2": Decimal(4600), "R3": Decimal(1000), TO_BE_HIRED: Decimal(9200)}


def test_a_newcomer_of_the_territory_takes_over_by_days_of_service() -> None:
    seats = {"R1": Seat("R1", "N", left=day("2025-06-30")), "R9": Seat("R9", "N", day("2025-08-16"))}
    got, reasons = carried_quotas(QUOTAS, seats, Q3)
    assert got["R9"] == Decimal(4600)  # 46 of 92 days
    assert got[TO_BE_HIRED] == Decimal(4600)
    assert "takes over" in reasons["R9"]
    elsewhere = {**seats, "R9": Seat("R9", "S", day("2025-08-16"))}
    assert "R9" not in carried_quotas(QUOTAS, elsewhere, Q3)[0]


def test_a_ramp_lowers_what_a_newcomer_takes_over() -> None:
    seats = {"R1": Seat("R1", "N", left=day("2025-06-30")), "R9": Seat("R9", "N", day("2025-07-01"))}
    got, _ = carried_quotas(QUOTAS, seats, Q3, table_ramp([0.5] * 13))
    assert got["R9"] == Decimal(4600)


@given(
    st.lists(st.integers(0, 10**8), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from("NSW"), st.integers(-40, 120)), min_size=6, max_size=6),
    st.lists(st.tuples(st.sampled_from("NSW"), st.integers(-40, 91)), max_size=3),
)
@settings(max_examples=60)
def test_sums_stay_whoever_comes_and_goes(cents, leavers, newcomers) -> None:
    quotas = {f"R{k}": Decimal(amount) / 100 for k, amount in enumerate(cents)}
    seats = {
        f"R{k}": Seat(f"R{k}", place, left=Q3.start + pd.Timedelta(days=after) if after < 92 else None)
        for k, (place, after) in enumerate(leavers)
    }
    seats |= {f"X{k}": Seat(f"X{k}", place, Q3.start + pd.Timedelta(days=n)) for k, (place, n) in enumerate(newcomers)}
    seats = {rep: seat for rep, seat in seats.items() if rep in quotas or rep.startswith("X")}
    got, reasons = carried_quotas(quotas, seats, Q3)
    assert sum(got.values()) == sum(quotas.values())
    assert all(amount >= 0 for amount in got.values())
    lower, free = relieved(got, (ReliefKeys(rep_id="R0", share=0.3, reason="ill"),), reasons)
    assert sum(lower.values()) + free == sum(quotas.values())


PLAN = {"2025Q1": 100, "2025Q2": 200, "2025Q3": 300, "2025Q4": 400}


def test_the_gap_is_plan_less_bookings_of_what_is_closed() -> None:
    booked = {"2025Q1": Decimal(90), "2025Q2": Decimal("230.50")}
    plan = AnnualPlan.from_mapping(PLAN)
    left = ["2025Q3", "2025Q4", "2026Q1"]
    assert gaps(plan, CALENDAR, booked, left) == {"2025": Decimal("-20.50"), "2026": Decimal(0)}


def test_the_target_of_a_year_stands_in_for_closed_periods_without_one() -> None:
    plan = AnnualPlan.from_mapping({"2025": 1000, "2025Q3": 300, "2025Q4": 400})
    booked = {"2025Q1": Decimal(90), "2025Q2": Decimal(150)}
    assert gaps(plan, CALENDAR, booked, ["2025Q3", "2025Q4"]) == {"2025": Decimal(60)}
    # A period left that the forecast does not reach may hold part of the rest, so that nothing is known to be short.
    assert gaps(plan, CALENDAR, booked, ["2025Q3"]) == {"2025": Decimal(0)}


@given(st.integers(-(10**7), 10**7), st.lists(st.integers(0, 10**7), min_size=2, max_size=2))
@settings(max_examples=60)
def test_a_gap_is_spread_to_the_cent(gap, left) -> None:
    quotas = dict(zip(("2025Q3", "2025Q4"), (Decimal(amount) / 100 for amount in left), strict=True))
    got = spread_gap({"2025": Decimal(gap) / 100}, CALENDAR, quotas)
    assert sum(got.values()) == Decimal(gap) / 100
    whole = sum(quotas.values())
    if whole:
        for label, part in got.items():
            assert part == pytest.approx(Decimal(gap) / 100 * quotas[label] / whole, abs=Decimal("0.01"))
