"""Snapshots, pushes, ages and bookings as of a day agree with those of the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from spmforecast.data import History, read_history
from views import deal_in


def _reference_history(given_: Any) -> History:
    """Turn the reference's log of field changes into canonical tables, as a change log becomes stage history."""
    log = pd.read_csv(given_.path / "history.csv", dtype="str")
    wide = log.pivot_table(index=["deal", "changed_at"], columns="field", values="new", aggfunc="last", sort=False)
    events = wide.reset_index().rename(columns={"deal": "opportunity_id", "changed_at": "entered_date"})
    events["stage"] = events.groupby("opportunity_id")["stage"].ffill()
    events["status"] = events["stage"].map({"Won": "won", "Lost": "lost"}).fillna("open")
    current = events.groupby("opportunity_id").last()
    created = events.groupby("opportunity_id")["entered_date"].first().to_numpy()
    deals = current.reset_index().drop(columns="entered_date").assign(owner_id="R1", created_date=created)
    return read_history({"opportunities": deals, "stage_history": events})


def _close_before(instant: str) -> pd.Timestamp:
    """The reference's instant with a strict "before" is the close of the day before."""
    return pd.Timestamp(instant) - pd.Timedelta(days=1)


def test_snapshots_agree_with_the_reference(reference: Callable[[str], Any]) -> None:
    given_ = reference("48_asof_snapshots")
    history = _reference_history(given_)
    checked = 0
    for name in given_.checks:
        if not name.startswith("state as of"):
            continue
        # A closed deal's close date is the day of its closing here; the reference keeps the date that was expected.
        view = history.as_of(_close_before(name.split()[3])).opportunities.set_index("opportunity_id")
        got = {
            deal: {
                "stage": row["stage"],
                "amount": f"{row['amount']:.0f}",
                "close_date": str(row["close_date"].date()),
            }
            for deal, row in view.iterrows()
        }
        given_.compare(name, got)
        checked += 1
    assert checked == 4


def test_the_rest_of_the_reference_agrees_too(reference: Callable[[str], Any]) -> None:
    given_ = reference("48_asof_snapshots")
    history = _reference_history(given_)
    compared = [name for name in given_.checks if name.startswith("state as of")]

    def compare(beginning: str, got: Any) -> None:
        name = next(name for name in given_.checks if name.startswith(beginning))
        given_.compare(name, got)
        compared.append(name)

    july, april = history.as_of(_close_before("2024-07-01")), history.as_of(_close_before("2024-04-01"))
    compare("pushes", july.pushes().tolist())
    opened = april.opportunities[april.opportunities["status"] == "open"]
    compare("open deals as of", opened["opportunity_id"].tolist())
    # What must not come out: the current amount in a view of the past.
    compare("LEAK", float(deal_in(history, "D1")["amount"]))
    assert deal_in(history.as_of(_close_before("2024-03-01")), "D1")["amount"] == 50000
    since = april.visits().groupby("opportunity_id")["entered"].last()
    days = (pd.Timestamp("2024-04-01") - since[["D1", "D2"]]).dt.total_seconds() / 86400
    compare("days in current stage", days.tolist())
    again = july.visits().query("opportunity_id == 'D3' and stage == 'Propose'")
    left = again["left"].fillna(pd.Timestamp("2024-07-01T09:00"))  # the last change of the log
    compare("D3 reopened", ((left - again["entered"]).dt.total_seconds() / 86400).tolist())
    booked = []
    for day in ("2024-05-10", "2024-06-01"):
        book = history.as_of(_close_before(day)).ledger()
        booked.append(float(book.loc[book["opportunity_id"] == "D3", "amount"].sum()))
    compare("bookings counted", booked)
    assert sorted(compared) == sorted(given_.checks)
