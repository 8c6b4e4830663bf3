"""An invented company that renews: many sure renewals, most of them due in one quarter, beside risky new business."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.data import History, read_history

START, AS_OF, END = pd.Timestamp("2021-01-01"), pd.Timestamp("2024-06-30"), pd.Timestamp("2025-06-30")
_STAGES = ("Contact", "Offer")


def renewing_company(seed: int) -> History:
    """Let a company live from 2021 to mid-2025: its tables as exported at the end."""
    rng = np.random.default_rng(seed)
    deals, events = [], []
    for day in pd.date_range(START, END):
        for kind, rate in (("new", 0.9), ("renewal", _renewals_opened(day)), ("expansion", 0.15)):
            for _ in range(rng.poisson(rate)):
                _live(rng, deals, events, day, kind)
    return read_history({"opportunities": pd.DataFrame(deals), "stage_history": pd.DataFrame(events)})


def _renewals_opened(day: pd.Timestamp) -> float:
    """Contracts that run out in the last quarter of the year are opened three months before."""
    return 1.3 if day.month in (8, 9, 10) else 0.2


def _live(rng, deals, events, day, kind):
    win, pace, size = {"new": (0.25, 45, 20_000), "renewal": (0.88, 45, 12_000), "expansion": (0.5, 30, 5_000)}[kind]
    name = f"D{len(deals):05d}"
    segment = "Enterprise" if rng.random() < 0.3 else "SMB"
    amount = round(size * (3.0 if segment == "Enterprise" else 1.0) * float(np.exp(rng.normal(0, 0.5))), 2)
    first, second = (1 + int(rng.gamma(2.0, pace / 2.0)) for _ in range(2))
    won = rng.random() < win
    lost_early = not won and rng.random() < 0.5
    moves = [(day, _STAGES[0], "open")]
    if lost_early:
        moves.append((day + pd.Timedelta(days=first), "Lost", "lost"))
    else:
        moves.append((day + pd.Timedelta(days=first), _STAGES[1], "open"))
        closing = ("Won", "won") if won else ("Lost", "lost")
        moves.append((day + pd.Timedelta(days=first + second), *closing))
    moves = [move for move in moves if move[0] <= END]
    ended = moves[-1][2] != "open"
    owner = f"R{int(rng.integers(0, 6))}"
    deals.append(
        {
            "opportunity_id": name, "owner_id": owner, "created_date": day.date(), "status": moves[-1][2],
            "stage": moves[-1][1], "amount": amount, "type": kind, "segment": segment,
            "close_date": moves[-1][0].date() if ended else None,
        }
    )  # fmt: skip
    for when, stage, status in moves:
        events.append(
            {"opportunity_id": name, "stage": stage, "entered_date": when.date(), "status": status, "amount": amount}
        )
