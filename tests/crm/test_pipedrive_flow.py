"""Pipedrive: what the flow of changes tells of the past, and what stays unknown where it is lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipedrive_answers import change, deal_of, read_answers
from spmforecast.data import read_history
from spmforecast.errors import InputError

REOPENED = [
    change(1, "2024-06-05 10:00:00", "status", "open", "won"),
    change(1, "2024-06-05 10:00:00", "won_time", None, "2024-06-05 10:00:00"),
    change(1, "2024-05-02 10:00:00", "expected_close_date", "2024-03-31", "2024-06-30"),
    change(1, "2024-05-02 10:00:00", "user_id", "8", "7"),
    change(1, "2024-05-02 10:00:00", "status", "lost", "open"),
    change(1, "2024-04-20 10:00:00", "value", "100", "900"),
    change(1, "2024-03-20 10:00:00", "status", "open", "lost"),
    change(1, "2024-02-01 10:00:00", "stage_id", "1", "2"),
    {"object": "activity", "timestamp": "2024-02-01 10:00:00", "data": {"id": 5, "deal_id": 1}},
]
WON = deal_of(1, status="won", won_time="2024-06-05 10:00:00", value=900, stage_id=2, expected_close_date="2024-06-30")


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2024-01-31", ("open", "Talk", 100.0, "2024-03-31", "8")),
        ("2024-04-10", ("lost", "Offer", 100.0, "2024-03-20", "8")),
        ("2024-04-30", ("lost", "Offer", 900.0, "2024-03-20", "8")),
        ("2024-05-31", ("open", "Offer", 900.0, "2024-06-30", "7")),
        ("2024-06-05", ("won", "Offer", 900.0, "2024-06-05", "7")),
    ],
)
def test_a_reopened_deal_stands_as_it_stood(tmp_path: Path, day: str, told: tuple[object, ...]) -> None:
    deal = read_answers(tmp_path, [WON], REOPENED).as_of(day).opportunities.iloc[0]
    close = str(deal["close_date"].date())
    assert (deal["status"], deal["stage"], deal["amount"], close, deal["owner_id"]) == told


def test_the_accounts_of_a_flow_say_what_is_not_followed(tmp_path: Path) -> None:
    history = read_answers(tmp_path, [WON], [*REOPENED, change(9, "2024-02-01 10:00:00", "status", "open", "won")])
    counts = history.counts.set_index(["table", "file"]).loc[("stage_history", "flow.json")]
    assert tuple(counts[["read", "used", "rejected", "excluded"]]) == (10, 5, 0, 5)
    assert dict(zip(history.exclusions["reason"], history.exclusions["rows"], strict=True)) == {
        "part of the flow that is no change of the deal: activity": 1,
        "change of a field that is not followed: won_time": 1,
        "its deal is not in the export": 1,
        "told together with another change of the same instant": 2,
    }


@pytest.mark.parametrize(
    "saved",
    [
        {"flow": {"1": REOPENED}},
        {"flow_1": REOPENED},
        {"changelog": {"1": [{**item["data"], "time": item["timestamp"]} for item in REOPENED[:-1]]}},
    ],
    ids=["by id", "a file a deal", "change log"],
)
def test_the_deal_of_an_item_may_be_told_by_where_it_stands(tmp_path: Path, saved: dict[str, Any]) -> None:
    for items in saved.values():
        for item in items["1"] if isinstance(items, dict) else items:
            item.get("data", item).pop("item_id", None)
    history = read_answers(tmp_path, [WON], **saved)
    assert history.as_of("2024-05-31").opportunities["amount"].tolist() == [900.0]
    assert history.stage_history["status"].tolist()[-2:] == ["won", "open"]


def test_without_a_flow_only_the_last_change_of_stage_and_the_end_are_known(tmp_path: Path) -> None:
    deals = [
        deal_of(1, stage_id=2, stage_change_time="2024-02-01 10:00:00", status="won", won_time="2024-03-01 10:00:00"),
        deal_of(2),
    ]
    history = read_answers(tmp_path, deals)
    events = history.stage_history
    told = events[["opportunity_id", "stage", "status"]].to_numpy().tolist()
    assert told == [["1", "Offer", "open"], ["1", "Offer", "won"], ["2", "Talk", "open"]]
    assert events["entered_date"].dt.month.tolist() == [2, 3, 1]
    assert events["amount"].isna().all()
    assert pd.isna(history.as_of("2024-01-31").opportunities["stage"][0])
    assert any("of 2 deals without a flow only the last change" in said for said in history.warnings)


def test_current_values_are_past_ones_only_where_the_flow_follows_them(tmp_path: Path) -> None:
    flow = [
        change(1, "2024-02-01 10:00:00", "stage_id", "1", "2"),
        change(1, "2024-02-03 10:00:00", "value", "5", "100"),
    ]
    history = read_answers(tmp_path, [deal_of(1, stage_id=2), deal_of(2)], flow)
    untouched = history.stage_history.set_index("opportunity_id").loc["2"]
    # Nobody's owner or close date was ever changed in this flow, so it may not have been asked for these.
    assert (untouched["stage"], untouched["amount"]) == ("Talk", 100.0)
    assert pd.isna(untouched["owner_id"])
    # A closed deal that the flow does not know shows that it is not whole.
    partial = read_answers(
        tmp_path, [deal_of(1, stage_id=2), deal_of(2), deal_of(3, status="lost", lost_time="2024-03-01 09:00:00")], flow
    )
    assert partial.stage_history.set_index("opportunity_id").loc["2", "amount"] != 100.0


def test_damaged_dumps_are_told_with_their_line(tmp_path: Path) -> None:
    read_answers(tmp_path, [deal_of(1)], REOPENED)
    text = (tmp_path / "flow.json").read_text()
    (tmp_path / "flow.json").write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match=r"flow.json, line \d+: not JSON"):
        read_history(tmp_path, crm="pipedrive")
    with pytest.raises(InputError, match="none of these files is there"):
        read_history(tmp_path / "..", crm="pipedrive")


_STAMPS = st.sampled_from(
    ["2024-01-10 09:00:00", "2024-01-10 09:00:30", "2024-02-01 10:00:00", "2024-03-01", "never", ""]
)
_WORDS = st.sampled_from([None, "1", "2", "open", "won", "lost", "5.5"])
_ITEMS = st.builds(
    change,
    st.integers(1, 4),
    _STAMPS,
    st.sampled_from(["stage_id", "status", "value", "user_id", "title"]),
    _WORDS,
    _WORDS,
)


@settings(max_examples=15)
@given(items=st.lists(_ITEMS, min_size=1, max_size=8), status=st.sampled_from(["open", "won"]))
def test_whatever_the_flow_holds_every_item_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, items: list[Any], status: str
) -> None:
    won = "2024-03-01 09:00:00" if status == "won" else None
    history = read_answers(tmp_path_factory.mktemp("any"), [deal_of(1, status=status, won_time=won), deal_of(2)], items)
    counts = history.counts
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert counts.set_index("file").loc["flow.json", "read"] == len(items)
