"""How the page writes amounts, numbers and the last day of a fiscal period."""

from __future__ import annotations

from datetime import date

import pytest

from spmforecast.report.periods import last_day
from spmforecast.report.wording import Scale, amount, between, percent, significant


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("2025", 1, date(2025, 12, 31)),
        ("2025Q1", 1, date(2025, 3, 31)),
        ("2026", 2, date(2026, 1, 31)),
        ("2026Q1", 2, date(2025, 4, 30)),
        ("2025-02", 7, date(2025, 2, 28)),
        ("soon", 1, None),
    ],
)
def test_last_day_of_a_fiscal_period(label: str, start: int, end: date | None) -> None:
    assert last_day(label, start) == end


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4_312_458, "4.31 M EUR"),
        (999_950, "1.00 M EUR"),
        (431_200, "431 k EUR"),
        (1_234, "1,234 EUR"),
        (-123_456, "−123 k EUR"),
        (-0.0, "0 EUR"),
        (2.5e9, "2.50 bn EUR"),
        (float("nan"), "–"),
    ],
)
def test_amounts_are_written_in_sensible_units(value: float, text: str) -> None:
    assert amount(value, "EUR").replace("\u00a0", " ") == text


def test_numbers_are_written_without_exponent_or_nan() -> None:
    assert between(3.9e6, 4.84e6, "EUR") == "between 3.90 and 4.84\u00a0M\u00a0EUR"
    assert between(9e6, 1.35e7) == "between 9.0 and 13.5\u00a0M"
    assert [significant(value) for value in (0.01234, 12.345, 12345.6, float("inf"))] == [
        "0.0123",
        "12.3",
        "12,346",
        "–",
    ]
    assert [percent(value) for value in (0.001, 0.614, 0.999, float("nan"))] == [
        "<1\u00a0%",
        "61\u00a0%",
        ">99\u00a0%",
        "–",
    ]
    scale = Scale.fitting([4.3e6, float("nan")], "EUR")
    assert (scale.text(4_312_458.2), scale.text(-1.0), scale.caption) == ("4,312.5", "0.0", "amounts in thousand EUR")
