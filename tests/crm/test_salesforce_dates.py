"""Salesforce: days and stamps of any locale, time zone and source."""

from __future__ import annotations

import pandas as pd
import pytest

from salesforce_objects import changes, deal, imported
from spmforecast.data.crm.salesforce_cells import days, order_of_days, stamps
from spmforecast.data.maps import parse_map
from spmforecast.errors import InputError


def test_values_of_dates_are_read_however_the_log_writes_them():
    log = changes(
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "CloseDate", "Tue Mar 05 00:00:00 GMT 2024", "2024-06-30"),
        ("006000000000001AAA", "2024-02-02T10:00:00.000Z", "StageName", "A", "Prospecting"),
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log})
    assert history.stage_history["close_date"].dt.strftime("%F").tolist() == ["2024-03-05", "2024-06-30", "2024-06-30"]


def test_days_are_those_of_the_time_zone():
    log = changes(("006000000000001AAA", "2024-02-01T23:30:00.000+0000", "StageName", "A", "Prospecting"))
    frames = {"Opportunity": pd.DataFrame([deal(CloseDate="2024-02-28")]), "OpportunityFieldHistory": log}
    history = imported(frames, timezone="Europe/Berlin")
    assert history.stage_history["entered_date"].tolist()[1] == pd.Timestamp("2024-02-02T00:30:00")
    assert history.opportunities["created_date"].tolist() == [pd.Timestamp("2024-01-01T10:00:00")]
    assert history.opportunities["close_date"].tolist() == [pd.Timestamp("2024-02-28")]


@pytest.mark.parametrize(
    ("words", "order", "read"),
    [
        (["5/31/2024", "6/1/2024"], "month", ["2024-05-31", "2024-06-01"]),
        (["31/5/2024", "1/6/2024 15:30"], "day", ["2024-05-31", "2024-06-01T15:30:00"]),
        (["5/31/2024, 3:05 PM", "6/1/24 12:00 am"], "month", ["2024-05-31T15:05:00", "2024-06-01T00:00:00"]),
        (["1.6.2024", "2024-05-31"], "day", ["2024-06-01", "2024-05-31"]),
        (["5/6/2024"], None, ["5/6/2024"]),
        (["31/5/2024", "5/31/2024"], None, ["31/5/2024", "5/31/2024"]),
    ],
)
def test_dates_are_read_by_the_locale_that_they_show(words, order, read):
    column = pd.Series(words, dtype="str")
    assert order_of_days([column]) == order
    assert stamps(column, order, utc=False).tolist() == read


def test_midnights_are_days_and_stamps_of_a_warehouse_are_utc():
    column = pd.Series(["2024-05-01 00:00:00", "2024-05-01T00:00:00.000Z", "2024-05-01T08:00:00Z"], dtype="str")
    assert days(column, None).tolist() == ["2024-05-01", "2024-05-01", "2024-05-01T08:00:00Z"]
    assert stamps(pd.Series(["2024-05-01 10:00:00", "2024-05-01"], dtype="str"), None, utc=True).tolist() == [
        "2024-05-01 10:00:00Z",
        "2024-05-01",
    ]
    typed = pd.Series(pd.to_datetime(["2024-05-01 10:00:00"]))
    assert str(stamps(typed, None, utc=True).dtype).endswith("UTC]")


def test_dates_that_cannot_be_told_are_refused_and_a_map_mends_it():
    cells = {"Opportunity ID": "O-1", "Opportunity Owner": "R1", "Stage": "A", "Amount": "1", "Closed": "0", "Won": "0"}
    report = pd.DataFrame([{**cells, "Close Date": "5/6/2024", "Created Date": "2/3/2024"}])
    with pytest.raises(InputError, match=r"Close Date: day and month cannot be told apart.*in a map of your own"):
        imported({"report": report})
    chart = """
tables:
  opportunities:
    file: report
    rename: {Opportunity ID: opportunity_id, Opportunity Owner: owner_id, Stage: stage, Amount: amount,
             Close Date: close_date, Created Date: created_date}
    constant: {status: open}
    dates: {close_date: "%d/%m/%Y", created_date: "%d/%m/%Y"}
"""
    assert imported({"report": report}, chart=parse_map(chart)).opportunities["close_date"].tolist() == [
        pd.Timestamp("2024-06-05")
    ]
