"""Recent activity moves the chances of open deals where it tells something, and not a byte where it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, example_tables
from spmforecast.data import read_history
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate


def activities(deals, days, kind):
    ids = [f"V{i}" for i in range(len(days))]
    return pd.DataFrame({"activity_id": ids, "date": days, "type": kind, "opportunity_id": deals})


def telling(tables):
    """A meeting a week on every deal in the six weeks before it is won, and a mail a month on any deal that lives."""
    deals = tables["opportunities"]
    close = pd.to_datetime(deals["close_date"])
    won = (deals["status"] == "won").to_numpy()
    created = pd.to_datetime(deals["created_date"])
    parts = [
        (deals["opportunity_id"][won], close[won] - pd.Timedelta(days=back), "meeting") for back in range(1, 42, 7)
    ]
    parts += [(deals["opportunity_id"], created + pd.Timedelta(days=on), "email") for on in (1, 31, 61)]
    names, days = (np.concatenate([part[k].to_numpy() for part in parts]) for k in (0, 1))
    kinds = np.concatenate([np.full(len(part[0]), part[2], dtype=object) for part in parts])
    keep = days <= np.datetime64("2024-12-31")
    return activities(names[keep], days[keep], kinds[keep])


def noise(tables, rng):
    """Mails on whatever deal, on whatever day of its life."""
    deals = tables["opportunities"]
    some = deals.iloc[rng.integers(0, len(deals), 3 * len(deals))]
    on = pd.to_timedelta(rng.integers(0, 90, len(some)), unit="D")
    return activities(
        some["opportunity_id"].to_numpy(), (pd.to_datetime(some["created_date"]) + on).to_numpy(), "email"
    )


def forecast(tables, until=AS_OF):
    model = PipelineModel().fit(read_history(tables), as_of=until)
    return simulate(model, until="2024-12-31", trials=512, seed=3, worlds=8)


@pytest.fixture(scope="module")
def plain():
    tables = {name: table for name, table in example_tables().items() if name != "activities"}
    return tables, forecast(tables)


def test_activity_that_tells_is_used_and_told(plain):
    tables, without = plain
    log = telling(tables)
    told = forecast({**tables, "activities": log})
    assert any("is among these signals" in note for note in told.told)
    seen = log[(log["date"] <= AS_OF) & (log["date"] > pd.Timestamp(AS_OF) - pd.Timedelta(days=28))]
    met = told.deals["opportunity_id"].isin(seen.loc[seen["type"] == "meeting", "opportunity_id"])
    assert met.sum() >= 3
    rise = told.deals["p_win"] - without.deals["p_win"]
    assert rise[met].mean() > 0.08 > rise[~met].mean()
    truth = tables["opportunities"].set_index("opportunity_id").loc[told.deals["opportunity_id"], "status"] == "won"
    brier = [((one.deals["p_win"].to_numpy() - truth.to_numpy()) ** 2).mean() for one in (told, without)]
    assert brier[0] < 0.92 * brier[1]


def test_activity_that_tells_nothing_changes_no_byte(plain):
    tables, without = plain
    same = forecast({**tables, "activities": noise(tables, np.random.default_rng(8))})
    assert any("is not among these signals" in note for note in same.told)
    np.testing.assert_array_equal(same.draws, without.draws)
    pd.testing.assert_frame_equal(same.deals, without.deals)


def test_activity_of_later_days_is_not_known(plain):
    tables, _ = plain
    log = telling(tables)
    later = log["date"] > AS_OF
    poisoned = log.assign(
        type=log["type"].where(~later, "call"), date=log["date"].where(~later, pd.Timestamp("2024-12-30"))
    )
    one, other = (forecast({**tables, "activities": table}) for table in (log, poisoned))
    np.testing.assert_array_equal(one.draws, other.draws)


def test_without_activities_nothing_is_said_of_them(plain):
    assert len(plain[1].told) == 1
    assert "activity" not in plain[1].told[0]
