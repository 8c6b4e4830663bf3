"""Maps that look for files and columns, decide cases, and read numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spmforecast.data import CrmOptions, History, read_history
from spmforecast.data.cells import plain_numbers
from spmforecast.data.maps import NumberFormat, parse_map
from spmforecast.errors import InputError

DEALS = """Id,Owner Id,CreatedDate,IsClosed,IsWon,StageName,Amount,Close Date,Custom
D1,R1,2024-01-01,true,TRUE,Done,100,2024-02-01,a
D2,R1,2024-01-01,True,false,Gone,50,2024-02-02,b
D3,R2,2024-01-01,false,false,Talk,70,2024-09-01,
D4,R2,2024-01-01,FALSE,false,Talk,,,c
"""
MAP = """tables:
  opportunities:
    file: [Opportunity, Deals]
    columns:
      opportunity_id: Id
      owner_id: [OwnerId, Owner]
      created_date: created_date
      stage: [Stage, stage_name]
      amount: [Amount]
      close_date: [CloseDate]
      closed: IsClosed
      won: IsWon
      deleted: IsDeleted
    exclude: {where: {deleted: true}, ignore_case: true, reason: deleted}
    drop: [closed, won, deleted]
    cases:
      - when: {won: "true"}
        ignore_case: true
        set: {status: won}
      - when: {closed: {equals: "true", ignore_case: true}}
        set: {status: lost}
      - set: {status: open}
"""
PLAIN = """tables:
  opportunities:
    file: sf_opportunities.csv
    rename: {Id: opportunity_id, Owner Id: owner_id, CreatedDate: created_date, StageName: [stage, status],
             Amount: amount, Close Date: close_date}
    values: {status: {Done: won, Gone: lost, Talk: open}}
    drop: [IsClosed, IsWon]
"""


def _read(
    folder: Path, text: str = MAP, deals: str = DEALS, name: str = "sf_opportunities.csv", **files: str
) -> History:
    (folder / name).write_text(deals)
    for stem, content in files.items():
        (folder / f"{stem}.csv").write_text(content)
    return read_history(folder, map=parse_map(text))


def _mapping(line: str, **changes: str) -> str:
    """The map with a line more."""
    text = MAP
    for old, new in changes.items():
        text = text.replace(old, new)
    return text + f"    {line}\n"


def test_columns_and_cases_do_what_rename_and_values_do(tmp_path: Path) -> None:
    first, second = _read(tmp_path), _read(tmp_path, PLAIN)
    columns = first.opportunities.columns.tolist()
    pd.testing.assert_frame_equal(first.opportunities, second.opportunities[columns])
    assert set(second.opportunities.columns) == set(columns)
    assert first.opportunities["status"].tolist() == ["won", "lost", "open", "open"]
    assert first.opportunities["Custom"].fillna("").tolist() == ["a", "b", "", "c"]
    pd.testing.assert_frame_equal(first.counts, second.counts)


def test_a_column_that_is_absent_counts_as_empty(tmp_path: Path) -> None:
    history = _read(tmp_path)
    assert history.counts["excluded"].tolist() == [0]
    history = _read(tmp_path, MAP.replace("where: {deleted: true}", "where: {deleted: {empty: true}, Id: D1}"
                                          ).replace("Id: D1", "opportunity_id: D1"))  # fmt: skip
    assert history.counts["excluded"].tolist() == [1]


def test_rows_deleted_in_the_crm_are_excluded_whatever_the_case(tmp_path: Path) -> None:
    deals = DEALS.replace("Custom\n", "Is Deleted\n").replace(",a\n", ",TRUE\n").replace(",b\n", ",False\n")
    history = _read(tmp_path, deals=deals)
    assert history.exclusions[["rows", "reason"]].values.tolist() == [[1, "deleted"]]
    assert "deleted" not in history.opportunities


def test_extras(tmp_path: Path) -> None:
    assert "Custom" in _read(tmp_path, _mapping("extras: keep")).opportunities
    assert "Custom" not in _read(tmp_path, _mapping("extras: drop")).opportunities
    assert "Custom" in _read(tmp_path, _mapping("extras: [Custom]")).opportunities
    kept = _read(tmp_path, _mapping("extras: drop\n    rename: {Custom: segment}")).opportunities
    assert kept["segment"].fillna("").tolist() == ["a", "b", "", "c"]
    with pytest.raises(InputError, match=r"extras\.Custm: sf_opportunities\.csv has no such column .*mean Custom"):
        _read(tmp_path, _mapping("extras: [Custm]"))


def test_the_file_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    assert len(_read(tmp_path, name="Deal.csv").opportunities) == 4


def test_two_files_of_one_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"opportunities\.csv and sf_opportunity_data\.csv could both be meant"):
        _read(tmp_path, MAP.replace("Opportunity,", "Opportunitys,"), name="opportunities.csv",
              sf_opportunity_data=DEALS)  # fmt: skip


def test_a_file_that_must_be_there_and_one_that_need_not(tmp_path: Path) -> None:
    reps = MAP + "  reps:\n    file: [User, Users Export]\n    columns: {rep_id: Id}\n"
    with pytest.raises(InputError, match=r"line 2\d, tables\.reps\.file: none of these files is there .*User, Users"):
        _read(tmp_path, reps)
    history = _read(tmp_path, reps + "    optional: true\n")
    assert "reps" not in history.tables
    history = _read(tmp_path, reps + "    optional: true\n", users="ID\nR1\nR2\n")
    assert history.reps["rep_id"].tolist() == ["R1", "R2"]
    assert not any("users.csv is not used" in said for said in history.warnings)
    one = MAP + "  reps: {file: users2.csv, optional: true, columns: {rep_id: Id}}\n"
    assert "reps" not in _read(tmp_path, one).tables


def test_a_required_column_names_its_candidates(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"owner_id: a required column is missing.*Add a column called OwnerId or Own"):
        _read(tmp_path, deals=DEALS.replace("Owner Id", "Seller"))


def test_two_columns_that_could_be_meant_are_told(tmp_path: Path) -> None:
    deals = DEALS.replace("Custom", "close_date_")
    with pytest.raises(InputError, match=r"has several columns of that name: Close Date, close_date_"):
        _read(tmp_path, deals=deals)


def test_a_column_that_gives_way_is_said(tmp_path: Path) -> None:
    deals = DEALS.replace("Custom", "amount").replace("StageName,Amount", "StageName,Value")
    text = MAP.replace("amount: [Amount]", "amount: [Value, Amount]")
    history = _read(tmp_path, text, deals)
    assert history.opportunities["amount"].fillna(0).tolist() == [100, 50, 70, 0]
    assert "sf_opportunities.csv: the column amount is not used: another one is taken for it" in history.warnings


def test_one_column_may_give_several(tmp_path: Path) -> None:
    history = _read(tmp_path, MAP.replace("      closed:", "      crm_id: Id\n      closed:"))
    assert history.opportunities["crm_id"].tolist() == history.opportunities["opportunity_id"].tolist()


def test_cases_copy_what_stands_in_another_column(tmp_path: Path) -> None:
    text = (
        MAP
        + """      - when: {amount: {empty: true}}
        copy: {segment: owner_id}
      - when: {won: {not: ["TRUE"]}}
        copy: {segment: Custom}
        set: {region: North}
"""
    )
    deals = _read(tmp_path, text).opportunities
    assert deals["segment"].fillna("").tolist() == ["", "b", "", "R2"]
    assert deals["region"].fillna("").tolist() == ["", "North", "North", "North"]


def test_cases_keep_the_type_of_a_source_that_knows_types() -> None:
    day = pd.Timestamp("2024-03-01")
    frame = pd.DataFrame(
        {
            "id": [1, 2],
            "owner": "R",
            "made": [day, day],
            "hope": [day, day],
            "shut": [day, pd.NaT],
            "won": [True, False],
        }
    )
    text = """tables:
  opportunities:
    file: deals
    columns: {opportunity_id: id, owner_id: owner, created_date: made, close_date: hope, shut: shut, won: won}
    constant: {amount: "5"}
    drop: [won, shut]
    cases:
      - {when: {won: "true"}, set: {status: won}, copy: {close_date: shut}}
      - set: {status: open}
"""
    history = read_history({"deals": frame}, map=parse_map(text))
    assert history.opportunities["close_date"].tolist() == [day, day]
    assert history.opportunities["opportunity_id"].tolist() == ["1", "2"]


WORDS = st.sampled_from(["x", "X", "y", ""])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8),
    cases=st.lists(st.tuples(WORDS, WORDS, st.booleans(), st.sampled_from("stu")), max_size=5),
)
def test_of_the_cases_the_first_that_holds_counts(
    cells: list[tuple[str, str]], cases: list[tuple[str, str, bool, str]]
) -> None:
    """The same as going through the cases row by row."""
    frame = pd.DataFrame(
        [(str(place), "R", "2024-01-01", "open", *pair) for place, pair in enumerate(cells)],
        columns=["opportunity_id", "owner_id", "created_date", "status", "a", "b"],
    )
    told = "".join(
        f"      - {{when: {{a: '{a}', b: '{b}'}}, ignore_case: {str(folded).lower()}, set: {{segment: {put}}}}}\n"
        for a, b, folded, put in cases
    )
    text = "tables:\n  opportunities:\n    file: deals\n" + (f"    cases:\n{told}" if cases else "")
    got = read_history({"deals": frame}, map=parse_map(text)).opportunities["segment"].fillna("").tolist()
    wanted = []
    for a, b in cells:
        hits = (
            put
            for case_a, case_b, folded, put in cases
            if ((a.lower(), b.lower()) == (case_a.lower(), case_b.lower()) if folded else (a, b) == (case_a, case_b))
        )
        wanted.append(next(hits, ""))
    assert got == wanted


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("columns:", "colums:", r"line 4, tables\.opportunities\.colums: unknown key .*Did you mean columns"),
        ("cases:", "case:", "unknown key .*'case'.*Did you mean cases"),
        ("- when: {won", "- wen: {won", "unknown key .*'wen'.*Did you mean when"),
        ("        set: {status: won}\n", "", "line 1[0-9], .*the case does nothing"),
        ("ignore_case: true\n        set", "ignore_cas: true\n        set", "unknown key .*Did you mean ignore_case"),
        ("{won: \"true\"}", "{wn: x}", r"cases\.when\.wn: sf_opportunities\.csv has no such column .*mean won"),
        ("set: {status: lost}", "copy: {status: Stat}", r"cases\.copy\.status: .* no such column .*'Stat'"),
        ("drop: [closed", "drop: [clsed", "no such column .*'clsed'.*Did you mean closed"),
        ("file: [Opportunity, Deals]", "file: []", r"tables\.opportunities\.file: this is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in MAP
    with pytest.raises(InputError, match=told):
        _read(tmp_path, MAP.replace(old, new, 1))


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    text = MAP.replace("drop: [closed", "drop: [clsed").replace('{won: "true"}', "{wn: x}")
    with pytest.raises(InputError, match="clsed") as caught:
        _read(tmp_path, text)
    assert {problem.value for problem in caught.value.problems} == {"clsed", "wn"}
    assert all(problem.line for problem in caught.value.problems)


def test_optional_joins(tmp_path: Path) -> None:
    join = "join: {file: [Account, Firm], on: {Custom: Code}, take: {Branch Name: industry}, optional: true}"
    assert "industry" not in _read(tmp_path, _mapping(join)).opportunities
    history = _read(tmp_path, _mapping(join), accounts="code,branch_name\na,Steel\nb,Glass\n")
    assert history.opportunities["industry"].fillna("").tolist() == ["Steel", "Glass", "", ""]
    assert "sf_opportunities.csv: 1 rows have no match in accounts.csv (first: c)" in history.warnings
    strict = join.replace(", optional: true", "")
    (tmp_path / "accounts.csv").unlink()
    with pytest.raises(InputError, match=r"join\.file: none of these files is there .*Account, Firm"):
        _read(tmp_path, _mapping(strict))
    absent = "join: {file: accounts.csv, on: {deleted: code}, take: {branch_name: industry}}"
    with pytest.raises(InputError, match=r"on\.deleted: sf_opportunities\.csv has no column for it.*optional: true"):
        _read(tmp_path, _mapping(absent), accounts="code,branch_name\na,Steel\n")


def test_a_join_names_what_its_first_miss_most_likely_means(tmp_path: Path) -> None:
    join = "join: {file: [Product], on: {Custom: product}, take: {series: series}}"
    deals = DEALS.replace(",a\n", ",GTXPro\n")
    history = _read(tmp_path, _mapping(join), deals, product="product,series\nGTX Pro,GTX\nb,B\nc,C\n")
    told = "sf_opportunities.csv: 1 rows have no match in product.csv (first: GTXPro; did you mean GTX Pro?)"
    assert told in history.warnings


EURO = NumberFormat(decimal=",", thousands=".", signs=("€", "EUR"))


@pytest.mark.parametrize(
    ("cell", "plain"),
    [("1.234.567,89", "1234567.89"), ("12,5", "12.5"), ("€ 1.000", "1000"), ("-5,00 €", "-5.00"), ("-€5", "-5"),
     ("EUR 7", "7"), ("", ""), ("1234,5", "1234.5"), ("5,", "5.")],
)  # fmt: skip
def test_numbers_of_another_format(cell: str, plain: str) -> None:
    values, wrong = plain_numbers(pd.Series([cell], dtype="str"), EURO)
    assert values.tolist() == [plain]
    assert not wrong.any()


@pytest.mark.parametrize("cell", ["1.5", "1.23.456", "$5", "1,000.50", "x", "€", "1 000", "12..5", "--5"])
def test_numbers_that_are_not_of_the_format(cell: str) -> None:
    values, wrong = plain_numbers(pd.Series([cell], dtype="str"), EURO)
    assert values.tolist() == [cell]
    assert wrong.all()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=2))
def test_a_number_written_in_a_format_is_read_back(number: object) -> None:
    swiss = NumberFormat(decimal=",", thousands=" ")
    cell = f"{number:,}".replace(",", "\u202f").replace(".", ",")
    values, wrong = plain_numbers(pd.Series([cell], dtype="str"), swiss)
    assert values.tolist() == [str(number)]
    assert not wrong.any()


def test_a_cell_of_another_format_is_rejected_with_its_line(tmp_path: Path) -> None:
    rows = "".join(f'E{i},R1,2024-01-01,false,false,Talk,"1.000,50",,\n' for i in range(40))
    deals = DEALS.splitlines()[0] + "\n" + rows + "F1,R1,2024-01-01,false,false,Talk,1.5,,\n"
    text = _mapping('numbers: {amount: {decimal: ",", thousands: "."}}')
    history = _read(tmp_path, text, deals, stage_history="opportunity_id,stage,entered_date\nF1,Talk,2024-01-01\n"
                    + "E1,Talk,2024-01-01\n" * 30)  # fmt: skip
    assert set(history.opportunities["amount"]) == {1000.5}
    told = history.rejected[history.rejected["table"] == "opportunities"]
    assert told[["line", "column", "value", "reason"]].values.tolist() == [
        [42, "amount", "1.5", "not a number of the format that the map gives"]
    ]
    assert history.counts[["read", "used", "rejected"]].values.tolist()[0] == [41, 40, 1]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ('{decimal: ",,"}', "not a number format"),
        ('{decimal: "5"}', "not a number format"),
        ('{thousands: "."}', "decimals and thousands have the same mark"),
        ("{signs: [EUR, 5]}", "not a currency sign"),
        ("{decimls: x}", "unknown key .*Did you mean decimal"),
    ],
)
def test_number_formats_that_are_none(how: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_map(_mapping(f"numbers: {{amount: {how}}}"))


def test_number_formats_of_columns_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"numbers\.amont: sf_opportunities\.csv has no such column .*mean amount"):
        _read(tmp_path, _mapping("numbers: {amont: {}}"))


def test_a_map_laid_over_another_speaks_for_its_own_tables() -> None:
    below = parse_map("tables:\n  plan: {file: a.csv}\n  reps: {file: b.csv}\n", "below.yaml")
    above = parse_map("tables:\n\n  reps: {file: c.csv}\n", "above.yaml").over(below)
    assert {name: one[0].file for name, one in above.tables.items()} == {"plan": ("a.csv",), "reps": ("c.csv",)}
    assert str(above.problem(("tables", "plan", 0, "file"), "odd")) == "below.yaml, line 2, tables.plan.file: odd"
    assert str(above.problem(("tables", "reps", 0, "file"), "odd")) == "above.yaml, line 3, tables.reps.file: odd"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2024-01-01", "01.01.2024", "", "x"]),
            st.sampled_from(["1.000,5", "5", "1.5", "", "x", "-3"]),
            st.sampled_from(["EUR", "usd", "XXX", ""]),
            st.sampled_from(["true", "TRUE", "", "no"]),
            st.sampled_from(["open", "won", "odd"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_row_is_used_rejected_or_excluded(rows: list[tuple[str, str, str, str, str]]) -> None:
    sound = [("2024-01-01", "5", "EUR", "", "open")] * 300
    frame = pd.DataFrame([*sound, *rows], columns=["made", "value", "currency", "gone", "state"]).assign(
        id=lambda table: table.index.astype("str")
    )
    text = """tables:
  opportunities:
    file: [Deal]
    columns: {opportunity_id: id, owner_id: seller, created_date: made, amount: value, status: state, gone: gone,
              close_date: made}
    constant: {owner_id: R}
    exclude: {where: {gone: "true"}, ignore_case: true, reason: gone}
    numbers: {amount: {decimal: ",", thousands: "."}}
    money: {columns: amount, currency_column: currency}
"""
    options = CrmOptions("EUR", pd.DataFrame({"currency": ["USD"], "rate": [0.5], "from": ["2023-01-01"]}))
    history = read_history({"deals": frame}, map=parse_map(text), crm_options=options)
    count = history.counts.iloc[0]
    gone = [row for row in rows if row[3].lower() == "true"]
    good = [row for row in rows if row not in gone and _usable(*row)]
    assert count["read"] == 300 + len(rows)
    assert count["excluded"] == len(gone)
    assert count["used"] == 300 + len(good)
    assert count["rejected"] == len(rows) - len(gone) - len(good)
    assert history.rejected["line"].nunique() == count["rejected"]


def _usable(made: str, value: str, currency: str, gone: str, state: str) -> bool:
    fine = made == "2024-01-01" and state != "odd" and value in ("1.000,5", "5", "")
    return fine and (not value or currency in ("EUR", "usd")) and not (state == "won" and not value)
