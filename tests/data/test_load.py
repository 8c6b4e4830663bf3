from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spmforecast.data import TABLES, History, read_history, write_tables
from spmforecast.data.history import COUNTS_COLUMNS, EXCLUSIONS_COLUMNS, REJECTED_COLUMNS
from spmforecast.data.quality import quality_report
from spmforecast.errors import InputError

HEAD = "opportunity_id,owner_id,created_date,status,amount,close_date"
GOOD = [f"G{i},R1,2024-01-{i % 28 + 1:02d},won,{i + 1}.5,2024-03-01" for i in range(60)]


def _write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _deals(folder: Path, *bad: str, head: str = HEAD) -> History:
    _write(folder, "opportunities.csv", head, *GOOD, *bad)
    return read_history(folder)


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        ("B,R1,2024-13-45,open,,", "created_date", "2024-13-45", "no such date"),
        ("B,R1,soon,open,,", "created_date", "soon", "not an ISO 8601 date"),
        ("B,R1,0204-01-01,open,,", "created_date", "0204-01-01", "the year is not between 1970 and 2100"),
        ("B,R1,,open,,", "created_date", "", "a required value is missing"),
        ("B,,2024-01-01,open,,", "owner_id", "", "a required value is missing"),
        (",R1,2024-01-01,open,,", "opportunity_id", "", "a required value is missing"),
        ("B,R1,2024-01-01,won,5,", "close_date", "", "a closed deal has no close date"),
        ("B,R1,2024-01-01,lost,,", "close_date", "", "a closed deal has no close date"),
        ("B,R1,2024-02-02,lost,,2024-02-01", "close_date", "2024-02-01", "closes before it was created (2024-02-02)"),
        ("G3,R1,2024-01-01,open,,", "opportunity_id", "G3", "the id stands already in line 5"),
        ("B,R1,2024-01-01,Won,5,2024-02-01", "status", "Won", "none of open, won, lost"),
        ('B,R1,2024-01-01,open,"1,000",', "amount", "1,000", "a number with thousands separators"),
        ("B,R1,2024-01-01,open,-5,", "amount", "-5", "less than 0"),
        ("B,R1,2024-01-01,open,inf,", "amount", "inf", "not a finite number"),
        ("B,R1,2024-01-01,open", "", "B | R1 | 2024-01-01 | open", "the row has 4 cells, the header 6"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: str, column: str, value: str, reason: str) -> None:
    history = _deals(tmp_path, row)
    assert tuple(history.rejected.columns) == REJECTED_COLUMNS
    assert len(history.rejected) == 1
    told = history.rejected.iloc[0]
    assert told[["table", "file", "line"]].tolist() == ["opportunities", "opportunities.csv", 62]
    assert told[["column", "value", "reason"]].tolist() == [column, value, reason]
    assert told["mend"]
    assert len(history.opportunities) == 60
    assert any("1 of 61 rows rejected" in said for said in history.warnings)
    with pytest.raises(InputError, match=r"opportunities\.csv, line 62"):
        read_history(tmp_path, strict=True)


def test_a_close_on_the_day_of_creation_is_fine_whatever_the_hour(tmp_path: Path) -> None:
    history = _deals(tmp_path, "B,R1,2024-02-01T17:00,lost,,2024-02-01")
    assert not len(history.rejected)


def test_all_problems_of_a_row_are_told_and_count_as_one_row(tmp_path: Path) -> None:
    history = _deals(tmp_path, "G1,,2024-13-01,won,,")
    assert history.rejected["column"].tolist() == ["owner_id", "created_date", "close_date", "opportunity_id"]
    assert history.counts["rejected"].tolist() == [1]


def test_a_won_deal_without_amount_is_kept_and_said(tmp_path: Path) -> None:
    history = _deals(tmp_path, "B,R1,2024-01-01,won,,2024-02-01")
    assert not len(history.rejected)
    assert history.opportunities["amount"].isna().iloc[-1]
    assert "opportunities: 1 won deals without a known amount count as 0" in history.warnings
    later = history.as_of("2024-02-01").warnings
    assert [said for said in later if "without a known amount count as 0" in said] == [
        "As of 2024-02-01: 1 won deals without a known amount count as 0."
    ]
    assert not any("count as 0" in said for said in history.as_of("2024-01-31").warnings)


def test_lines_are_right_behind_quoted_line_breaks(tmp_path: Path) -> None:
    _write(tmp_path, "opportunities.csv", HEAD + ",note", *(f'{row},"two\nlines"' for row in GOOD), "B,R1,x,open,,,n")
    assert read_history(tmp_path).rejected["line"].tolist() == [2 + 2 * 60]


def test_more_than_the_bearable_share_ends_the_job_with_every_problem(tmp_path: Path) -> None:
    bad = [f"B{i},R1,2024-13-45,open,," for i in range(4)]
    with pytest.raises(InputError, match=r"4 of 64 rows cannot be used \(6\.2 %, more than 5 %\)") as caught:
        _deals(tmp_path, *bad)
    assert [problem.line for problem in caught.value.problems] == [None, 62, 63, 64, 65]
    assert len(read_history(tmp_path, max_rejected_share=0.1).opportunities) == 60
    assert len(_deals(tmp_path, *bad[:3]).rejected) == 3


def test_orphans_and_rows_of_rejected_deals(tmp_path: Path) -> None:
    history_rows = [f"G{i},Qualify,2024-02-01" for i in range(60)]
    _write(
        tmp_path,
        "stage_history.csv",
        "opportunity_id,stage,entered_date",
        *history_rows,
        "nobody,Qualify,2024-02-01",
        "B,Qualify,2024-02-01",
        "G1,Early,2023-12-31",
    )
    history = _deals(tmp_path, "B,R1,2024-13-45,open,,")
    told = history.rejected[history.rejected["table"] == "stage_history"]
    assert told["line"].tolist() == [62, 63]
    assert told["reason"].tolist() == ["opportunities has no such opportunity_id", "its opportunity was rejected"]
    assert any("before their deal was created" in effect for effect in quality_report(history)["effect"])


def _filler(name: str) -> list[str]:
    return {
        "reps": [f"R{i},,,2024-01-01,," for i in range(40)],
        "territories": [f"T{i},," for i in range(40)],
        "activities": [f"A{i},2024-01-01,call" for i in range(40)],
        "plan": [f"{2000 + i},5,," for i in range(40)],
        "quotas": [f"R{i},2024Q1,5" for i in range(40)],
        "bookings": [f"R{i},2024-01-01,-5" for i in range(40)],
        "submissions": [f"R{i},2024-01-01,2024Q1,commit,5" for i in range(40)],
        "splits": [f"G{i},R1,1" for i in range(40)],
        "enablement": [f"R{i},intro,2024-01-01" for i in range(40)],
        "accounts": [f"A{i},10" for i in range(40)],
    }[name]


@pytest.mark.parametrize(
    ("table", "head", "bad", "reason"),
    [
        ("reps", "rep_id,territory_id,manager_id,effective_from,hire_date,end_date", "R1,,,2024-01-01T00:00,,",
         "the same rep_id, effective_from stands already in line 3"),
        ("reps", "rep_id,territory_id,manager_id,effective_from,hire_date,end_date", "S,,,,2024-02-01,2024-01-01",
         "left before being hired"),
        ("territories", "territory_id,name,parent_id", "S,,S", "its line of parents runs in a ring"),
        ("activities", "activity_id,date,type", "S,2024-01-01,lunch", "none of call, email"),
        ("activities", "activity_id,date,type", "A1,2024-01-01,call", "the id stands already in line 3"),
        ("plan", "period,target,node_level,node", "2024Q9,5,,", "not a fiscal period"),
        ("plan", "period,target,node_level,node", "2001,6,,", "the same period, node_level, node stands already"),
        ("plan", "period,target,node_level,node", "2001,,region,N", "a required value is missing"),
        ("quotas", "rep_id,period,quota", "R1,2024Q1,7", "the same rep_id, period stands already in line 3"),
        ("quotas", "rep_id,period,quota", "R1,Q2,7", "not a fiscal period"),
        ("bookings", "rep_id,date,amount", "R1,2024-01-01,5€", "a number with a currency"),
        ("submissions", "submitted_by,date,period,category,amount", "R1,2024-01-01,2024Q1,hope,5", "none of commit"),
        ("splits", "opportunity_id,rep_id,share", "G50,R1,0.7", "the shares of its deal sum to 0.7, not to 1"),
        ("splits", "opportunity_id,rep_id,share", "G50,R1,1.2", "more than 1"),
        ("splits", "opportunity_id,rep_id,share", "nobody,R1,1", "no such opportunity_id"),
        ("enablement", "rep_id,program,completed_date", "R1,,2024-01-01", "a required value is missing"),
        ("accounts", "account_id,latitude", "S,95", "more than 90"),
    ],
)  # fmt: skip
def test_rules_of_the_other_tables(tmp_path: Path, table: str, head: str, bad: str, reason: str) -> None:
    _write(tmp_path, f"{table}.csv", head, *_filler(table), bad)
    history = _deals(tmp_path)
    assert history.rejected["table"].tolist() == [table]
    assert history.rejected["line"].tolist() == [42]
    assert history.rejected["reason"].iloc[0].startswith(reason) or reason in history.rejected["reason"].iloc[0]
    assert len(history.table(table)) == 40


def test_dated_rows_of_a_rep_are_its_history(tmp_path: Path) -> None:
    _write(tmp_path, "reps.csv", "rep_id,effective_from", "R1,2024-01-01", "R1,2024-06-01", "R1,")
    assert not len(_deals(tmp_path).rejected)


def test_ids_that_name_nothing_are_found_but_kept(tmp_path: Path) -> None:
    _write(tmp_path, "reps.csv", "rep_id,territory_id", "R2,T1")
    _write(tmp_path, "territories.csv", "territory_id,parent_id", "T2,T9")
    history = _deals(tmp_path)
    found = quality_report(history).set_index(["table", "column"])["rows"]
    assert found[("opportunities", "owner_id")] == 60
    assert found[("reps", "territory_id")] == 1
    assert len(history.opportunities) == 60


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "neither an opportunities nor a bookings table"),
        ({"opportunities.csv": ""}, "the file is empty"),
        ({"opportunities.csv": HEAD + "\n"}, "no row is left to work with"),
        ({"opportunities.csv": HEAD.replace("owner_id", "Owner ID") + "\n"}, "owner_id: a required column is missing"),
        ({"opportunities.csv": HEAD.replace("owner_id", "Owner ID") + "\n"}, "Did you mean Owner ID"),
        ({"opportunities.csv": HEAD + "\n" + GOOD[0] + "\n", "plan.csv": "period,targt\n"}, "Did you mean targt"),
        ({"opportunities.csv": HEAD + "\n" + GOOD[0] + "\n", "plan.csv": ""}, "plan.csv, line 1: the file is empty"),
    ],
)
def test_what_makes_the_job_impossible(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told) as caught:
        read_history(tmp_path)
    assert caught.value.exit_status == 2
    assert all(problem.mend for problem in caught.value.problems)


def test_fatal_problems_of_every_file_and_bad_rows_come_together(tmp_path: Path) -> None:
    _write(tmp_path, "opportunities.csv", HEAD, *GOOD, "B,R1,2024-13-45,open,,")
    (tmp_path / "reps.csv").write_bytes(b"rep_id,name\nR1,\x81\n")
    (tmp_path / "plan.csv").write_text("period\n")
    with pytest.raises(InputError, match="neither UTF-8") as caught:
        read_history(tmp_path)
    assert {problem.file for problem in caught.value.problems} == {"reps.csv", "plan.csv", "opportunities.csv"}


def test_a_zone_and_a_date_that_are_none(tmp_path: Path) -> None:
    _deals(tmp_path)
    with pytest.raises(InputError, match="no such time zone"):
        read_history(tmp_path, timezone="Mars/Olympus")
    with pytest.raises(InputError, match="not a date"):
        read_history(tmp_path, observed_from="soon")


def test_all_columns_are_there_and_extra_ones_are_kept_as_text(tmp_path: Path) -> None:
    _write(tmp_path, "opportunities.csv.txt", "")
    _write(tmp_path, "opportunities.csv", HEAD + ",zip,clse_date", *(f"{row},0123," for row in GOOD))
    history = read_history(tmp_path)
    names = list(TABLES["opportunities"].names)
    assert list(history.opportunities.columns) == [*names, "zip", "clse_date"]
    assert history.opportunities["zip"].unique().tolist() == ["0123"]
    assert history.opportunities["list_price"].isna().all()
    assert not any("clse_date" in said for said in history.warnings)
    assert "opportunities.csv.txt is not used: it is none of the tables" in history.warnings
    assert len(history.table("plan")) == 0
    with pytest.raises(KeyError, match="plans"):
        history.table("plans")


def test_a_misspelt_optional_column_is_pointed_out(tmp_path: Path) -> None:
    _write(tmp_path, "opportunities.csv", HEAD + ",lead_sourc", *(f"{row},web" for row in GOOD))
    told = "opportunities.csv: lead_sourc is kept as an extra column; did you mean lead_source?"
    assert told in read_history(tmp_path).warnings


def test_blanks_around_cells_are_taken_off_and_said(tmp_path: Path) -> None:
    history = _deals(tmp_path, "B, R1 ,2024-01-01,open,,")
    assert history.opportunities["owner_id"].iloc[-1] == "R1"
    assert "opportunities.csv: 1 cells of owner_id read without the blanks around them" in history.warnings


def test_the_time_zone_decides_the_day(tmp_path: Path) -> None:
    _write(tmp_path, "opportunities.csv", HEAD, "A,R1,2024-06-30T23:30:00Z,open,,")
    day = read_history(tmp_path, timezone="Europe/Berlin").opportunities["created_date"].iloc[0]
    assert str(day) == "2024-07-01 01:30:00"


def test_a_reason_of_loss_counts_as_unknown_before_the_end(tmp_path: Path) -> None:
    closed = [f"L{i},R1,2024-01-01,lost,,2024-03-01,price,x" for i in range(5)]
    still = [f"O{i},R1,2024-01-01,open,,,,x" for i in range(25)]
    _write(tmp_path, "opportunities.csv", HEAD + ",lost_reason,tier", *closed, *still)
    history = read_history(tmp_path)
    assert "lost_reason" in history.final_only
    assert "tier" not in history.final_only
    view = history.as_of("2024-02-01")
    assert view.opportunities["lost_reason"].isna().all()
    assert view.opportunities["tier"].eq("x").all()


def test_bookings_alone_will_do(tmp_path: Path) -> None:
    _write(tmp_path, "bookings.csv", "rep_id,date,amount", "R1,2024-01-01,5", "R1,2024-02-01,-1")
    history = read_history(tmp_path)
    assert history.bookings["amount"].sum() == 4
    assert len(history.as_of("2024-01-01").bookings) == 1
    assert len(history.deals()) == 0


def test_sources_carry_hashes_and_the_same_files_give_the_same_history(tmp_path: Path) -> None:
    first = _deals(tmp_path)
    second = read_history(tmp_path)
    assert first.sources == second.sources
    assert [(file.name, file.bytes) for file in first.sources] == [
        ("opportunities.csv", (tmp_path / "opportunities.csv").stat().st_size)
    ]
    pd.testing.assert_frame_equal(first.opportunities, second.opportunities)


def test_tables_written_and_read_back_are_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "opportunity_id": ["a", 'b "x"', "c,\nd", "=1+1"],
            "owner_id": ["R", "R", "Zoë", "R"],
            "created_date": pd.to_datetime(
                ["2024-01-01", "2024-01-02", "2024-01-03T04:05:06", "2024-01-01"], format="ISO8601"
            ),
            "status": ["open", "won", "lost", "open"],
            "amount": [0.1 + 0.2, 5.0, np.nan, 1e-7],
            "close_date": pd.to_datetime([None, "2024-02-01", "2024-02-01", None]),
            "tier": [None, "1", "01", "x"],
        }
    )
    first = read_history({"opportunities": frame})
    write_tables(first.tables, tmp_path / "one")
    second = read_history(tmp_path / "one")
    write_tables(second.tables, tmp_path / "two")
    pd.testing.assert_frame_equal(first.opportunities, second.opportunities)
    assert second.opportunities["amount"].tolist()[:2] == [0.1 + 0.2, 5.0]
    assert (tmp_path / "one/opportunities.csv").read_bytes() == (tmp_path / "two/opportunities.csv").read_bytes()
    assert b"\r" not in (tmp_path / "one/opportunities.csv").read_bytes()


CELL = st.one_of(
    st.sampled_from(
        [
            "",
            "won",
            "open",
            "lost",
            "2024-01-05",
            "2024-13-45",
            "G1",
            "G2",
            "1,5",
            '"',
            '"a',
            "\0",
            "-1",
            "nan",
            " ",
            "x;y",
        ]
    ),
    st.text(max_size=6),
)
DAMAGE = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 6), CELL, st.booleans()), max_size=12)


@given(damage=DAMAGE, zipped=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_read_is_used_rejected_or_left_out_whatever_the_damage(
    tmp_path: Path, damage: list[tuple[int, int, str, bool]], zipped: bool
) -> None:
    rows = [GOOD[i].split(",") for i in range(20)]
    for row, column, cell, quoted in damage:
        text = '"' + cell.replace('"', '""') + '"' if quoted else cell
        if column < 6:
            rows[row][column] = text
        else:
            rows[row] = [*rows[row][:5], text]
    data = "\n".join([HEAD, *(",".join(row) for row in rows)]).encode("utf-8", "replace")
    (tmp_path / "d.csv").unlink(missing_ok=True)
    (tmp_path / "d.csv.gz").unlink(missing_ok=True)
    name = "d.csv.gz" if zipped else "d.csv"
    (tmp_path / name).write_bytes(gzip.compress(data) if zipped else data)
    (tmp_path / "map.yaml").write_text(
        f"tables: {{opportunities: {{file: {name}, exclude: [{{where: {{status: lost}}, reason: no}}]}}}}"
    )
    try:
        history = read_history(tmp_path, map=tmp_path / "map.yaml", max_rejected_share=1.0)
    except InputError as error:
        # Only what swallows the file, or leaves nothing of it, ends the job.
        if "never closed" in str(error) or "no row is left" in str(error):
            return
        raise
    counts = history.counts
    assert tuple(counts.columns) == COUNTS_COLUMNS
    assert tuple(history.exclusions.columns) == EXCLUSIONS_COLUMNS
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert counts["used"].sum() == len(history.opportunities)
    assert counts["rejected"].sum() == history.rejected["line"].nunique()
    assert counts["excluded"].sum() == history.exclusions["rows"].sum()
    assert history.opportunities["opportunity_id"].is_unique
    assert history.rejected["mend"].ne("").all()
    assert history.rejected["line"].between(2, data.count(b"\n") + data.count(b"\r") + 2).all()
