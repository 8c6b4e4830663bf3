"""The quality report: a tidy company has no findings; each damage is found by its own rule, with its count."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from damages import CASES, CUT, Tables, found_in, no_events, overdue, spoilt
from spmforecast.data import History
from spmforecast.data.quality import RULES, Finding, QualityRules, quality_report
from spmforecast.data.quality.files import told_in_groups, without_figures
from spmforecast.errors import Problem
from tidy import tidy_history

ELSEWHERE = {
    "unmatched_lookups",
    "left_out_rows",
    "mapped_spellings",
    "no_old_open_deals",
    "outlying_bookings",
    "unknown_words",
}


@pytest.fixture(scope="module")
def tidy() -> History:
    return tidy_history()


def test_a_tidy_company_has_no_findings(tidy: History) -> None:
    assert quality_report(tidy).empty
    assert quality_report(tidy, day=CUT).empty


@pytest.mark.parametrize(
    ("spoil", "rule", "table", "column", "rows"), CASES, ids=[f"{case[0].__name__}-{case[1]}" for case in CASES]
)
def test_each_damage_is_found(
    spoil: Callable[[Tables], None], rule: str, table: str, column: str, rows: int | None
) -> None:
    found = found_in(spoilt(spoil), rule, table, column)
    assert len(found) == 1
    one = found.iloc[0]
    assert one["rows"] == rows if rows is not None else one["rows"] > 0
    assert 0 < one["share"] <= 1
    assert one["effect"].endswith(".")
    assert one["mend"].endswith((".", "?"))


def test_every_rule_has_a_case() -> None:
    assert {case[1] for case in CASES} | ELSEWHERE >= set(RULES)


def test_a_skipped_rule_is_silent_and_a_limit_moves_it() -> None:
    history = spoilt(overdue)
    assert len(found_in(history, "past_close_dates", column="close_date")) == 1
    for rules in (QualityRules(skip=("past_close_dates",)), QualityRules(past_close_days=400)):
        assert found_in(history, "past_close_dates", column="close_date", rules=rules).empty


def test_the_table_is_typed_and_sorted_even_when_empty(tidy: History) -> None:
    names = ["rule", "table", "column", "rows", "share", "examples", "effect", "mend"]
    empty = quality_report(tidy)
    full = quality_report(spoilt(no_events))
    assert list(empty.columns) == list(full.columns) == names
    assert (empty.dtypes == full.dtypes).all()
    levels = [min(rule.level for name, rule in RULES.items() if name == one) for one in full["rule"] if one in RULES]
    assert levels == sorted(levels)


def test_a_finding_keeps_five_examples_at_most() -> None:
    one = Finding("r", "t", "c", 3, 2, tuple("abcdefg"), "It is so.", "Do it.")
    assert one.examples == tuple("abcde")
    assert one.share == 1.0
    assert Finding("r", "t", "c", 3, 0, (), "", "").share == 0.0


def test_like_problems_are_told_together() -> None:
    dated = [
        Problem("opportunities", f"closes before it was created (2024-03-{k:02d})", "Mend.", "o.csv", k, "close_date")
        for k in range(1, 16)
    ]
    fallen = [Problem("splits", "its opportunity was rejected", "", "s.csv", k, "opportunity_id") for k in range(7)]
    told = told_in_groups([*dated, *fallen], 10)
    assert told[:10] == [str(one) for one in dated[:10]]
    assert told[10] == "… and 5 more of opportunities, close_date: closes before it was created"
    maps = [Problem("map", "unknown key", "", "m.yaml", 3, str(k)) for k in range(12)]
    assert told_in_groups(maps, 2) == [str(one) for one in maps]
    assert told[11:] == ["splits, opportunity_id: 7 rows: its opportunity was rejected"]
    assert without_figures("the id stands already in b.csv, line 17") == "the id stands already in an earlier line"
