"""A map that says only how dates and numbers are written lies over a preset, and does not replace it."""

from __future__ import annotations

from pathlib import Path

import pytest

from spmforecast.data import CrmOptions, History, read_history
from spmforecast.data.maps import parse_map
from spmforecast.errors import InputError

REPORT = """"Opportunity ID","Opportunity Owner","Created Date","Stage","Amount","Close Date"
"006A","Ann","2/3/2024","Closed Won","12.000,00","5/6/2024"
"006B","Ann","3/3/2024","Prospecting","7,50","5/7/2024"
"""
MAP = """tables:
  opportunities:
    file: report.csv
    dates: {created_date: "%d/%m/%Y", close_date: "%d/%m/%Y"}
    numbers: {amount: {decimal: ",", thousands: "."}}
"""


def _read(
    folder: Path, chart: str | None, text: str = REPORT, name: str = "report.csv", crm: str = "salesforce"
) -> History:
    (folder / name).write_text(text, encoding="utf-8")
    options = CrmOptions()
    given = None if chart is None else parse_map(chart)
    return read_history(folder, map=given, crm=crm, crm_options=options, max_rejected_share=0.5)


def test_dates_and_numbers_of_a_map_lie_over_the_preset(tmp_path: Path) -> None:
    deals = _read(tmp_path, MAP).opportunities
    assert deals["status"].tolist() == ["won", "open"]
    assert deals["amount"].tolist() == [12000.0, 7.5]
    assert deals["created_date"].dt.strftime("%m-%d").tolist() == ["03-02", "03-03"]
    assert deals["close_date"].dt.strftime("%m-%d").tolist() == ["06-05", "07-05"]


def test_without_such_a_map_the_message_tells_of_it(tmp_path: Path) -> None:
    told = r"found '2/3/2024'.*opportunities: \{file: report\.csv, dates: \{created_date: '%d/%m/%Y'\}\}"
    with pytest.raises(InputError, match=told):
        _read(tmp_path, None)
    clear = REPORT.replace("2/3/2024", "2024-03-02").replace("3/3/2024", "2024-03-03")
    clear = clear.replace("5/6/2024", "2024-06-05").replace("5/7/2024", "2024-07-05")
    history = _read(tmp_path, None, clear.replace("12.000,00", "12000,00").replace("7,50", "7.50"))
    assert history.rejected["mend"].tolist() == [
        "Write a decimal point, for instance 1234.50, or give the format under numbers in a map."
    ]


def test_a_cell_of_another_format_rejects_its_row(tmp_path: Path) -> None:
    history = _read(tmp_path, MAP, REPORT.replace("3/3/2024", "2024-13-13").replace("7,50", "7.50"))
    assert history.counts[["read", "used", "rejected"]].values.tolist() == [[2, 1, 1]]
    assert history.rejected[["line", "column", "value", "reason"]].values.tolist() == [
        [3, "Created Date", "2024-13-13", "not a date of the format %d/%m/%Y"]
    ]


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 4, .*no such column .*Close Dat\'.*Did you mean Close Date"):
        _read(tmp_path, MAP.replace("close_date", "Close Dat"))
    with pytest.raises(InputError, match=r"repot\.csv.*Did you mean report\.csv"):
        _read(tmp_path, MAP.replace("report.csv", "repot.csv"))


def test_names_of_the_preset_may_stand_for_several_columns(tmp_path: Path) -> None:
    text = (
        "Opportunity ID,Owner,Created On,Status,Est. Revenue,Actual Revenue,Est. Close Date,Actual Close Date\n"
        'O1,Ann,31.01.2024,Won,"1.000,5","2.000,5",01.02.2024,02.02.2024\n'
        'O2,Ann,31.01.2024,Open,"1.000,5",,01.03.2024,\n'
    )
    chart = """tables:
  opportunities:
    file: All Opportunities.csv
    dates: {created_date: "%d.%m.%Y", expected_close: "%d.%m.%Y", actual_close: "%d.%m.%Y"}
    numbers: {estimated: &n {decimal: ",", thousands: "."}, actual: *n}
"""
    deals = _read(tmp_path, chart, text, "All Opportunities.csv", "dynamics").opportunities
    assert deals["amount"].tolist() == [2000.5, 1000.5]
    assert deals["close_date"].dt.strftime("%m-%d").tolist() == ["02-02", "03-01"]


def test_a_map_that_says_more_replaces_the_preset_as_before(tmp_path: Path) -> None:
    chart = MAP + "    rename: {Opportunity ID: opportunity_id}\n"
    with pytest.raises(InputError, match="created_date"):
        _read(tmp_path, chart)
