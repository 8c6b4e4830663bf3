"""Stays: one row for each visit of a deal to a stage, with right censoring and left truncation.

Time is counted in whole days. A deal that enters a stage on day ``e`` is at risk on the days ``e, e+1, …`` at
the ages ``0, 1, …``; it leaves on day ``x`` at age ``x - e`` (zero for a move on the same day) or is censored at
the close of the as-of day, or of its ``censored_on`` where a deal was lost in a clean-up and is watched no longer.
A stay is at risk at every age ``start <= age <= duration``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import History

__all__ = ["CENSORED", "Stays", "build_stays", "day_number"]

Ints = npt.NDArray[np.int64]

CENSORED = -1
_SINGLE_STAGE = "Open"
_CLOSED = "\x1f"  # marks the closing states apart from any stage of the same name


@dataclass(frozen=True)
class Stays:
    """The sojourn table as arrays; row order is by deal, then time.

    Parameters
    ----------
    stages : tuple of str
        Stages in the order in which deals usually meet them. Destination ``len(stages)`` is won and
        ``len(stages) + 1`` is lost.
    deal, stage, entry, start, duration, to : numpy.ndarray of int, shape (n,)
        Row of the deal, stage, entry day, first age at which the deal was watched, age at exit or at the day
        up to which it is watched, destination or :data:`CENSORED`.
    deals : pandas.DataFrame
        The deals that the rows point to.
    today : int
        The as-of day.
    unplaced : int
        Deals without a stage record of their own; taken as entering the usual first stage at creation.
    """

    stages: tuple[str, ...]
    deal: Ints
    stage: Ints
    entry: Ints
    start: Ints
    duration: Ints
    to: Ints
    deals: pd.DataFrame
    today: int
    unplaced: int = 0

    @property
    def won(self) -> int:
        """Destination code of a win."""
        return len(self.stages)

    @property
    def lost(self) -> int:
        """Destination code of a loss."""
        return len(self.stages) + 1

    @property
    def censored(self) -> npt.NDArray[np.bool_]:
        """Rows whose end was not seen."""
        return np.asarray(self.to == CENSORED)

    @property
    def open_now(self) -> npt.NDArray[np.bool_]:
        """Rows that are still running at the as-of day, not those that are watched no longer."""
        return np.asarray(self.censored & (self.entry + self.duration == self.today))


def day_number(dates: pd.Series | pd.DatetimeIndex) -> Ints:
    """Count days since 1970-01-01; missing dates become the smallest integer."""
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64)


def build_stays(history: History) -> Stays:
    """Rebuild every visit from the events known to a history.

    Parameters
    ----------
    history : History
        Already cut at its as-of date.

    Returns
    -------
    Stays
    """
    # In order of id, so that sums, and with them the fit, do not hang on the order of the file.
    deals = history.deals().sort_values("opportunity_id", kind="stable").reset_index(drop=True)
    assert history.known_at is not None, "stays need a history that is cut at a date"
    today = int(day_number(pd.DatetimeIndex([history.known_at]))[0])
    events, unplaced = _events(deals, history.stage_history)
    stages = _stage_order(events)
    codes = {stage: code for code, stage in enumerate((*stages, _CLOSED + "won", _CLOSED + "lost"))}
    events["code"] = events["state"].map(codes).astype(np.int64)
    until = _watched_until(deals, today)
    events = events[day_number(events["when"]) <= until[events["deal"].to_numpy(dtype=np.int64)]]
    return _to_stays(events, stages, deals, today, until, history.observed_from, unplaced)


def _watched_until(deals: pd.DataFrame, today: int) -> Ints:
    """Return the last day on which each deal is watched: today, or the day of ``censored_on`` if it was lost later."""
    until = np.full(len(deals), today, dtype=np.int64)
    if "censored_on" not in deals:
        return until
    day, close = day_number(deals["censored_on"]), day_number(deals["close_date"])
    swept = (deals["status"] == "lost").to_numpy() & deals["censored_on"].notna().to_numpy() & (day < close)
    return np.where(swept, day, until)


def _events(deals: pd.DataFrame, stage_history: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Put entries, moves and closings of all deals in one frame of (deal, when, rank, state)."""
    row_of = pd.Series(np.arange(len(deals)), index=deals["opportunity_id"])
    moves = _moves(stage_history, row_of)
    first_stage = _first_stage(moves)
    placed = np.zeros(len(deals), dtype=bool)
    placed[moves["deal"].to_numpy()] = True
    missing = deals.index[~placed]
    entries = pd.DataFrame(
        {"deal": missing, "when": deals.loc[missing, "created_date"].to_numpy(), "rank": -1, "state": first_stage}
    )
    closings = _closings(deals)
    events = pd.concat([entries, moves, closings], ignore_index=True)
    events = events.sort_values(["deal", "when", "rank"], kind="stable").reset_index(drop=True)
    return _drop_after_final_closing(events, deals), len(missing) if len(moves) else 0


def _moves(stage_history: pd.DataFrame, row_of: pd.Series) -> pd.DataFrame:
    """Take the recorded moves; a row whose status is won or lost is a closing, whatever its stage is called."""
    known = stage_history[stage_history["opportunity_id"].isin(row_of.index)]
    status = known["status"].fillna("open").to_numpy(dtype=object)
    state = np.where(status == "open", known["stage"].astype(object), _CLOSED + status)
    return pd.DataFrame(
        {
            "deal": row_of.reindex(known["opportunity_id"]).to_numpy(dtype=np.int64),
            "when": known["entered_date"].to_numpy(),
            # Closings of a day come after its moves, whatever the order of the file.
            "rank": np.arange(len(known), dtype=np.int64) + len(known) * (status != "open"),
            "state": state.astype(object),
        }
    )


def _first_stage(moves: pd.DataFrame) -> str:
    """Return the stage in which most deals begin."""
    firsts = moves.drop_duplicates("deal")["state"]
    firsts = firsts[~firsts.str.startswith(_CLOSED)] if len(firsts) else firsts
    return str(firsts.mode().iloc[0]) if len(firsts) else _SINGLE_STAGE


def _closings(deals: pd.DataFrame) -> pd.DataFrame:
    """List the closings that the deals themselves state."""
    closed = deals[deals["status"].isin(["won", "lost"]) & deals["close_date"].notna()]
    rank = np.iinfo(np.int64).max
    state = _CLOSED + closed["status"].astype(object)
    # The deal's own close date may carry no time; it comes after every move of that day.
    when = closed["close_date"].dt.normalize() + pd.Timedelta(days=1) - pd.Timedelta(seconds=1)
    return pd.DataFrame({"deal": closed.index, "when": when.to_numpy(), "rank": rank, "state": state.to_numpy()})


def _drop_after_final_closing(events: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Drop repeats of a state, moves dated after the close of a closed deal, and its closing stage row."""
    closed = deals["status"].isin(["won", "lost"]).to_numpy() & deals["close_date"].notna().to_numpy()
    limit = np.where(closed, day_number(deals["close_date"]), np.iinfo(np.int64).max)
    events = events[day_number(events["when"]) <= limit[events["deal"].to_numpy()]]
    # A stage in which no open deal ever rested ("Closed Won" without a status) is the closing itself.
    final = events["state"].str.startswith(_CLOSED).to_numpy()
    next_deal = np.append(events["deal"].to_numpy()[1:], -1)
    before_closing = np.append(final[1:], False) & (next_deal == events["deal"].to_numpy()) & ~final
    same_day = np.append(np.diff(day_number(events["when"])) == 0, False)
    only_closing = ~events["state"].isin(events["state"][~(before_closing & same_day) & ~final]).to_numpy()
    events = events[~(only_closing & before_closing & same_day)]
    deal, state = events["deal"].to_numpy(), events["state"].to_numpy()
    repeat = np.append(False, (deal[1:] == deal[:-1]) & (state[1:] == state[:-1]))
    return events[~repeat].reset_index(drop=True)


def _stage_order(events: pd.DataFrame) -> tuple[str, ...]:
    """Order stages by their mean place among a deal's first visits, names deciding ties."""
    visits = events[~events["state"].str.startswith(_CLOSED)].drop_duplicates(["deal", "state"])
    place = visits.groupby("deal").cumcount()
    mean_place = place.groupby(visits["state"]).mean()
    return tuple(str(stage) for stage in sorted(mean_place.index, key=lambda stage: (mean_place[stage], stage)))


def _to_stays(
    events: pd.DataFrame,
    stages: tuple[str, ...],
    deals: pd.DataFrame,
    today: int,
    until: Ints,
    observed_from: pd.Timestamp | None,
    unplaced: int,
) -> Stays:
    """Pair each entry with the event that ends it."""
    deal, code = events["deal"].to_numpy(dtype=np.int64), events["code"].to_numpy(dtype=np.int64)
    day = day_number(events["when"])
    has_next = np.append(deal[1:] == deal[:-1], False)
    to = np.where(has_next, np.append(code[1:], CENSORED), CENSORED)
    leave = np.where(has_next, np.append(day[1:], today), until[deal])
    watched_from = day if observed_from is None else np.maximum(day, day_number(pd.DatetimeIndex([observed_from]))[0])
    keep = (code < len(stages)) & (leave >= watched_from)
    return Stays(
        stages=stages,
        deal=deal[keep],
        stage=code[keep],
        entry=day[keep],
        start=(watched_from - day)[keep],
        duration=(leave - day)[keep],
        to=to[keep],
        deals=deals,
        today=today,
        unplaced=unplaced,
    )
