"""HubSpot: the example company exported and read back, and what its exports are like in other ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import export_hubspot as hubspot
from spmforecast.data import CrmOptions, ExampleCompany, History, read_history
from spmforecast.errors import InputError

NOT_TOLD: Mapping[str, set[str]] = {
    "opportunities": set(),
    "stage_history": set(),
    "reps": {"territory_id", "manager_id", "role", "hire_date", "end_date", "effective_from", "latitude", "longitude"},
    "accounts": set(),
    "activities": set(),
}
"""Columns that HubSpot has no field for; enablement, submissions and splits have no counterpart at all."""

ACTIVITIES = ("call", "email", "meeting")
"""Kinds of activity that HubSpot knows."""


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return ExampleCompany(seed=3, size="small").tables()


@pytest.fixture(scope="module")
def canonical(company: dict[str, pd.DataFrame]) -> History:
    return read_history(company)


@pytest.fixture(scope="module")
def read_back(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("hubspot")
    hubspot.export_api(company, folder)
    return read_history(folder, crm="hubspot", max_rejected_share=0.0)


def _by_day(frame: pd.DataFrame, like: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Take the columns that both must tell, stamps as days: HubSpot keeps times, the example days."""
    out = frame[[name for name in like.columns if name not in lost]].reset_index(drop=True)
    dates = [name for name in out if pd.api.types.is_datetime64_any_dtype(out[name].dtype)]
    return out.assign(**{name: out[name].dt.normalize() for name in dates})


@pytest.mark.parametrize("table", NOT_TOLD)
def test_the_example_company_comes_back(read_back: History, canonical: History, table: str) -> None:
    want = canonical.table(table)
    got = read_back.table(table)
    if table == "activities":
        want = want[want["type"].isin(ACTIVITIES)]
        order = want["activity_id"].tolist()
        got = got.set_index("activity_id").loc[order].reset_index()
    pd.testing.assert_frame_equal(
        _by_day(got, want, NOT_TOLD[table]), _by_day(want, want, NOT_TOLD[table]), check_like=True
    )


def test_canonical_tables_beside_the_export_are_read_too(read_back: History, canonical: History) -> None:
    for name in ("plan", "quotas", "territories"):
        pd.testing.assert_frame_equal(read_back.table(name), canonical.table(name))
    assert read_back.warnings == ()


def test_every_version_of_every_property_is_accounted_for(read_back: History, company: dict[str, pd.DataFrame]) -> None:
    versions = sum(
        len(found) for deal in hubspot.api_deals(company)["results"] for found in deal["propertiesWithHistory"].values()
    )
    counts = read_back.counts.set_index("table").loc["stage_history"]
    assert counts["read"] == versions
    assert counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17", "2025-03-31"])
def test_the_past_is_as_the_canonical_tables_tell_it(read_back: History, canonical: History, day: str) -> None:
    got, want = (history.as_of(day).opportunities for history in (read_back, canonical))
    columns = {"list_price", "discount"} & set(want.columns)
    pd.testing.assert_frame_equal(_by_day(got, want, columns), _by_day(want, want, columns))


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17"])
def test_nothing_dated_later_reaches_the_view(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, day: str
) -> None:
    rng = np.random.default_rng(5)
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    later = events["entered_date"] > day
    events["amount"] = events["amount"].mask(later, rng.lognormal(9, 3, len(events)).round(2))
    events["owner_id"] = events["owner_id"].mask(later, "nobody")
    events["stage"] = events["stage"].mask(later, pd.Series(rng.choice(list(hubspot.STAGES), len(events))))
    events["close_date"] = events["close_date"].mask(later, "2031-01-01")
    moved = deals["opportunity_id"].isin(events["opportunity_id"][later])
    for name, poison in (("amount", 1e7), ("owner_id", "nobody"), ("status", "won"), ("stage", "Closed Won")):
        deals[name] = deals[name].mask(moved, poison)
    deals["close_date"] = deals["close_date"].mask(moved, "2031-01-01")
    hubspot.export_api({**company, "opportunities": deals, "stage_history": events}, tmp_path)
    poisoned = read_history(tmp_path, crm="hubspot")
    assert later.any()
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.as_of(day).table(name), read_back.as_of(day).table(name))


@pytest.fixture(scope="module")
def wide(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("wide")
    hubspot.export_wide(company, folder)
    (folder / "pipelines.json").write_text(json.dumps(hubspot.pipelines()), encoding="utf-8")
    return read_history(folder, crm="hubspot", max_rejected_share=0.0)


def test_the_wide_form_tells_when_each_stage_was_entered_last(wide: History, canonical: History) -> None:
    want = canonical.stage_history[["opportunity_id", "stage", "entered_date", "status"]]
    began = want["stage"] != want.groupby("opportunity_id")["stage"].shift()
    want = want[began].drop_duplicates(["opportunity_id", "stage"], keep="last")
    got = wide.stage_history[want.columns].assign(entered_date=wide.stage_history["entered_date"].dt.normalize())
    keys = ["opportunity_id", "stage"]
    pd.testing.assert_frame_equal(got.sort_values(keys, ignore_index=True), want.sort_values(keys, ignore_index=True))
    assert wide.stage_history[["amount", "close_date", "owner_id"]].isna().all(axis=None)
    assert any("keeps only one of the times" in said for said in wide.warnings)


def test_calculated_properties_do_not_become_attributes_of_deals(wide: History) -> None:
    assert not [name for name in wide.opportunities.columns if name.startswith(("hs_", "date", "last"))]


def test_the_samples_of_a_warehouse_load_and_their_quirks_are_told(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    for path in shared_data("crm_schema_samples").glob("hubspot_*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    assert len(history.opportunities) == 44
    assert set(history.opportunities["status"]) == {"open"}
    assert history.opportunities["created_date"][0] == pd.Timestamp("2019-12-04 12:48:22")
    assert (history.opportunities["owner_id"] == "(none)").sum() == 22
    said = "\n".join(history.warnings)
    for quirk in (
        "no deal has anything under dealstage, amount, closedate",
        "22 deals have no owner",
        "71 stages lie in 6 pipelines that the table of pipelines does not have",
        "3 stages of deals are not in the table of pipelines",
        "12 stamps with an hour of one digit",
    ):
        assert quirk in said
    assert history.exclusions[["table", "rows", "reason"]].to_numpy().tolist() == [
        ["stage_history", 14, "its deal is not in the export"]
    ]


def _version(value: object, timestamp: object) -> dict[str, object]:
    return {"value": value, "timestamp": timestamp, "sourceType": "CRM_UI"}


def _deal(name: str, past: dict[str, list[Any]] | None = None, **properties: object) -> dict[str, object]:
    plain = {"createdate": "2024-01-10T09:00:00Z", "dealstage": "appointmentscheduled", "hubspot_owner_id": "7"}
    return {"id": name, "properties": {**plain, **properties}, "propertiesWithHistory": past or {}}


def _read(folder: Path, deals: list[Any], options: CrmOptions | None = None, **files: Any) -> History:
    """Read deals (and other files) as answers of the API."""
    for name, content in {"deals": {"results": deals}, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return read_history(folder, crm="hubspot", crm_options=options, max_rejected_share=1.0)


def _one(history: History, day: str) -> pd.Series:
    return history.as_of(day).opportunities.iloc[0]


REOPENED = _deal(
    "1",
    {
        "dealstage": [
            _version("closedwon", "2024-06-05T10:00:00Z"),
            _version("contractsent", "2024-04-02T10:00:00Z"),
            _version("closedlost", "2024-03-20T10:00:00Z"),
            _version("appointmentscheduled", "2024-01-10T09:00:02.123Z"),
        ],
        "amount": [_version("900", "2024-04-02T10:00:00Z"), _version("500", 1704877200500)],
        "closedate": [
            _version("2024-06-05T10:00:00Z", "2024-06-05T10:00:00.050Z"),
            _version("2024-05-31T00:00:00Z", "2024-04-02T10:00:00Z"),
            _version("2024-03-20T10:00:00Z", "2024-03-20T10:00:00Z"),
            _version("2024-01-31T00:00:00Z", "2024-01-10T09:00:00Z"),
        ],
        "dealname": [_version("Deal", "2024-01-10T09:00:00Z")],
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
    deal = _one(_read(tmp_path, [REOPENED]), day)
    assert (deal["status"], deal["amount"], str(deal["close_date"].date())) == (status, amount, close)


def test_what_is_set_while_a_deal_is_created_is_one_event(tmp_path: Path) -> None:
    history = _read(tmp_path, [REOPENED])
    first = history.stage_history.iloc[0]
    assert first["entered_date"] == pd.Timestamp("2024-01-10 09:00:00")
    assert (first["amount"], first["stage"]) == (500.0, "appointmentscheduled")
    counts = history.counts.set_index("table").loc["stage_history"]
    # Ten versions are followed and one is not; the four seconds in which something changed are events.
    assert tuple(counts[["read", "used", "excluded"]]) == (11, 4, 7)
    assert "history of a property that is not followed: dealname" in set(history.exclusions["reason"])


def test_a_past_without_history_is_unknown(tmp_path: Path) -> None:
    past = {"dealstage": [_version("closedwon", 1709287200000), _version("contractsent", "2024-01-10T09:00:00Z")]}
    deal = _deal("1", past, dealstage="closedwon", amount="900", closedate="2024-03-01T10:00:00Z")
    history = _read(tmp_path, [deal, _deal("2")])
    before = _one(history, "2024-02-01")
    assert (before["status"], before["stage"]) == ("open", "contractsent")
    assert pd.isna(before["amount"])
    assert pd.isna(before["close_date"])
    assert history.stage_history["entered_date"][1] == pd.Timestamp("2024-03-01 10:00:00")
    assert "1 deals have no date of entering the stage in which they stand" in "\n".join(history.warnings)


def test_a_history_without_stages_is_said_to_be_of_no_use(tmp_path: Path) -> None:
    history = _read(tmp_path, [_deal("1", {"amount": [_version("500", "2024-01-10T09:00:00Z")]})])
    assert "stage_history" not in history.tables
    assert "deals.json: the history in it tells no stage of any deal and is not used" in history.warnings


def test_deleted_and_merged_deals_are_left_out_and_counted(tmp_path: Path) -> None:
    past = {"dealstage": [_version("contractsent", "2024-01-10T09:00:00Z")]}
    deals = [
        {**_deal("1", past), "archived": True},
        _deal("2", past),
        _deal("3", past, hs_merged_object_ids="2;3;9"),
        _deal("4", {"dealstage": [_version("contractsent", "someday")]}),
    ]
    history = _read(tmp_path, deals)
    assert history.opportunities["opportunity_id"].tolist() == ["3", "4"]
    assert history.stage_history["opportunity_id"].tolist() == ["3"]
    left = dict(zip(history.exclusions["reason"], history.exclusions["rows"], strict=True))
    assert left == {"deleted in HubSpot": 1, "merged into another deal": 1, "its opportunity was left out": 2}
    assert history.rejected[["table", "value", "reason"]].to_numpy().tolist() == [
        ["stage_history", "someday", "not a time stamp"]
    ]
    assert history.rejected["line"][0] > 1
    assert any("1 deals took in others" in said for said in history.warnings)


def _flags(frame: pd.DataFrame) -> list[str]:
    return frame["status"].tolist()


def test_flags_then_the_table_then_probabilities_then_names_tell_what_is_closed(tmp_path: Path) -> None:
    end = {"closedate": "2024-02-01", "amount": "5"}
    deals = [
        _deal("1", dealstage="a", hs_is_closed="true", hs_is_closed_won="true", **end),
        _deal("2", dealstage="b", hs_is_closed="true", hs_is_closed_won="false", **end),
        _deal("3", dealstage="c", hs_deal_stage_probability="1", **end),
        _deal("4", dealstage="d", hs_deal_stage_probability="0.0", **end),
        _deal("5", dealstage="e", hs_deal_stage_probability="0.4"),
        _deal("6", dealstage="closedlost", **end),
        _deal("7", dealstage="Closed Won", **end),
        _deal("8", dealstage="who knows"),
        _deal("9", dealstage="x9", **end),
        _deal("10", dealstage="x10"),
    ]
    table = {
        "results": [
            {
                "id": "p",
                "label": "Sales",
                "stages": [
                    {"id": "x10", "label": "Early", "metadata": {"isClosed": "false", "probability": "0"}},
                    {"id": "x9", "label": "Signed", "metadata": {"isClosed": "true", "probability": "1.0"}},
                ],
            }
        ]
    }
    history = _read(tmp_path, deals, pipelines=table)
    assert _flags(history.opportunities) == ["won", "lost", "won", "lost", "open", "lost", "won", "open", "won", "open"]
    assert history.opportunities["stage"].tolist()[-2:] == ["Signed", "Early"]
    assert any("nothing tells whether 1 stages close a deal (first: who knows)" in said for said in history.warnings)


def _pipelines() -> dict[str, Any]:
    def stages(prefix: str) -> list[dict[str, Any]]:
        return [{"id": f"{prefix}1", "label": "Talk", "displayOrder": 0, "metadata": {"isClosed": "false"}}]

    named = {"p": "Direct", "q": "Partner"}
    return {"results": [{"id": key, "label": label, "stages": stages(key)} for key, label in named.items()]}


def test_stages_of_several_pipelines_are_told_apart(tmp_path: Path) -> None:
    past = {"dealstage": [_version("p1", "2024-01-10T09:00:00Z")]}
    deals = [_deal("1", past, pipeline="p", dealstage="p1"), _deal("2", pipeline="Partner", dealstage="Talk")]
    history = _read(tmp_path, deals, pipelines=_pipelines())
    assert history.opportunities["stage"].tolist() == ["Direct: Talk", "Partner: Talk"]
    assert history.stage_history["stage"].tolist() == ["Direct: Talk"]


def test_pipelines_can_be_chosen_by_name_or_id_and_stages_renamed(tmp_path: Path) -> None:
    deals = [_deal("1", pipeline="p", dealstage="p1"), _deal("2", pipeline="q", dealstage="q1")]
    options = CrmOptions(pipelines=("partner",), stage_names={"Talk": "Meeting"})
    history = _read(tmp_path, deals, options, pipelines=_pipelines())
    assert history.opportunities[["opportunity_id", "stage"]].to_numpy().tolist() == [["2", "Meeting"]]
    assert history.exclusions["reason"].tolist() == ["in a pipeline that is not kept"]
    with pytest.raises(InputError, match=r"no such pipeline .*'Partners'.*Did you mean Partner"):
        _read(tmp_path, deals, CrmOptions(pipelines=("Partners",)), pipelines=_pipelines())


def _foreign(**more: object) -> list[dict[str, object]]:
    past = {"dealstage": [_version("contractsent", "2024-01-10T09:00:00Z")], "amount": [_version("50", 1704877200000)]}
    euro = {"amount": "100", "deal_currency_code": "EUR", "dealstage": "contractsent"}
    dollar = {"amount": "50", "deal_currency_code": "USD", "dealstage": "contractsent"}
    return [
        _deal("1", past, **euro, **({"amount_in_home_currency": "100"} if more else {})),
        _deal("2", past, **dollar, **more),
    ]


def test_the_home_currency_must_be_the_wanted_one(tmp_path: Path) -> None:
    deals = _foreign(amount_in_home_currency="45.5")
    assert not any("home currency" in said for said in _read(tmp_path, deals, CrmOptions("EUR")).warnings)
    assert "hubspot_deals" not in " ".join(_read(tmp_path, deals).warnings)
    assert any("the home currency is EUR" in said for said in _read(tmp_path, deals).warnings)
    with pytest.raises(InputError, match=r"amount_in_home_currency is in EUR, not in GBP.*rates"):
        _read(tmp_path, deals, CrmOptions("GBP"))
    with pytest.raises(InputError, match=r"amount_in_home_currency is in EUR, not in USD"):
        _read(tmp_path, deals, CrmOptions("USD"))


def test_a_home_currency_that_nothing_tells_is_taken_as_the_wanted_one_and_said(tmp_path: Path) -> None:
    deals = _foreign(amount_in_home_currency="45.5")
    for deal in deals:
        deal["properties"]["amount_in_home_currency"] = "45.5"
    told = "the home currency is unknown, taken as GBP"
    assert any(told in said for said in _read(tmp_path, deals, CrmOptions("GBP")).warnings)
    with pytest.raises(InputError, match="its own is not USD"):
        _read(tmp_path, deals, CrmOptions("USD"))


def test_amounts_in_several_currencies_are_taken_as_hubspot_converted_them(tmp_path: Path) -> None:
    history = _read(tmp_path, _foreign(amount_in_home_currency="45.5"))
    assert history.opportunities["amount"].tolist() == [100.0, 45.5]
    assert history.stage_history["amount"].tolist()[0] == 50.0
    assert pd.isna(history.stage_history["amount"][1])
    assert any("past amounts of 1 deals in other currencies are unknown" in said for said in history.warnings)


def test_a_table_of_rates_goes_before_and_without_either_several_currencies_are_refused(tmp_path: Path) -> None:
    rates = pd.DataFrame({"currency": ["USD"], "rate": [0.9]})
    options = CrmOptions(currency="EUR", rates=rates)
    history = _read(tmp_path, _foreign(amount_in_home_currency="45.5"), options)
    assert history.opportunities["amount"].tolist() == [100.0, 45.0]
    assert history.stage_history["amount"].tolist() == [50.0, 45.0]
    with pytest.raises(InputError, match=r"2 currencies \(EUR, USD\)"):
        _read(tmp_path, _foreign())


LABELS = {
    "Record ID": ["11", "12"],
    "Deal Name": ["A", "B"],
    "Deal Stage": ["Closed won (Sales)", "Qualified (Sales)"],
    "Pipeline": ["Sales", "Sales"],
    "Deal owner": ["Ann Lee", "Bo Ray"],
    "Create Date": ["2024-01-10 09:00", "2024-02-10 09:00"],
    "Close Date": ["2024-03-01 12:30", "2024-05-31 12:00"],
    "Amount": ["900", ""],
    "Deal Type": ["New Business", "Existing Business"],
    "Is Closed Won": ["true", "false"],
    'Date entered "Qualified (Sales)"': ["2024-01-10 09:00", "2024-02-10 09:00"],
    'Date entered "Closed won (Sales)"': ["2024-03-01 12:30", ""],
    "Segment": ["SMB", "Mid"],
    "Last Modified Date": ["2026-01-01 00:00", "2026-01-01 00:00"],
}


def test_an_export_of_the_user_interface_is_read_by_its_labels(tmp_path: Path) -> None:
    pd.DataFrame(LABELS).to_csv(tmp_path / "hubspot-crm-exports-all-deals-2024-06-01.csv", index=False)
    (tmp_path / "owners.csv").write_text("id,firstName,lastName,email\n7,Ann,Lee,a@x.org\n8,Bo,Ray,b@x.org\n")
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    deals = history.opportunities
    assert deals["stage"].tolist() == ["Closed won", "Qualified"]
    assert deals["status"].tolist() == ["won", "open"]
    assert deals["owner_id"].tolist() == ["7", "8"]
    assert deals["type"].tolist() == ["new", "expansion"]
    assert deals["segment"].tolist() == ["SMB", "Mid"]
    assert deals["close_date"].tolist() == [pd.Timestamp("2024-03-01 12:30"), pd.Timestamp("2024-05-31 12:00")]
    assert "Last Modified Date" not in deals
    assert history.reps["name"].tolist() == ["Ann Lee", "Bo Ray"]
    events = history.stage_history[["opportunity_id", "stage", "status"]].to_numpy().tolist()
    assert events == [["11", "Qualified", "open"], ["11", "Closed won", "won"], ["12", "Qualified", "open"]]


def test_stage_properties_are_called_after_ids_with_other_marks_and_digits(tmp_path: Path) -> None:
    stages = [{"id": "3f1b-4a", "label": "Talk", "metadata": {"isClosed": "false"}}]
    (tmp_path / "pipelines.json").write_text(json.dumps([{"id": "p", "label": "P", "stages": stages}]))
    (tmp_path / "deals.csv").write_text(
        "hs_object_id,createdate,hubspot_owner_id,dealstage,pipeline,hs_v2_date_entered_3f1b_4a_1062,"
        "hs_date_entered_3f1b_4a_1062\n1,2024-01-10,7,3f1b-4a,p,2024-01-11,2024-01-12\n2,2024-01-10,7,3f1b-4a,p,,2024-01-13\n"
    )
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    assert history.stage_history[["stage", "status"]].drop_duplicates().to_numpy().tolist() == [["Talk", "open"]]
    assert history.stage_history["entered_date"].dt.day.tolist() == [11, 13]
    counts = history.counts.set_index("table").loc["stage_history"]
    assert tuple(counts[["read", "used", "excluded"]]) == (3, 2, 1)


def test_warehouse_logs_of_properties_are_replayed_in_utc(tmp_path: Path) -> None:
    (tmp_path / "deal.csv").write_text(
        "deal_id,deal_pipeline_id,deal_pipeline_stage_id,owner_id,property_createdate,property_amount,property_segment\n"
        "1,p,s2,7,2024-01-10 23:30:00,900,SMB\n"
    )
    (tmp_path / "deal_property_history.csv").write_text(
        "deal_id,name,value,timestamp\n1,dealstage,s1,2024-01-10 23:30:00\n1,dealstage,s2,2024-02-01 8:00:00\n"
        "1,amount,500,2024-01-10 23:30:00\n1,amount,900,2024-02-01 08:00:00\n"
    )
    (tmp_path / "deal_stage.csv").write_text("deal_id,value,date_entered\n1,s1,2024-01-10 23:30:00\n")
    history = read_history(tmp_path, crm="hubspot", timezone="Europe/Berlin", max_rejected_share=0.0)
    assert history.opportunities["created_date"][0] == pd.Timestamp("2024-01-11 00:30:00")
    assert history.opportunities["segment"].tolist() == ["SMB"]
    assert history.stage_history["amount"].tolist() == [500.0, 900.0]
    assert history.stage_history["entered_date"][1] == pd.Timestamp("2024-02-01 09:00:00")
    assert any("deal_stage.csv is not used" in said for said in history.warnings)


def test_a_closed_deal_without_a_close_date_closed_when_it_entered_its_stage(tmp_path: Path) -> None:
    past = {"dealstage": [_version("closedlost", "2024-03-01T10:00:00Z"), _version("a", "2024-01-10T09:00:00Z")]}
    history = _read(tmp_path, [_deal("1", past, dealstage="closedlost", closedate="")])
    assert history.opportunities["close_date"][0] == pd.Timestamp("2024-03-01 10:00:00")
    assert any("1 closed deals have no close date" in said for said in history.warnings)


def test_midnight_utc_is_a_day_in_every_zone(tmp_path: Path) -> None:
    (tmp_path / "deals.json").write_text(json.dumps([_deal("1", closedate="2024-03-31T00:00:00Z")]))
    history = read_history(tmp_path, crm="hubspot", timezone="America/New_York")
    assert history.opportunities["close_date"][0] == pd.Timestamp("2024-03-31")


def test_without_deals_the_export_is_refused_and_frames_in_memory_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of these files is there"):
        read_history(tmp_path, crm="hubspot")
    frame = pd.DataFrame({"hs_object_id": [1], "createdate": [pd.Timestamp("2024-01-10")], "hubspot_owner_id": [7]})
    history = read_history({"deals": frame}, crm="hubspot")
    assert history.opportunities[["opportunity_id", "owner_id"]].to_numpy().tolist() == [["1", "7"]]


_STAMPS = st.sampled_from(["2024-01-10T09:00:00Z", "2024-02-01T08:00:00.5Z", "1709287200000", "never", ""])
_VERSIONS = st.lists(
    st.tuples(st.sampled_from(["a", "closedwon", "", "5", "x"]), _STAMPS).map(lambda one: _version(*one)), max_size=3
)
_PAST = st.dictionaries(st.sampled_from(["dealstage", "amount", "closedate", "dealname"]), _VERSIONS, max_size=4)


@settings(max_examples=15)
@given(pasts=st.lists(_PAST, min_size=1, max_size=4), same=st.booleans())
def test_whatever_the_history_holds_every_version_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, pasts: list[dict[str, list[Any]]], same: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    deals = [_deal("1" if same else str(place), past) for place, past in enumerate(pasts)]
    history = _read(folder, deals)
    counts = history.counts.set_index("table")
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    if "stage_history" in counts.index:
        assert counts.loc["stage_history", "read"] == sum(len(found) for past in pasts for found in past.values())
