"""Tests of the choice among specifications: the score, the rule, nothing of the future, short records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from companies import AS_OF, example_tables, profiles_of, stays_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.evaluate import law_choice
from spmforecast.models import ModelSpec
from spmforecast.models.risksets import CENSORED
from spmforecast.models.transitions import fit_transitions

DAY = int(np.datetime64("2022-01-04").astype(np.int64))


def test_the_score_is_the_likelihood_of_what_came():
    rng = np.random.default_rng(4)
    age = np.minimum(rng.geometric(0.03, 300) - 1, 150)
    rows = [(k, 0, DAY, 0, int(a), 1 + k % 2) for k, a in enumerate(age)]
    now = DAY + 200
    rows += [(300 + k, 0, now - 20, 0, 20, CENSORED) for k in range(3)]
    before = stays_of(rows, stages=("A",), today=now)
    later = [
        *rows[:300],
        (300, 0, now - 20, 0, 25, 1),
        (301, 0, now - 20, 0, 30, CENSORED),
        (302, 0, now - 20, 0, 21, 2),
    ]
    after = stays_of(later, stages=("A",), today=now + 10)
    profiles = profiles_of(np.zeros(303))
    process = fit_transitions(before, profiles, FiscalCalendar(), ModelSpec())
    got = law_choice.stay_scores(process, before, profiles, after)

    def chances(age):
        day = np.array([now - 20 + age])
        rate = process.intensities()[0, 0, :, process.bins.of_age[0, 0, min(age, process.bins.cap)]]
        rate = rate * process.rhythm[:, process.types_of(day)[0]]
        return -np.expm1(-rate.sum()) * rate / rate.sum(), np.exp(-rate.sum())

    stay = {a: chances(a)[1] for a in range(21, 31)}
    won = np.prod([stay[a] for a in range(21, 25)]) * chances(25)[0][1]
    lost = chances(21)[0][2]
    still = np.prod(list(stay.values()))
    assert got == pytest.approx(-np.log([won, still, lost]))


def _quarters(rng, gaps):
    """Scores of a default and a rival that differ by given gaps."""
    out = []
    for gap in gaps:
        own = rng.normal(3, 0.1, 50)
        out.append([own, own + gap])
    return out


def test_the_default_is_kept_unless_another_is_clearly_better():
    rng = np.random.default_rng(0)
    specs = [ModelSpec(), ModelSpec(law="weibull")]
    clear = law_choice._choice(specs, _quarters(rng, [-0.1, -0.12, -0.08, -0.1]))
    assert clear.spec.law == "weibull"
    assert clear.table.loc[1, "difference"] == pytest.approx(-0.1)
    assert "weibull; its score was better by 0.1000" in clear.told()
    doubtful = law_choice._choice(specs, _quarters(rng, [-0.3, 0.25, -0.05, 0.02]))
    assert doubtful.spec.law == "piecewise"
    assert "nothing foretold clearly better" in doubtful.told()


@pytest.fixture(scope="module")
def chosen():
    history = spm.read_history(example_tables())
    specs = [ModelSpec(), ModelSpec(law="exponential")]
    return law_choice.choose_law(history, AS_OF, specs, quarters=3)


def test_a_choice_on_a_company_shows_its_scores(chosen):
    assert chosen.table["law"].tolist() == ["piecewise", "exponential"]
    assert chosen.table["quarters"].iloc[0] >= 2
    assert chosen.table["stays"].iloc[0] >= 20
    assert chosen.table["score"].between(0, 20).all()
    assert chosen.table["chosen"].sum() == 1


def test_the_future_does_not_reach_the_choice(chosen):
    tables = dict(example_tables())
    past = pd.Timestamp(AS_OF)
    for name, column in (("opportunities", "created_date"), ("stage_history", "entered_date")):
        table = tables[name]
        tables[name] = table[pd.to_datetime(table[column]) <= past]
    specs = [ModelSpec(), ModelSpec(law="exponential")]
    again = law_choice.choose_law(spm.read_history(tables), AS_OF, specs, quarters=3)
    pd.testing.assert_frame_equal(again.table, chosen.table)


def test_a_record_too_short_keeps_the_default():
    history = spm.read_history(example_tables())
    choice = law_choice.choose_law(history, "2022-08-15", quarters=2)
    assert choice.spec == ModelSpec()
    assert "too short" in choice.told()


def test_wrong_input_is_named():
    history = spm.read_history(example_tables())
    with pytest.raises(InputError, match="nothing to choose from"):
        law_choice.choose_law(history, AS_OF, [])
    with pytest.raises(InputError, match="at least two quarters"):
        law_choice.choose_law(history, AS_OF, quarters=1)
