"""Old days that count less: the fit follows what deals do of late, and says how little that rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import profiles_of, stays_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.evaluate.law_choice import HALF_LIVES_TO_TRY, choose_half_life
from spmforecast.models import ModelSpec
from spmforecast.models.risksets import CENSORED
from spmforecast.models.transitions import fit_with_statistics

FIRST, TODAY = (int(np.datetime64(day, "D").astype(np.int64)) for day in ("2021-01-01", "2024-12-31"))
CHANGE = int(np.datetime64("2024-01-01", "D").astype(np.int64))
EARLY, LATE = 0.01, 0.03  # exits a day, before the change and from then on
WON = 0.4


def lived(seed, late=LATE, deals=3000):
    """Day of creation and of closing (after today where still open), and outcome, of deals of one stage."""
    rng = np.random.default_rng(seed)
    born = rng.integers(FIRST, TODAY + 1, deals)
    asked, before = rng.exponential(size=deals), np.maximum(CHANGE - born, 0)
    early = np.floor(asked / EARLY)
    closed = np.where(early < before, early, before + np.floor(np.maximum(asked - EARLY * before, 0) / late))
    return born, born + closed.astype(np.int64), rng.random(deals) < WON


def fit(spec, seed=1, **options):
    born, closed, won = lived(seed, **options)
    done = closed <= TODAY
    to = np.where(done, np.where(won, 1, 2), CENSORED)
    age = np.minimum(closed, TODAY) - born
    rows = zip(range(len(born)), np.zeros_like(born), born, np.zeros_like(born), age, to, strict=True)
    stays = stays_of(list(rows), stages=("A",), today=TODAY)
    return fit_with_statistics(stays, profiles_of(np.zeros(len(born))), FiscalCalendar(), spec)


def daily(process):
    """Rate of leaving at ten days of age."""
    return process.intensities()[0, 0, :, process.bins.of_age[0, 0, 10]].sum()


def test_rates_are_those_of_late():
    whole, recent = (daily(fit(ModelSpec(half_life=quarters))[0]) for quarters in (np.inf, 1.0))
    assert recent == pytest.approx(LATE, rel=0.1)
    assert whole < 0.8 * recent


def test_less_of_the_record_is_more_doubt():
    process = [fit(ModelSpec(half_life=quarters), late=EARLY)[0] for quarters in (np.inf, 4.0, 1.0)]
    rng = [np.random.default_rng(3) for _ in process]
    spread = [
        np.log([one.intensity_draws(g, 400)[:, 0, 0, 1].mean(axis=1)]).std()
        for one, g in zip(process, rng, strict=True)
    ]
    assert spread[0] < spread[1] < spread[2]
    assert [daily(one) for one in process[:2]] == pytest.approx([EARLY] * 2, rel=0.15)


def test_exits_and_days_at_risk_are_weighed_alike():
    process, count = fit(ModelSpec(half_life=4.0))
    weight = 2.0 ** (-(TODAY - count.days) / 365.25)
    seen = (count.events * weight).sum(axis=(0, 4))
    # Half an exit of the stage's own rate leans on each bin (see the cyclic fit); what is beyond them is the record.
    lean = (process.base_events - seen)[0]
    np.testing.assert_allclose(lean, np.repeat([[0.0], [0.5], [0.5]], lean.shape[1], axis=1), atol=1e-9)
    assert seen.sum() < 0.5 * count.events.sum()


def test_no_decay_is_the_fit_without_weights():
    plain, endless = fit(ModelSpec())[0], fit(ModelSpec(half_life=1e12))[0]
    np.testing.assert_allclose(endless.intensities(), plain.intensities(), rtol=1e-6)


def history(late):
    born, closed, won = lived(5, late=late)
    done = closed <= TODAY
    status = np.where(done, np.where(won, "won", "lost"), "open")
    close = pd.to_datetime(np.where(done, closed, TODAY), unit="D").where(done)
    deals = {"opportunity_id": [f"D{i}" for i in range(len(born))], "owner_id": "R1", "status": status}
    frame = pd.DataFrame({**deals, "created_date": pd.to_datetime(born, unit="D"), "close_date": close})
    return read_history({"opportunities": frame})


def test_a_company_that_changed_gets_a_half_life():
    choice = choose_half_life(history(LATE), "2024-12-31", ModelSpec())
    assert choice.spec.half_life in (2.0, 4.0)
    assert choice.table["half_life"].tolist() == list(HALF_LIVES_TO_TRY)
    assert choice.told().startswith(
        f"Time decay: half after {choice.spec.half_life:g} quarters; its score was better by"
    )


def test_a_company_that_stays_as_it_is_gets_none():
    choice = choose_half_life(history(EARLY), "2024-12-31", ModelSpec(law="weibull"))
    assert choice.spec == ModelSpec(law="weibull")
    assert "Time decay: none; nothing foretold clearly better (4 ways tried" in choice.told()


def test_a_half_life_is_positive():
    with pytest.raises(InputError, match="half-life must be a positive number of quarters"):
        ModelSpec(half_life=0.0)
