"""Pipedrive: the example company exported and read back, and what its exports are like in other ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import export_pipedrive as pipedrive
from spmforecast.data import CrmOptions, ExampleCompany, History, read_history
from spmforecast.errors import InputError

NOT_TOLD: Mapping[str, set[str]] = {
    "opportunities": {"forecast_category"},
    "stage_history": {"forecast_category"},
    "reps": {"territory_id", "manager_id", "role", "hire_date", "end_date", "effective_from", "latitude", "longitude"},
    "accounts": set(),
    "activities": set(),
}
"""Columns that Pipedrive has no field for; enablement, submissions and splits have no counterpart at all.

Winning and losing are no stages in Pipedrive: a closed deal stays in its last one.
"""

CLOSED = ("won", "lost")


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return ExampleCompany(seed=3, size="small").tables()


def _as_lived(company: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Let closed deals stand in the last stage that they passed, as Pipedrive has them."""
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    events["stage"] = pipedrive.lived(events)["stage"]
    deals["stage"] = deals["opportunity_id"].map(
        events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["stage"]
    )
    return {**company, "stage_history": events, "opportunities": deals}


@pytest.fixture(scope="module")
def canonical(company: dict[str, pd.DataFrame]) -> History:
    return read_history(_as_lived(company))


@pytest.fixture(scope="module")
def read_back(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("pipedrive")
    pipedrive.export_api(company, folder)
    return read_history(folder, crm="pipedrive", max_rejected_share=0.0)


def _by_day(frame: pd.DataFrame, like: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Take the columns that both must tell, stamps as days: Pipedrive keeps times, the example days."""
    out = frame[[name for name in like.columns if name not in lost]].reset_index(drop=True)
    dates = [name for name in out if pd.api.types.is_datetime64_any_dtype(out[name].dtype)]
    return out.assign(**{name: out[name].dt.normalize() for name in dates})


@pytest.mark.parametrize("table", NOT_TOLD)
def test_the_example_company_comes_back(read_back: History, canonical: History, table: str) -> None:
    want, got = canonical.table(table), read_back.table(table)
    if table == "stage_history":
        # Creations stand behind the log; within a deal the order is that of time.
        order = pd.Categorical(got["opportunity_id"], categories=want["opportunity_id"].unique())
        got = got.assign(order=order.codes).sort_values(["order", "entered_date"], kind="stable")
    lost = NOT_TOLD[table]
    pd.testing.assert_frame_equal(_by_day(got, want, lost), _by_day(want, want, lost), check_like=True)


def test_canonical_tables_beside_the_export_are_read_too(read_back: History, canonical: History) -> None:
    for name in ("plan", "quotas", "territories"):
        pd.testing.assert_frame_equal(read_back.table(name), canonical.table(name))


def test_every_change_is_accounted_for(read_back: History, company: dict[str, pd.DataFrame]) -> None:
    lived = pipedrive.lived(company["stage_history"]).groupby("opportunity_id", sort=False)
    changes = sum(len(pipedrive.flow_of(rows.to_dict("records"))) for _, rows in lived)
    counts = read_back.counts.set_index(["table", "file"])
    log = counts.loc[("stage_history", "flow.json")]
    assert log["read"] == changes == log["used"] + log["rejected"] + log["excluded"]
    opening = counts.loc[("stage_history", "deals.json")]
    assert opening["read"] == opening["used"] == len(read_back.opportunities)


@pytest.mark.parametrize("flow", ["lines", "files"])
def test_however_the_flow_is_saved_it_tells_the_same(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, flow: str
) -> None:
    pipedrive.export_api(company, tmp_path, flow)
    history = read_history(tmp_path, crm="pipedrive", max_rejected_share=0.0)
    pd.testing.assert_frame_equal(history.stage_history, read_back.stage_history)


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17", "2025-03-31"])
def test_the_past_is_as_the_canonical_tables_tell_it(read_back: History, canonical: History, day: str) -> None:
    got, want = (history.as_of(day).opportunities for history in (read_back, canonical))
    lost = NOT_TOLD["opportunities"]
    pd.testing.assert_frame_equal(_by_day(got, want, lost), _by_day(want, want, lost))


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17"])
def test_nothing_dated_later_reaches_the_view(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, day: str
) -> None:
    rng = np.random.default_rng(5)
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    later = events["entered_date"] > day
    events["amount"] = events["amount"].mask(later, rng.lognormal(9, 3, len(events)).round(2))
    events["owner_id"] = events["owner_id"].mask(later, "nobody")
    open_later = later & (events["status"] == "open")
    events["stage"] = events["stage"].mask(open_later, pd.Series(rng.choice(list(pipedrive.STAGES), len(events))))
    events["close_date"] = events["close_date"].mask(open_later, "2031-01-01")
    last = events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    moved = deals["opportunity_id"].isin(events["opportunity_id"][later])
    for name in ("amount", "owner_id", "close_date"):
        deals[name] = deals[name].mask(moved, deals["opportunity_id"].map(last[name]))
    deals["discount"] = deals["discount"].mask(moved, 0.99)
    pipedrive.export_api({**company, "opportunities": deals, "stage_history": events}, tmp_path)
    poisoned = read_history(tmp_path, crm="pipedrive")
    assert later.any()
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.as_of(day).table(name), read_back.as_of(day).table(name))


def _deal(name: int, **more: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "id": name,
        "title": f"Deal {name}",
        "value": 100,
        "currency": "EUR",
        "status": "open",
        "pipeline_id": 1,
        "stage_id": 1,
        "stage_change_time": None,
        "add_time": "2024-01-10 09:00:00",
        "expected_close_date": "2024-03-31",
        "user_id": {"id": 7, "name": "Ann Lee", "value": 7},
    }
    return {**plain, **more}


def _change(deal: int, at: str, field: str, old: object, new: object) -> dict[str, object]:
    data = {"item_id": deal, "field_key": field, "old_value": old, "new_value": new, "log_time": at, "user_id": 7}
    return {"object": "dealChange", "timestamp": at, "data": data}


STAGES = [{"id": key, "name": name, "order_nr": key, "pipeline_id": 1} for key, name in ((1, "Talk"), (2, "Offer"))]


def _read(
    folder: Path, deals: list[Any], flow: Any = None, options: CrmOptions | None = None, zone: str = "UTC", **files: Any
) -> History:
    """Read deals (and other files) as answers of the API."""
    contents = {"deals": deals, "stages": STAGES, **({} if flow is None else {"flow": flow}), **files}
    for name, content in contents.items():
        answer = content if isinstance(content, dict) else {"success": True, "data": content}
        (folder / f"{name}.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
    return read_history(folder, crm="pipedrive", crm_options=options, max_rejected_share=1.0, timezone=zone)


REOPENED = [
    _change(1, "2024-06-05 10:00:00", "status", "open", "won"),
    _change(1, "2024-06-05 10:00:00", "won_time", None, "2024-06-05 10:00:00"),
    _change(1, "2024-05-02 10:00:00", "expected_close_date", "2024-03-31", "2024-06-30"),
    _change(1, "2024-05-02 10:00:00", "user_id", "8", "7"),
    _change(1, "2024-05-02 10:00:00", "status", "lost", "open"),
    _change(1, "2024-04-20 10:00:00", "value", "100", "900"),
    _change(1, "2024-03-20 10:00:00", "status", "open", "lost"),
    _change(1, "2024-02-01 10:00:00", "stage_id", "1", "2"),
    {"object": "activity", "timestamp": "2024-02-01 10:00:00", "data": {"id": 5, "deal_id": 1}},
]
WON = _deal(1, status="won", won_time="2024-06-05 10:00:00", value=900, stage_id=2, expected_close_date="2024-06-30")


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
    deal = _read(tmp_path, [WON], REOPENED).as_of(day).opportunities.iloc[0]
    close = str(deal["close_date"].date())
    assert (deal["status"], deal["stage"], deal["amount"], close, deal["owner_id"]) == told


def test_the_accounts_of_a_flow_say_what_is_not_followed(tmp_path: Path) -> None:
    history = _read(tmp_path, [WON], [*REOPENED, _change(9, "2024-02-01 10:00:00", "status", "open", "won")])
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
    history = _read(tmp_path, [WON], **saved)
    assert history.as_of("2024-05-31").opportunities["amount"].tolist() == [900.0]
    assert history.stage_history["status"].tolist()[-2:] == ["won", "open"]


def test_times_are_utc_and_expected_closes_are_days(tmp_path: Path) -> None:
    deal = _deal(1, add_time="2024-01-10 23:30:00", status="lost", lost_time="2024-02-01T23:30:00Z")
    history = _read(tmp_path, [deal, _deal(2)], zone="Europe/Berlin")
    assert history.opportunities["created_date"][0] == pd.Timestamp("2024-01-11 00:30:00")
    assert history.opportunities["close_date"].tolist() == [
        pd.Timestamp("2024-02-02 00:30"),
        pd.Timestamp("2024-03-31"),
    ]


def test_without_a_flow_only_the_last_change_of_stage_and_the_end_are_known(tmp_path: Path) -> None:
    deals = [
        _deal(1, stage_id=2, stage_change_time="2024-02-01 10:00:00", status="won", won_time="2024-03-01 10:00:00"),
        _deal(2),
    ]
    history = _read(tmp_path, deals)
    events = history.stage_history
    told = events[["opportunity_id", "stage", "status"]].to_numpy().tolist()
    assert told == [["1", "Offer", "open"], ["1", "Offer", "won"], ["2", "Talk", "open"]]
    assert events["entered_date"].dt.month.tolist() == [2, 3, 1]
    assert events["amount"].isna().all()
    assert pd.isna(history.as_of("2024-01-31").opportunities["stage"][0])
    assert any("of 2 deals without a flow only the last change" in said for said in history.warnings)


def test_current_values_are_past_ones_only_where_the_flow_follows_them(tmp_path: Path) -> None:
    flow = [
        _change(1, "2024-02-01 10:00:00", "stage_id", "1", "2"),
        _change(1, "2024-02-03 10:00:00", "value", "5", "100"),
    ]
    history = _read(tmp_path, [_deal(1, stage_id=2), _deal(2)], flow)
    untouched = history.stage_history.set_index("opportunity_id").loc["2"]
    # Nobody's owner or close date was ever changed in this flow, so it may not have been asked for these.
    assert (untouched["stage"], untouched["amount"]) == ("Talk", 100.0)
    assert pd.isna(untouched["owner_id"])
    # A closed deal that the flow does not know shows that it is not whole.
    partial = _read(
        tmp_path, [_deal(1, stage_id=2), _deal(2), _deal(3, status="lost", lost_time="2024-03-01 09:00:00")], flow
    )
    assert partial.stage_history.set_index("opportunity_id").loc["2", "amount"] != 100.0


def test_deleted_deals_are_left_out_and_counted(tmp_path: Path) -> None:
    flow = [_change(k, "2024-02-01 10:00:00", "stage_id", "1", "2") for k in (1, 2, 3)]
    history = _read(tmp_path, [_deal(1), _deal(2, status="deleted"), _deal(3, is_deleted=True)], flow)
    assert history.opportunities["opportunity_id"].tolist() == ["1"]
    assert set(history.stage_history["opportunity_id"]) == {"1"}
    assert dict(zip(history.exclusions["reason"], history.exclusions["rows"], strict=True))["deleted in Pipedrive"] == 2


def test_pipelines_are_named_told_apart_and_chosen(tmp_path: Path) -> None:
    stages = [{"id": 1, "name": "Talk", "pipeline_id": 1}, {"id": 5, "name": "Talk", "pipeline_id": 2}]
    pipelines = [{"id": 1, "name": "Direct"}, {"id": 2, "name": "Partner"}]
    deals = [_deal(1), _deal(2, pipeline_id=2, stage_id=5)]
    both = _read(tmp_path, deals, stages=stages, pipelines=pipelines)
    assert both.opportunities["stage"].tolist() == ["Direct: Talk", "Partner: Talk"]
    options = CrmOptions(pipelines=("Partner",))
    one = _read(tmp_path, deals, stages=stages, pipelines=pipelines, options=options)
    assert one.opportunities[["opportunity_id", "stage", "pipeline"]].to_numpy().tolist() == [["2", "Talk", "Partner"]]
    with pytest.raises(InputError, match=r"no such pipeline .*'Directs'.*Did you mean Direct"):
        _read(tmp_path, deals, stages=stages, pipelines=pipelines, options=CrmOptions(pipelines=("Directs",)))


def test_several_currencies_need_rates(tmp_path: Path) -> None:
    flow = [_change(2, "2024-02-01 10:00:00", "value", "50", "100")]
    deals = [_deal(1), _deal(2, currency="USD")]
    with pytest.raises(InputError, match=r"2 currencies \(EUR, USD\)"):
        _read(tmp_path, deals, flow)
    options = CrmOptions(currency="EUR", rates=pd.DataFrame({"currency": ["USD"], "rate": [0.9]}))
    stage = _change(2, "2024-01-20 10:00:00", "stage_id", "2", "1")
    history = _read(tmp_path, deals, [*flow, stage], options)
    assert history.opportunities["amount"].tolist() == [100.0, 90.0]
    events = history.stage_history.sort_values(["opportunity_id", "entered_date"])
    assert events["amount"].tolist() == [100.0, 45.0, 45.0, 90.0]


def test_custom_fields_get_their_names_and_options_their_labels(tmp_path: Path) -> None:
    key, other = "a" * 40, "b" * 40
    options = [{"id": 11, "label": "SMB"}, {"id": 12, "label": "Mid"}]
    fields = [
        {"key": key, "name": "Segment", "options": options},
        {"key": other, "name": "Title", "options": None},
        {"key": "value", "name": "Value"},
    ]
    deals = [_deal(1, **{key: 12, other: "x"}), _deal(2, custom_fields={key: {"id": 11}}, activities_count=4)]
    history = _read(tmp_path, deals, dealFields=fields)
    assert history.opportunities["segment"].tolist() == ["Mid", "SMB"]
    assert "activities_count" not in history.opportunities
    assert history.opportunities["title"].tolist() == ["Deal 1", "Deal 2"]


def test_activities_count_when_they_are_done(tmp_path: Path) -> None:
    plain = {"done": True, "due_date": "2024-02-02", "user_id": 7, "deal_id": 1, "org_id": None}
    activities = [
        {"id": 1, "type": "call", **plain, "marked_as_done_time": "2024-02-01 12:00:00"},
        {"id": 2, "type": "lunch", **plain},
        {"id": 3, "type": "meeting", **plain, "done": False},
        {"id": 4, "type": "deadline", **plain},
    ]
    history = _read(tmp_path, [_deal(1)], activities=activities, users=[{"id": 7, "name": "Ann Lee"}])
    assert history.activities[["activity_id", "type"]].to_numpy().tolist() == [["1", "call"], ["2", "meeting"]]
    assert history.activities["date"].tolist() == [pd.Timestamp("2024-02-01 12:00"), pd.Timestamp("2024-02-02")]
    left = history.exclusions[history.exclusions["table"] == "activities"]
    assert left["reason"].tolist() == ["not done yet", "an activity of another type"]
    assert history.reps["name"].tolist() == ["Ann Lee"]


def test_an_export_of_the_user_interface_is_read_by_its_labels(tmp_path: Path) -> None:
    labels = {
        "Deal - ID": ["1", "2"],
        "Deal - Title": ["A", "B"],
        "Deal - Value": ["900", "50"],
        "Deal - Currency of Value": ["EUR", "EUR"],
        "Deal - Status": ["Won", "Open"],
        "Deal - Stage": ["Offer", "Talk"],
        "Deal - Pipeline": ["Sales", "Sales"],
        "Deal - Owner": ["Ann Lee", "Bo Ray"],
        "Deal - Deal created": ["2024-01-10 09:00:00", "2024-02-10 09:00:00"],
        "Deal - Won time": ["2024-03-01 12:30:00", ""],
        "Deal - Expected close date": ["2024-02-28", "2024-05-31"],
        "Deal - Segment": ["SMB", "Mid"],
        "Deal - Done activities": ["4", "5"],
    }
    pd.DataFrame(labels).to_csv(tmp_path / "deals-2024-06-01.csv", index=False)
    history = read_history(tmp_path, crm="pipedrive", timezone="Europe/Berlin", max_rejected_share=0.0)
    deals = history.opportunities
    assert deals["status"].tolist() == ["won", "open"]
    assert deals["stage"].tolist() == ["Offer", "Talk"]
    assert deals["owner_id"].tolist() == ["Ann Lee", "Bo Ray"]
    assert deals["segment"].tolist() == ["SMB", "Mid"]
    assert deals["close_date"].tolist() == [pd.Timestamp("2024-03-01 12:30"), pd.Timestamp("2024-05-31")]
    assert "Done activities" not in deals


def test_damaged_dumps_are_told_with_their_line(tmp_path: Path) -> None:
    _read(tmp_path, [_deal(1)], REOPENED)
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
    _change,
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
    history = _read(tmp_path_factory.mktemp("any"), [_deal(1, status=status, won_time=won), _deal(2)], items)
    counts = history.counts
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert counts.set_index("file").loc["flow.json", "read"] == len(items)
