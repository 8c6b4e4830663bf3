"""HubSpot: deletions, merges, stages, pipelines and currencies of deals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hubspot_answers import deal_of, read_answers, version
from spmforecast.data import CrmOptions
from spmforecast.errors import InputError


def test_deleted_and_merged_deals_are_left_out_and_counted(tmp_path: Path) -> None:
    past = {"dealstage": [version("contractsent", "2024-01-10T09:00:00Z")]}
    deals = [
        {**deal_of("1", past), "archived": True},
        deal_of("2", past),
        deal_of("3", past, hs_merged_object_ids="2;3;9"),
        deal_of("4", {"dealstage": [version("contractsent", "someday")]}),
    ]
    history = read_answers(tmp_path, deals)
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
        deal_of("1", dealstage="a", hs_is_closed="true", hs_is_closed_won="true", **end),
        deal_of("2", dealstage="b", hs_is_closed="true", hs_is_closed_won="false", **end),
        deal_of("3", dealstage="c", hs_deal_stage_probability="1", **end),
        deal_of("4", dealstage="d", hs_deal_stage_probability="0.0", **end),
        deal_of("5", dealstage="e", hs_deal_stage_probability="0.4"),
        deal_of("6", dealstage="closedlost", **end),
        deal_of("7", dealstage="Closed Won", **end),
        deal_of("8", dealstage="who knows"),
        deal_of("9", dealstage="x9", **end),
        deal_of("10", dealstage="x10"),
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
    history = read_answers(tmp_path, deals, pipelines=table)
    assert _flags(history.opportunities) == ["won", "lost", "won", "lost", "open", "lost", "won", "open", "won", "open"]
    assert history.opportunities["stage"].tolist()[-2:] == ["Signed", "Early"]
    assert any("nothing tells whether 1 stages close a deal (first: who knows)" in said for said in history.warnings)


def two_pipelines() -> dict[str, Any]:
    def stages(prefix: str) -> list[dict[str, Any]]:
        return [{"id": f"{prefix}1", "label": "Talk", "displayOrder": 0, "metadata": {"isClosed": "false"}}]

    named = {"p": "Direct", "q": "Partner"}
    return {"results": [{"id": key, "label": label, "stages": stages(key)} for key, label in named.items()]}


def test_stages_of_several_pipelines_are_told_apart(tmp_path: Path) -> None:
    past = {"dealstage": [version("p1", "2024-01-10T09:00:00Z")]}
    deals = [deal_of("1", past, pipeline="p", dealstage="p1"), deal_of("2", pipeline="Partner", dealstage="Talk")]
    history = read_answers(tmp_path, deals, pipelines=two_pipelines())
    assert history.opportunities["stage"].tolist() == ["Direct: Talk", "Partner: Talk"]
    assert history.stage_history["stage"].tolist() == ["Direct: Talk"]


def test_pipelines_can_be_chosen_by_name_or_id_and_stages_renamed(tmp_path: Path) -> None:
    deals = [deal_of("1", pipeline="p", dealstage="p1"), deal_of("2", pipeline="q", dealstage="q1")]
    options = CrmOptions(pipelines=("partner",), stage_names={"Talk": "Meeting"})
    history = read_answers(tmp_path, deals, options, pipelines=two_pipelines())
    assert history.opportunities[["opportunity_id", "stage"]].to_numpy().tolist() == [["2", "Meeting"]]
    assert history.exclusions["reason"].tolist() == ["in a pipeline that is not kept"]
    with pytest.raises(InputError, match=r"no such pipeline .*'Partners'.*Did you mean Partner"):
        read_answers(tmp_path, deals, CrmOptions(pipelines=("Partners",)), pipelines=two_pipelines())


def _foreign(**more: object) -> list[dict[str, object]]:
    past = {"dealstage": [version("contractsent", "2024-01-10T09:00:00Z")], "amount": [version("50", 1704877200000)]}
    euro = {"amount": "100", "deal_currency_code": "EUR", "dealstage": "contractsent"}
    dollar = {"amount": "50", "deal_currency_code": "USD", "dealstage": "contractsent"}
    return [
        deal_of("1", past, **euro, **({"amount_in_home_currency": "100"} if more else {})),
        deal_of("2", past, **dollar, **more),
    ]


def test_the_home_currency_must_be_the_wanted_one(tmp_path: Path) -> None:
    deals = _foreign(amount_in_home_currency="45.5")
    assert not any("home currency" in said for said in read_answers(tmp_path, deals, CrmOptions("EUR")).warnings)
    assert "hubspot_deals" not in " ".join(read_answers(tmp_path, deals).warnings)
    assert any("the home currency is EUR" in said for said in read_answers(tmp_path, deals).warnings)
    with pytest.raises(InputError, match=r"amount_in_home_currency is in EUR, not in GBP.*rates"):
        read_answers(tmp_path, deals, CrmOptions("GBP"))
    with pytest.raises(InputError, match=r"amount_in_home_currency is in EUR, not in USD"):
        read_answers(tmp_path, deals, CrmOptions("USD"))


def test_a_home_currency_that_nothing_tells_is_taken_as_the_wanted_one_and_said(tmp_path: Path) -> None:
    deals = _foreign(amount_in_home_currency="45.5")
    for deal in deals:
        deal["properties"]["amount_in_home_currency"] = "45.5"
    told = "the home currency is unknown, taken as GBP"
    assert any(told in said for said in read_answers(tmp_path, deals, CrmOptions("GBP")).warnings)
    with pytest.raises(InputError, match="its own is not USD"):
        read_answers(tmp_path, deals, CrmOptions("USD"))


def test_amounts_in_several_currencies_are_taken_as_hubspot_converted_them(tmp_path: Path) -> None:
    history = read_answers(tmp_path, _foreign(amount_in_home_currency="45.5"))
    assert history.opportunities["amount"].tolist() == [100.0, 45.5]
    assert history.stage_history["amount"].tolist()[0] == 50.0
    assert pd.isna(history.stage_history["amount"][1])
    assert any("past amounts of 1 deals in other currencies are unknown" in said for said in history.warnings)


def test_a_table_of_rates_goes_before_and_without_either_several_currencies_are_refused(tmp_path: Path) -> None:
    rates = pd.DataFrame({"currency": ["USD"], "rate": [0.9]})
    options = CrmOptions(currency="EUR", rates=rates)
    history = read_answers(tmp_path, _foreign(amount_in_home_currency="45.5"), options)
    assert history.opportunities["amount"].tolist() == [100.0, 45.0]
    assert history.stage_history["amount"].tolist() == [50.0, 45.0]
    with pytest.raises(InputError, match=r"2 currencies \(EUR, USD\)"):
        read_answers(tmp_path, _foreign())
