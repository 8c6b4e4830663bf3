"""HubSpot: what the versions of properties tell of the past, and what stays unknown where they are lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_answers import deal_of, read_answers, version
from spmforecast.data import History


def first_deal(history: History, day: str) -> pd.Series:
    return history.as_of(day).opportunities.iloc[0]


REOPENED = deal_of(
    "1",
    {
        "dealstage": [
            version("closedwon", "2024-06-05T10:00:00Z"),
            version("contractsent", "2024-04-02T10:00:00Z"),
            version("closedlost", "2024-03-20T10:00:00Z"),
            version("appointmentscheduled", "2024-01-10T09:00:02.123Z"),
        ],
        "amount": [version("900", "2024-04-02T10:00:00Z"), version("500", 1704877200500)],
        "closedate": [
            version("2024-06-05T10:00:00Z", "2024-06-05T10:00:00.050Z"),
            version("2024-05-31T00:00:00Z", "2024-04-02T10:00:00Z"),
            version("2024-03-20T10:00:00Z", "2024-03-20T10:00:00Z"),
            version("2024-01-31T00:00:00Z", "2024-01-10T09:00:00Z"),
        ],
        "dealname": [version("Deal", "2024-01-10T09:00:00Z")],
    },
    dealstage="closedwon",
    amount="900",
    closedate="2024-06-05T10:00:00Z",
)


@pytest.mark.parametrize(
    ("day", "status", "amount", "close"),
    [
        ("2024-01-31", "open", 500.0, "2024-01-31"),
        ("2024-03-20", "lost", 500.0, "2024-03-20"),
        ("2024-04-30", "open", 900.0, "2024-05-31"),
        ("2024-06-05", "won", 900.0, "2024-06-05"),
    ],
)
def test_a_reopened_deal_stands_as_it_stood(tmp_path: Path, day: str, status: str, amount: float, close: str) -> None:
    deal = first_deal(read_answers(tmp_path, [REOPENED]), day)
    assert (deal["status"], deal["amount"], str(deal["close_date"].date())) == (status, amount, close)


def test_what_is_set_while_a_deal_is_created_is_one_event(tmp_path: Path) -> None:
    history = read_answers(tmp_path, [REOPENED])
    first = history.stage_history.iloc[0]
    assert first["entered_date"] == pd.Timestamp("2024-01-10 09:00:00")
    assert (first["amount"], first["stage"]) == (500.0, "appointmentscheduled")
    counts = history.counts.set_index("table").loc["stage_history"]
    # Ten versions are followed and one is not; the four seconds in which something changed are events.
    assert tuple(counts[["read", "used", "excluded"]]) == (11, 4, 7)
    assert "history of a property that is not followed: dealname" in set(history.exclusions["reason"])


def test_a_past_without_history_is_unknown(tmp_path: Path) -> None:
    past = {"dealstage": [version("closedwon", 1709287200000), version("contractsent", "2024-01-10T09:00:00Z")]}
    deal = deal_of("1", past, dealstage="closedwon", amount="900", closedate="2024-03-01T10:00:00Z")
    history = read_answers(tmp_path, [deal, deal_of("2")])
    before = first_deal(history, "2024-02-01")
    assert (before["status"], before["stage"]) == ("open", "contractsent")
    assert pd.isna(before["amount"])
    assert pd.isna(before["close_date"])
    assert history.stage_history["entered_date"][1] == pd.Timestamp("2024-03-01 10:00:00")
    assert "1 deals have no date of entering the stage in which they stand" in "\n".join(history.warnings)


def test_a_history_without_stages_is_said_to_be_of_no_use(tmp_path: Path) -> None:
    history = read_answers(tmp_path, [deal_of("1", {"amount": [version("500", "2024-01-10T09:00:00Z")]})])
    assert "stage_history" not in history.tables
    assert "deals.json: the history in it tells no stage of any deal and is not used" in history.warnings


def test_a_closed_deal_without_a_close_date_closed_when_it_entered_its_stage(tmp_path: Path) -> None:
    past = {"dealstage": [version("closedlost", "2024-03-01T10:00:00Z"), version("a", "2024-01-10T09:00:00Z")]}
    history = read_answers(tmp_path, [deal_of("1", past, dealstage="closedlost", closedate="")])
    assert history.opportunities["close_date"][0] == pd.Timestamp("2024-03-01 10:00:00")
    assert any("1 closed deals have no close date" in said for said in history.warnings)


_STAMPS = st.sampled_from(["2024-01-10T09:00:00Z", "2024-02-01T08:00:00.5Z", "1709287200000", "never", ""])
_VERSIONS = st.lists(
    st.tuples(st.sampled_from(["a", "closedwon", "", "5", "x"]), _STAMPS).map(lambda one: version(*one)), max_size=3
)
_PAST = st.dictionaries(st.sampled_from(["dealstage", "amount", "closedate", "dealname"]), _VERSIONS, max_size=4)


@settings(max_examples=15)
@given(pasts=st.lists(_PAST, min_size=1, max_size=4), same=st.booleans())
def test_whatever_the_history_holds_every_version_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, pasts: list[dict[str, list[Any]]], same: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    deals = [deal_of("1" if same else str(place), past) for place, past in enumerate(pasts)]
    history = read_answers(folder, deals)
    counts = history.counts.set_index("table")
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    if "stage_history" in counts.index:
        assert counts.loc["stage_history", "read"] == sum(len(found) for past in pasts for found in past.values())
