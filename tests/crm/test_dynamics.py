"""Dynamics 365: the example company exported and read back, and what its exports are like in other ways."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

import export_dynamics as dynamics
from byday import days
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import CrmOptions, ExampleCompany, History, read_history
from spmforecast.data.crm.goals import near_midnight, period_labels
from spmforecast.errors import InputError

IDS = {"opportunity_id", "owner_id", "account_id", "territory_id", "rep_id", "manager_id", "parent_id", "activity_id"}

NOT_TOLD: Mapping[str, set[str]] = {
    "opportunities": {"list_price", "discount"},
    "stage_history": set(),
    "reps": {"hire_date", "end_date", "effective_from", "latitude", "longitude"},
    "territories": set(),
    "accounts": {"potential", "workload", "segment"},
    "activities": set(),
    "quotas": set(),
}
"""Columns of each table that Dynamics has no field for; tables that are not named here have no counterpart at all."""

ACTIVITIES = ("call", "email", "meeting")
"""Kinds of activity that Dynamics knows."""


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return ExampleCompany(seed=3, size="small").tables()


@pytest.fixture(scope="module")
def exported(company: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {**dynamics.web_api(company), "audit": dynamics.audit(company)}


@pytest.fixture(scope="module")
def read_back(exported: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("dynamics")
    dynamics.write(exported, folder)
    return read_history(folder, crm="dynamics")


def _wanted(company: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """A table of the company as an importer should give it."""
    frame = read_history(company).tables[name]
    frame = frame.drop(columns=[column for column in NOT_TOLD[name] if column in frame])
    coded = [column for column in frame.columns if column in IDS]
    frame = frame.assign(**{column: frame[column].map(dynamics.guid, na_action="ignore") for column in coded})
    if name == "activities":
        frame = frame[frame["type"].isin(ACTIVITIES)]
        # An activity is of one thing: of a deal, or else of an account.
        frame = frame.assign(account_id=frame["account_id"].mask(frame["opportunity_id"].notna()))
    if name == "stage_history":
        frame = frame.drop_duplicates(["opportunity_id", "entered_date"], keep="last")
    return frame.reset_index(drop=True)


@pytest.mark.parametrize("name", list(NOT_TOLD))
def test_the_company_comes_back(company: dict[str, pd.DataFrame], read_back: History, name: str) -> None:
    wanted = _wanted(company, name)
    got = days(read_back.tables[name])[wanted.columns.tolist()]
    pd.testing.assert_frame_equal(got, days(wanted), check_dtype=False)


def test_what_dynamics_cannot_tell_is_all_that_is_missing(company: dict[str, pd.DataFrame], read_back: History) -> None:
    assert set(company) - set(read_back.tables) == {"enablement", "plan", "submissions"}
    assert not len(read_back.rejected)
    counts = read_back.counts
    assert (counts["read"] == counts[["used", "rejected", "excluded"]].sum(axis=1)).all()
    assert counts.set_index("table").loc["stage_history", "read"] == len(company["stage_history"])
    assert any(said.startswith("Dynamics does not say when users were hired") for said in read_back.warnings)


def test_nothing_of_the_outcome_is_left_in_extra_columns(read_back: History) -> None:
    extra = read_back.opportunities.columns[17:].tolist()
    assert not {"statecode", "statuscode", "actualvalue", "actualclosedate", "modifiedon"} & set(extra)
    assert "status_reason" in read_back.final_only
    assert read_back.as_of("2023-06-30").opportunities.query("status == 'open'")["status_reason"].isna().all()


def test_without_an_audit_log_only_the_present_is_known(exported: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    dynamics.write({name: exported[name] for name in ("opportunity", "systemuser")}, tmp_path)
    history = read_history(tmp_path, crm="dynamics")
    assert "stage_history" not in history.tables
    assert any(said.startswith("Dynamics keeps no stage history") for said in history.warnings)
    then = history.as_of("2023-06-30").opportunities
    assert then.loc[then["status"] == "open", ["stage", "amount", "close_date"]].isna().all(axis=None)


def test_a_view_with_labels_reads_like_the_web_api(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path
) -> None:
    dynamics.write({"All Opportunities": dynamics.view(company)}, tmp_path)
    deals = read_history(tmp_path, crm="dynamics").opportunities
    same = ["opportunity_id", "status", "stage", "amount", "close_date", "forecast_category"]
    pd.testing.assert_frame_equal(deals[same], read_back.opportunities[same])
    assert set(deals["owner_id"]) == set(company["opportunities"]["owner_id"])


HEAD = "opportunityid,createdon,ownerid,statecode,statuscode,stepname,salesstage,estimatedvalue,estimatedclosedate,"
TAIL = "actualvalue,actualclosedate"


def _small(folder: Path, *rows: str, head: str = HEAD + TAIL, **files: str) -> History:
    (folder / "opportunities.csv").write_text(f"{head}\n" + "".join(f"{row}\n" for row in rows))
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return read_history(folder, crm="dynamics")


def test_codes_and_labels_and_fallbacks(tmp_path: Path) -> None:
    deals = _small(
        tmp_path,
        "A,2024-01-01T00:00:00Z,U,0,1,1-Qualify,0,10,2024-09-01,,",
        "B,2024-01-01T00:00:00Z,U,Won,3,,3,10,2024-09-01,12,2024-03-01",
        "C,2024-01-01T00:00:00Z,U,2,5,4-Close,3,10,2024-09-01,0,2024-03-01",
        "D,2024-01-01T00:00:00Z,U,,2,Custom step,1,10,2024-09-01,,",
        "E,2024-01-01T00:00:00Z,U,,4,,2,10,2024-09-01,,2024-03-01",
        "F,2024-01-01T00:00:00Z,U,1,3,,3,10,2024-09-01,,2024-03-01",
    ).opportunities
    assert deals["status"].tolist() == ["open", "won", "lost", "open", "lost", "won"]
    assert deals["stage"].tolist() == ["Qualify", "Close", "Close", "Custom step", "Propose", "Close"]
    assert deals["amount"].tolist() == [10, 12, 10, 10, 10, 10]
    assert deals["close_date"].dt.month.tolist() == [9, 3, 3, 9, 3, 3]


def test_a_state_in_another_language_is_rejected_as_it_stands(tmp_path: Path) -> None:
    good = [f"A{i},2024-01-01T00:00:00Z,U,0,1,,0,10,2024-09-01,," for i in range(30)]
    history = _small(tmp_path, *good, "B,2024-01-01T00:00:00Z,U,Gewonnen,3,,3,10,2024-09-01,12,2024-03-01")
    assert history.rejected[["line", "column", "value"]].values.tolist() == [[32, "status", "Gewonnen"]]


def test_deleted_rows_of_a_warehouse_are_excluded(tmp_path: Path) -> None:
    history = _small(
        tmp_path,
        "A,2024-01-01T00:00:00Z,U,0,1,,0,10,2024-09-01,,,",
        "B,2024-01-01T00:00:00Z,U,0,1,,0,10,2024-09-01,,,True",
        head=HEAD + TAIL + ",IsDelete",
    )
    assert history.exclusions[["rows", "reason"]].values.tolist() == [[1, "deleted in the CRM"]]


CURRENCIES = "transactioncurrencyid,isocurrencycode\nc1,USD\nc2,EUR\n"
MONEY = HEAD + TAIL + ",transactioncurrencyid,estimatedvalue_base,actualvalue_base,exchangerate"


def test_base_amounts_need_no_rates(tmp_path: Path) -> None:
    deals = _small(
        tmp_path,
        "A,2024-01-01T00:00:00Z,U,0,1,,0,10,2024-09-01,,,c1,8,,1.25",
        "B,2024-01-01T00:00:00Z,U,1,3,,0,10,2024-09-01,20,2024-03-01,c2,10,20,1",
        head=MONEY,
        transactioncurrency=CURRENCIES,
    ).opportunities
    assert deals["amount"].tolist() == [8, 20]
    assert set(deals["currency"]) == {"base"}


def test_own_amounts_in_several_currencies_need_rates(tmp_path: Path) -> None:
    head = HEAD + TAIL + ",_transactioncurrencyid_value"
    rows = [
        "A,2024-01-01T00:00:00Z,U,0,1,,0,10,2024-09-01,,,c1",
        "B,2024-01-01T00:00:00Z,U,1,3,,0,10,2024-09-01,20,2024-03-01,c2",
    ]
    with pytest.raises(InputError, match=r"amounts are in 2 currencies \(EUR, USD\)"):
        _small(tmp_path, *rows, head=head, transactioncurrency=CURRENCIES)
    rates = pd.DataFrame({"currency": ["USD"], "rate": [0.9]})
    history = read_history(tmp_path, crm="dynamics", crm_options=CrmOptions("EUR", rates))
    assert history.opportunities["amount"].tolist() == [9, 20]
    assert history.opportunities["original_currency"].tolist() == ["USD", "EUR"]


AUDIT = "createdon,objectid,objecttypecode,changedata\n"


def _change(at: str, deal: str, *attributes: tuple[str, str | None, str | None], table: str = "opportunity") -> str:
    listed = [{"logicalName": name, "oldValue": old, "newValue": new} for name, old, new in attributes]
    data = dynamics.json.dumps({"changedAttributes": listed}).replace('"', '""')
    return f'{at},{deal},{table},"{data}"\n'


def test_the_audit_log_tells_the_past(tmp_path: Path) -> None:
    log = AUDIT + "".join(
        [
            _change("2024-01-01T08:00:00Z", "A", ("name", None, "x")),
            _change("2024-02-01T08:00:00Z", "A", ("stepname", "1-Qualify", "2-Develop"), ("estimatedvalue", "5", "10")),
            _change("2024-02-01T08:00:00Z", "A", ("ownerid", "systemuser,V", "systemuser,U")),
            _change("2024-03-01T08:00:00Z", "A", ("statecode", "0", "1"), ("actualvalue", None, "12"),
                    ("actualclosedate", None, "03/01/2024 00:00:00")),
            _change("2024-03-02T08:00:00Z", "A", ("statecode", "0", "1"), table="quote"),
        ]
    )  # fmt: skip
    history = _small(tmp_path, "A,2024-01-01T08:00:00Z,U,1,3,2-Develop,1,10,2024-09-01,12,2024-03-01", audit=log)
    events = history.stage_history
    assert events["stage"].tolist() == ["Qualify", "Develop", "Develop"]
    assert events["amount"].tolist() == [5, 10, 12]
    assert events["owner_id"].tolist() == ["V", "U", "U"]
    assert events["status"].tolist() == ["open", "open", "won"]
    # The expected close never changed, but it is not audited either: nothing says what it was.
    assert events["close_date"].isna().tolist() == [True, True, False]
    count = history.counts.set_index("table").loc["stage_history"]
    # Five rows of the log and the opening of the deal.
    assert count[["read", "used", "rejected", "excluded"]].tolist() == [6, 3, 0, 3]
    then = history.as_of("2024-02-15").opportunities.iloc[0]
    assert (then["status"], then["amount"], then["owner_id"]) == ("open", 10, "U")


def test_a_log_that_begins_late_tells_nothing_of_before(tmp_path: Path) -> None:
    log = AUDIT + _change("2024-05-01T08:00:00Z", "B", ("stepname", "1-Qualify", "2-Develop"))
    history = _small(
        tmp_path,
        "A,2024-01-01T08:00:00Z,U,0,1,1-Qualify,0,10,2024-09-01,,",
        "B,2024-04-01T08:00:00Z,U,0,1,2-Develop,1,10,2024-09-01,,",
        audit=log,
    )
    assert history.stage_history["entered_date"].min() == pd.Timestamp("2024-05-01 08:00")
    assert any("of 2 deals created earlier it tells from then on only" in said for said in history.warnings)
    assert any(said.startswith("the audit log never tells of amount, close_date") for said in history.warnings)


def test_a_damaged_log_is_rejected_row_by_row(tmp_path: Path) -> None:
    good = "".join(_change("2024-02-01T08:00:00Z", f"A{i}", ("stepname", "1-Qualify", "2-Develop")) for i in range(60))
    log = AUDIT + good + "2024-02-01T08:00:00Z,A1,opportunity,~1~2\n" + _change("1.2.2024", "A2", ("stepname", "", "x"))
    rows = [f"A{i},2024-01-01T08:00:00Z,U,0,1,2-Develop,1,10,2024-09-01,," for i in range(60)]
    history = _small(tmp_path, *rows, audit=log)
    assert history.rejected[["line", "column", "reason"]].values.tolist() == [
        [62, "changedata", "the changes cannot be read"],
        [63, "createdon", "no date"],
    ]
    count = history.counts.set_index("table").loc["stage_history"]
    assert count["read"] == count["used"] + count["rejected"] + count["excluded"]


def test_a_log_without_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"audit\.csv, line 1, changedata: a required column is missing"):
        _small(tmp_path, "A,2024-01-01T08:00:00Z,U,0,1,,0,10,2024-09-01,,", audit="createdon,objectid\n2024-01-01,A\n")


def test_goals_of_months_quarters_and_years() -> None:
    first = pd.Series(["2025-01-01", "2025-01-01", "2025-02-01", "2025-02-02", "", "2025-05-01"], dtype="str")
    last = pd.Series(["2025-01-31", "2025-03-31", "2026-01-31", "2025-02-28", "2025-01-31", "2025-04-01"], dtype="str")
    plain = period_labels(near_midnight(first), near_midnight(last), FiscalCalendar())
    assert plain.tolist() == ["2025-01", "2025Q1", "", "", "", ""]
    retail = period_labels(near_midnight(first), near_midnight(last), FiscalCalendar(2))
    assert retail.tolist() == ["2025-01", "", "2026", "", "", ""]


@pytest.mark.parametrize(
    ("stamp", "day"),
    [("2024-12-31T23:00:00Z", "2025-01-01"), ("2025-01-01T05:00:00Z", "2025-01-01"), ("2025-01-01", "2025-01-01"),
     ("2025-01-01T00:00:00+01:00", "2025-01-01")],
)  # fmt: skip
def test_a_midnight_is_its_day_in_any_zone(stamp: str, day: str) -> None:
    assert near_midnight(pd.Series([stamp], dtype="str")).tolist() == [pd.Timestamp(day)]


def test_goals_that_are_no_quotas(tmp_path: Path) -> None:
    goals = "goalownerid,goalstartdate,goalenddate,targetmoney\n" + "".join(
        f"U{i},2024-01-01,2024-03-31,5\n" for i in range(40)
    )
    history = _small(
        tmp_path,
        "A,2024-01-01T08:00:00Z,U,0,1,,0,10,2024-09-01,,",
        goal=goals + "U1,2024-04-01,2024-06-30,\nU1,2024-04-05,2024-06-30,7\n",
    )
    assert history.quotas["period"].unique().tolist() == ["2024Q1"]
    assert history.exclusions[["rows", "reason"]].values.tolist() == [[1, "a goal of something other than money"]]
    assert history.rejected[["line", "value"]].values.tolist() == [[43, "2024-04-05 to 2024-06-30"]]


@pytest.mark.parametrize("day", ["2022-09-30", "2023-12-31"])
def test_a_poisoned_future_changes_nothing_of_the_past(
    exported: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, day: str
) -> None:
    """Whatever the log says after a day, and whatever the deals became by it, the record as of that day is the same."""
    log, deals = exported["audit"].copy(), exported["opportunity"].copy()
    late = (log["createdon"].str[:10] > day).to_numpy()
    spoilt: dict[str, set[str]] = {}
    told = []
    for row, data in zip(log[late].itertuples(index=False), log.loc[late, "changedata"], strict=True):
        changed = dynamics.json.loads(data)["changedAttributes"]
        for one in changed:
            known = spoilt.setdefault(one["logicalName"], set())
            if row[2] in known:
                one["oldValue"] = _nonsense(one["logicalName"])
            known.add(row[2])
            one["newValue"] = _nonsense(one["logicalName"])
        told.append(dynamics.json.dumps({"changedAttributes": changed}))
    log.loc[late, "changedata"] = told
    for name, ids in spoilt.items():
        column = {"ownerid": "_ownerid_value"}.get(name, name)
        hit = deals["opportunityid"].isin(ids)
        value = _nonsense(name)
        columns = [column, f"{column}_base"] if f"{column}_base" in deals else [column]
        deals.loc[hit, columns] = value.rpartition(",")[2] if name == "ownerid" else value
    assert len(spoilt) > 5
    dynamics.write({**exported, "opportunity": deals, "audit": log}, tmp_path)
    poisoned = read_history(tmp_path, crm="dynamics").as_of(day)
    clean = read_back.as_of(day)
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.tables[name], clean.tables[name])


def _nonsense(attribute: str) -> str:
    return {"statecode": "2", "estimatedvalue": "7.0000", "actualvalue": "7.0000", "ownerid": "systemuser,nobody",
            "estimatedclosedate": "2029-09-09", "actualclosedate": "2029-09-08",
            "msdyn_forecastcategory": "100000004"}.get(attribute, "Nonsense")  # fmt: skip
