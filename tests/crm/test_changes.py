from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.crm.changes import FIELDS, instants, replay

DEALS = ("O-1", "O-2", "O-3", "O-4")
COLUMNS = ["opportunity_id", "entered_date", *FIELDS, "line"]


def frame_of(rows, columns):
    return pd.DataFrame(rows, columns=columns)


def log_of(*rows):
    """Changes as (deal, at, field, old, new)."""
    frame = frame_of(rows, ["opportunity_id", "at", "field", "old", "new"])
    return frame.assign(line=np.arange(2, len(frame) + 2))


def start_of(*rows):
    """Deals as (deal, created, stage, amount)."""
    return frame_of(rows, ["opportunity_id", "created", "stage", "amount"]).astype("str")


def plain(events):
    """Events as tuples, missing values as None."""
    words = events.assign(entered_date=events["entered_date"].astype("str"))
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in words.itertuples(index=False)]


def test_state_holds_from_each_change_on():
    log = log_of(
        ("O-1", "2024-03-01T10:00:00", "stage", "Prospect", "Propose"),
        ("O-1", "2024-03-05T10:00:00", "amount", "", "120"),
        ("O-1", "2024-03-09T10:00:00", "stage", "Propose", "Won"),
    )
    events = replay(log, start_of(("O-1", "2024-02-01", "Won", "120")))
    assert events[["stage", "amount", "line"]].values.tolist() == [
        ["Prospect", "", 0],
        ["Propose", "", 2],
        ["Propose", "120", 3],
        ["Won", "120", 4],
    ]
    assert events["entered_date"].tolist()[0] == pd.Timestamp("2024-02-01")
    assert events["owner_id"].isna().all()


def test_a_field_that_the_log_does_not_follow_is_unknown_not_current():
    log = log_of(("O-1", "2024-03-01", "stage", "A", "B"))
    start = start_of(("O-1", "2024-02-01", "B", "500"), ("O-2", "2024-02-02", "A", "700"))
    assert replay(log, start)["amount"].isna().all()
    followed = replay(log, start, tracked=("stage", "amount"))
    assert followed["amount"].tolist() == ["500", "500", "700"]


def test_changes_of_one_second_are_one_event_and_the_order_of_the_log_decides():
    log = log_of(
        ("O-1", "2024-03-01T10:00:00.9Z", "stage", "A", "B"),
        ("O-1", "2024-03-01T10:00:00.1Z", "stage", "B", "C"),
        ("O-1", "2024-03-01T10:00:00Z", "amount", "1", "2"),
    )
    events = replay(log, start_of(("O-1", "2024-03-01T09:00:00Z", "C", "2")))
    assert events[["stage", "amount", "line"]].values.tolist() == [["A", "1", 0], ["C", "2", 2]]


def test_a_log_that_begins_after_a_deal_tells_nothing_of_the_time_before():
    log = log_of(("O-1", "2024-03-01", "amount", "1", "2"))
    start = start_of(("O-1", "2020-01-01", "A", "2"), ("O-2", "2020-01-01", "Won", "9"))
    events = replay(log, start.assign(since="2024-01-01"), tracked=("stage", "amount"))
    assert events[["opportunity_id", "stage", "amount"]].values.tolist() == [["O-1", "A", "2"]]


def test_a_change_dated_before_the_creation_begins_the_history():
    log = log_of(("O-1", "2024-01-01", "stage", "A", "B"), ("O-1", "2024-03-01", "stage", "B", "C"))
    events = replay(log, start_of(("O-1", "2024-02-01", "C", "")))
    assert events["stage"].tolist() == ["B", "C"]
    assert events["line"].tolist() == [2, 3]


def test_a_deal_that_only_the_log_knows_has_no_opening_event():
    log = log_of(("O-9", "2024-01-01", "stage", "A", "B"))
    events = replay(log, start_of(("O-1", "2024-02-01", "C", "")))
    assert events[["opportunity_id", "stage"]].values.tolist() == [["O-1", "C"], ["O-9", "B"]]


def test_versions_without_old_values_begin_with_the_first():
    log = log_of(("O-1", "2024-01-01", "stage", None, "A"), ("O-1", "2024-01-01", "amount", None, "5"))
    events = replay(log, start_of(("O-1", "2023-12-31", "B", "5")))
    assert plain(events[["stage", "amount"]].assign(entered_date="")) == [(None, None, ""), ("A", "5", "")]


def test_zones_are_kept_and_mixed_stamps_stay_text():
    log = log_of(("O-1", "2024-03-01T10:00:00+02:00", "stage", "A", "B"))
    aware = replay(log, start_of(("O-1", "2024-02-01T00:00:00.000+0000", "B", "")))
    assert str(aware["entered_date"].dtype) == "datetime64[s, UTC]"
    mixed = replay(log, start_of(("O-1", "2024-02-01", "B", "")))
    assert mixed["entered_date"].tolist() == ["2024-02-01T00:00:00", "2024-03-01T08:00:00Z"]
    typed = replay(log.assign(at=pd.to_datetime(log["at"]).dt.tz_convert("UTC")), start_of(("O-1", "x", "B", "")))
    assert typed["entered_date"].tolist() == [pd.Timestamp("2024-03-01T08:00:00Z")]


def test_stamps_that_cannot_be_read_and_other_fields_are_passed_over():
    log = log_of(
        ("O-1", "soon", "stage", "A", "B"), ("O-1", "2024-03", "stage", "A", "B"), ("O-1", "2024-03-01", "x", "", "")
    )
    assert len(replay(log, start_of(("O-1", "2024-02-01", "B", "")))) == 1


def test_nothing_gives_nothing():
    events = replay(log_of(), start_of())
    assert events.columns.tolist() == COLUMNS
    assert not len(events)


@pytest.mark.parametrize(
    ("word", "at", "zoned"),
    [
        ("2024-05-01T12:34:56.000+0000", "2024-05-01T12:34:56", True),
        ("2024-05-01T12:34:56.900Z", "2024-05-01T12:34:56", True),
        ("2024-05-01 12:34:56-05:30", "2024-05-01T18:04:56", True),
        ("2024-05-01 12:34", "2024-05-01T12:34:00", False),
        ("2024-05-01", "2024-05-01T00:00:00", False),
        ("2024-02-30", "NaT", False),
        ("2024", "NaT", False),
        ("", "NaT", False),
    ],
)
def test_instants(word, at, zoned):
    read = instants(pd.Series([word], dtype="str"))
    assert [str(stamp) for stamp in read.at] == [at]
    assert bool(read.zoned[0]) is zoned


def slow_replay(changes, start, tracked):
    """The same in plain Python, one deal at a time."""
    out = []
    deals = list(dict.fromkeys([*start["opportunity_id"], *changes["opportunity_id"]]))
    for deal in deals:
        own = [row for row in changes.itertuples() if row.opportunity_id == deal]
        own.sort(key=lambda row: row.at)
        now = dict.fromkeys(FIELDS)
        created = since = None
        for row in start[start["opportunity_id"] == deal].itertuples():
            created, since = row.created, row.since
            for name in FIELDS:
                first = next((change for change in own if change.field == name), None)
                now[name] = first.old if first is not None else getattr(row, name) if name in tracked else None
        known, late = dict(now), since is not None and created is not None and since > created
        if late:
            now = dict.fromkeys(FIELDS)
        events = []
        if created is not None and not late:
            begin = min([created, *(row.at for row in own)])
            events.append((begin, dict(now), 0))
        for row in own:
            if late and row.at >= since and known is not None:
                now, known = known, None
            now[row.field] = row.new
            if events and events[-1][0] == row.at:
                events[-1] = (row.at, dict(now), events[-1][2] or row.line)
            else:
                events.append((row.at, dict(now), row.line))
        out += [(deal, at, *(state[name] for name in FIELDS), line) for at, state, line in events]
    return out


TIMES = st.integers(0, 9).map(lambda day: f"2024-01-0{day + 1}" if day < 9 else "2024-01-10")
WORDS = st.sampled_from(["", "a", "b", "c"])
CHANGE = st.tuples(st.sampled_from(DEALS), TIMES, st.sampled_from(FIELDS), st.one_of(st.none(), WORDS), WORDS)
START = st.tuples(TIMES, st.booleans(), *([WORDS] * len(FIELDS)))


@settings(max_examples=80)
@given(
    log=st.lists(CHANGE, max_size=25),
    begun=st.lists(START, max_size=3),
    tracked=st.sets(st.sampled_from(FIELDS)),
    since=TIMES,
)
def test_replay_equals_the_plain_one(log, begun, tracked, since):
    changes = log_of(*log)
    rows = [
        (deal, at, *fields, since if late else None) for deal, (at, late, *fields) in zip(DEALS, begun, strict=False)
    ]
    start = frame_of(rows, ["opportunity_id", "created", *FIELDS, "since"]).astype("object")
    start = start.where(start.notna(), None)
    # From its beginning on a log is whole: it has no change of a deal before the instant from which it tells of it.
    own = {row[0]: row[-1] for row in rows}
    whole = [own.get(row.opportunity_id) is None or row.at >= own[row.opportunity_id] for row in changes.itertuples()]
    changes = changes[np.array(whole, dtype=bool)].reset_index(drop=True)
    events = replay(changes, start.astype({"since": "str", "created": "str"}), tracked)
    wanted = slow_replay(changes.astype(object).where(changes.notna(), None), start, tracked)
    assert plain(events) == [tuple(row) for row in wanted]


@settings(max_examples=40)
@given(log=st.lists(CHANGE, min_size=1, max_size=25), cut=TIMES)
def test_what_comes_later_changes_nothing_before(log, cut):
    """Poison: every change after a day is replaced; events up to it stay, old values and line numbers included."""
    # Old values tell what stood before, so a log that is consistent has them right; that is what is kept here.
    consistent, now = [], {}
    for deal, at, field, _, new in sorted(log, key=lambda row: row[1]):
        consistent.append((deal, at, field, now.get((deal, field), "first"), new))
        now[deal, field] = new
    start = frame_of(
        [(deal, "2024-01-01", *["?"] * len(FIELDS)) for deal in DEALS], ["opportunity_id", "created", *FIELDS]
    )
    whole = replay(log_of(*consistent), start, ())
    poisoned = [row if row[1] <= cut else (*row[:4], "poison") for row in consistent]
    bad = replay(log_of(*poisoned), start, ())
    early = (whole["entered_date"] <= pd.Timestamp(cut)).to_numpy()
    pd.testing.assert_frame_equal(whole[early].reset_index(drop=True), bad[early].reset_index(drop=True))


def test_many_changes_at_once():
    rng = np.random.default_rng(11)
    count, deals = 40_000, 5_000
    log = pd.DataFrame(
        {
            "opportunity_id": pd.Series(rng.integers(0, deals, count)).map("O-{:05d}".format).astype("str"),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, count), unit="s"),
            "field": rng.choice(["stage", "amount", "owner_id"], count),
            "old": "x",
            "new": "y",
        }
    )
    start = pd.DataFrame({"opportunity_id": [f"O-{i:05d}" for i in range(deals)], "created": "2023-12-31"})
    events = replay(log, start.assign(stage="y"))
    assert len(events) == deals + len(log.drop_duplicates(["opportunity_id", "at"]))
    last = events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["amount"]
    changed = log[log["field"] == "amount"]["opportunity_id"].unique()
    assert (last[changed] == "y").all()
