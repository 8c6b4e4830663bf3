"""A small company whose records have nothing odd about them, to be spoilt by tests one thing at a time."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from spmforecast.data import read_history

START, END = pd.Timestamp("2023-01-01"), pd.Timestamp("2024-12-31")
STAGES = ("Discovery", "Proposal", "Contract")
PRODUCTS = ("Core system", "Plus package", "Suite license")


def tidy_tables(seed=1, deals=900):
    """Return the tables of a company of six reps: `opportunities`, `stage_history`, `reps`, `accounts`."""
    return {name: frame.copy() for name, frame in _tables(seed, deals).items()}


@cache
def _tables(seed, deals):
    rng = np.random.default_rng(seed)
    span = (END - START).days
    day = np.sort(rng.integers(0, span, deals))
    cycle = rng.choice([12, 20, 40, 60, 80], deals)  # few lengths, so that none is far beyond all others
    closed = day + cycle <= span
    status = np.where(closed, np.where(rng.random(deals) < 0.35, "won", "lost"), "open")
    reached = np.where(status == "won", 3, rng.integers(1, 4, deals))
    made = pd.DataFrame(
        {
            "opportunity_id": [f"O-{k:04d}" for k in range(deals)],
            "owner_id": [f"R{k}" for k in rng.integers(1, 7, deals)],
            "created_date": START + pd.to_timedelta(day, unit="D"),
            "status": status,
            "amount": np.round(rng.lognormal(9, 0.8, deals), 2),
            "close_date": START + pd.to_timedelta(np.where(closed, day + cycle, span + 30), unit="D"),
            "type": "new",
            "account_id": [f"A-{k:04d}" for k in range(deals)],
            "segment": rng.choice(["Small", "Large"], deals),
            "product": rng.choice(PRODUCTS, deals),
            "lead_source": rng.choice(["website", "partner", "referral"], deals),
        }
    )
    events, stands = _events(made, day, cycle, reached, span)
    made["stage"] = stands
    reps = pd.DataFrame({"rep_id": [f"R{k}" for k in range(1, 7)], "role": "seller", "hire_date": "2020-01-01"})
    industry = rng.choice(["finance", "retail", "technology"], deals)
    accounts = pd.DataFrame({"account_id": made["account_id"], "name": made["account_id"], "industry": industry})
    return {"opportunities": made, "stage_history": events, "reps": reps, "accounts": accounts}


def _events(made, day, cycle, reached, span):
    rows, stands = [], []
    for k, deal in enumerate(made.to_dict("records")):
        for stage in range(reached[k]):
            when = day[k] + stage * cycle[k] // (reached[k] + 1)
            if when > span:
                break
            stands_in = STAGES[stage]
            expected = START + pd.Timedelta(days=int(day[k] + 60 + 10 * stage))
            amount = round(deal["amount"] * (1 + 0.05 * (reached[k] - 1 - stage)), 2)
            rows.append((deal["opportunity_id"], STAGES[stage], when, "open", amount, expected, deal["owner_id"]))
        if deal["status"] != "open":
            stands_in = f"Closed {deal['status']}"
            close = (deal["close_date"] - START).days
            row = (deal["opportunity_id"], stands_in, close, deal["status"], deal["amount"])
            rows.append((*row, deal["close_date"], deal["owner_id"]))
        stands.append(stands_in)
    columns = ["opportunity_id", "stage", "entered_date", "status", "amount", "close_date", "owner_id"]
    events = pd.DataFrame(rows, columns=columns)
    events["entered_date"] = START + pd.to_timedelta(events["entered_date"], unit="D")
    return events, stands


def tidy_history(tables=None):
    """Read the tables."""
    return read_history(tidy_tables() if tables is None else tables, max_rejected_share=1.0)
