"""The same tables written as every kind of source that can be read, and with another future."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

from companies import example_tables
from spmforecast.data import write_database, write_tables


def small_tables():
    """Tables of the example company, cut where many rows show no more than some; treat them as read-only."""
    tables = example_tables()
    return {**tables, "activities": tables["activities"].tail(120), "accounts": tables["accounts"].head(60)}


def as_csv(tables, folder):
    write_tables(tables, folder / "csv")
    return folder / "csv"


def as_zipped_csv(tables, folder):
    place = folder / "zipped"
    write_tables(tables, place)
    for path in place.glob("*.csv"):
        (place / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
    return place


def as_tabbed_utf_16(tables, folder):
    place = folder / "tabbed"
    place.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(place / f"{name}.txt", sep="\t", index=False, encoding="utf-16")
    return place


def as_parquet(tables, folder):
    write_tables(tables, folder / "parquet", "parquet")
    return folder / "parquet"


def as_parts(tables, folder):
    """Every table in a folder of its own, in three parts."""
    for name, frame in tables.items():
        place = folder / "parts" / name
        place.mkdir(parents=True, exist_ok=True)
        size = len(frame) // 3 + 1
        for part in range(3):
            rows = frame.iloc[part * size : (part + 1) * size]
            rows.to_parquet(place / f"part-{part}.parquet", index=False)
    return folder / "parts"


def as_workbook(tables, folder):
    place = folder / "company.xlsx"
    with pd.ExcelWriter(place, engine="openpyxl") as writer:
        for name, frame in tables.items():
            frame.to_excel(writer, sheet_name=name.replace("_", " ").title(), index=False)
    return place


def as_workbooks(tables, folder):
    place = folder / "workbooks"
    place.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_excel(place / f"{name}.xlsx", index=False)
    return place


def as_duckdb(tables, folder):
    import duckdb
    import pyarrow as pa

    place = folder / "company.duckdb"
    place.unlink(missing_ok=True)
    with duckdb.connect(str(place)) as connection:
        for name, frame in tables.items():
            connection.register("given", pa.Table.from_pandas(frame, preserve_index=False))
            connection.execute(f"create table {name} as select * from given")
            connection.unregister("given")
    return place


def as_sqlite(tables, folder):
    place = folder / "company.sqlite"
    place.unlink(missing_ok=True)
    write_database(tables, place)
    return place


def as_url(tables, folder):
    return f"sqlite:///{as_sqlite(tables, folder)}"


def as_frames(tables, folder: Path):
    return tables


KINDS = {
    "csv": as_csv,
    "csv.gz": as_zipped_csv,
    "tabbed UTF-16": as_tabbed_utf_16,
    "parquet": as_parquet,
    "parquet in parts": as_parts,
    "workbook": as_workbook,
    "workbooks": as_workbooks,
    "duckdb": as_duckdb,
    "sqlite": as_sqlite,
    "sqlite URL": as_url,
    "frames": as_frames,
}


def poisoned(tables, as_of, rng):
    """Replace every record dated after a day by random ones, dated after it too."""
    close = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    out = {name: frame.copy() for name, frame in tables.items()}

    def late(rows):
        return (close + pd.to_timedelta(rng.integers(0, 400, rows), unit="D")).strftime("%Y-%m-%d").to_numpy()

    def scramble(name, rows, values):
        for column, value in values.items():
            if column in out[name]:
                out[name].loc[rows, column] = value

    deals = out["opportunities"]
    unborn = (pd.to_datetime(deals["created_date"]) >= close).to_numpy()
    ended = pd.to_datetime(deals["close_date"])
    alive = ~unborn & (deals["status"].eq("open") | (ended >= close)).to_numpy()
    for rows in (alive, unborn):
        count = int(rows.sum())
        assert count > 5
        scramble("opportunities", rows, {
            "status": rng.choice(["won", "lost"], count), "stage": "Poison", "forecast_category": "poison",
            "amount": rng.uniform(1, 1e6, count).round(2), "list_price": rng.uniform(1, 1e6, count).round(2),
            "discount": rng.uniform(0, 0.5, count), "close_date": late(count),
        })  # fmt: skip
    scramble("opportunities", unborn, {"created_date": close.strftime("%Y-%m-%d"), "segment": "x", "owner_id": "x"})
    events = (pd.to_datetime(out["stage_history"]["entered_date"]) >= close).to_numpy()
    count = int(events.sum())
    scramble("stage_history", events, {
        "opportunity_id": rng.choice(deals.loc[alive, "opportunity_id"], count), "entered_date": late(count),
        "stage": rng.choice(["Poison", "Venom"], count), "status": rng.choice(["open", "won", "lost"], count),
        "amount": rng.uniform(1, 1e6, count).round(2), "owner_id": "Poison", "close_date": late(count),
    })  # fmt: skip
    for name, dated in (("activities", "date"), ("submissions", "date"), ("enablement", "completed_date")):
        rows = (pd.to_datetime(out[name][dated]) >= close).to_numpy()
        scramble(name, rows, {dated: late(int(rows.sum())), "rep_id": "x", "program": "x", "submitted_by": "x"})
    leave = pd.to_datetime(out["reps"]["end_date"])
    hired = pd.to_datetime(out["reps"]["hire_date"])
    leaving = ((leave.isna() | (leave >= close)) & (hired < close)).to_numpy()
    scramble("reps", leaving, {"end_date": late(int(leaving.sum()))})
    assert count > 50
    return out


def bytes_of(history):
    """Every value of every table, as text and as CSV bytes, types among them."""
    return {
        name: (str(frame.dtypes.to_dict()), frame.to_csv(date_format="%Y-%m-%dT%H:%M:%S").encode())
        for name, frame in history.tables.items()
    }
