"""The shipped forecast: mixed where the mix scored better, and its cells still add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.evaluate.backtest.judge import FORECAST, MIX, Judge
from spmforecast.evaluate.backtest.predict import Told
from spmforecast.evaluate.combined import _shipped
from spmforecast.evaluate.mixing import pool_terms

NODES = (("company", "company"), ("rep", "R1"), ("rep", "R2"))


def judged(mix_crps: float, cases: int, scatter: float = 0.0) -> Judge:
    """A judge before whom the rival "run rate" and its mix did as told, from case to case by as much more and less."""
    rng = np.random.default_rng(1)
    terms = [(pool_terms(rng.normal(0, 5, 50), rng.normal(0, 1, 50), 0.0), 1.0) for _ in range(cases)]
    rows = [
        {"ahead": 0, "level": "company", "method": method, "as_of": f"2024-0{k + 1}-01", "crps": crps}
        for k in range(cases)
        for method, crps in ((FORECAST, 10.0), (MIX, mix_crps + scatter * (-1) ** k))
    ]
    return Judge(1, terms={"run rate": terms}, cells=rows)


def told(company: float = 500.0) -> Told:
    point = company * np.array([[1.0], [0.5], [0.5]])
    return Told("2024-12-31", 0, ("2025Q1",), NODES, np.zeros((3, 1)), {"run rate": point}, (), NODES, np.zeros((3, 0)),
                np.zeros((0, 3, 1)))  # fmt: skip


def forecast() -> spm.Forecast:
    cells = pd.DataFrame({
        "owner_id": ["R1", "R1", "R2", "R2"], "part": ["won", "open", "new", "new"],
        "period": ["2025Q1", "2025Q1", "2025Q1", "2025Q2"],
    })  # fmt: skip
    draws = np.random.default_rng(2).gamma(2.0, 50.0, (2000, 4))
    draws[:, 0] = 40.0
    return spm.Forecast(draws, cells)


def test_a_mix_that_scored_better_is_shipped() -> None:
    own = forecast()
    mixed = _shipped(own, judged(mix_crps=8.0, cases=6), told(), seed=1)
    row = mixed.choice.iloc[0]
    assert row["shipped"]
    assert row["rival"] == "run rate"
    assert "the forecast is a mix with run rate" in mixed.notes[0]
    total = mixed.forecast.period_draws("2025Q1")
    taken = np.isclose(total, 500.0)  # a rival without past errors says its point alone
    assert taken.mean() == pytest.approx(1 - row["weight"], abs=0.03)
    np.testing.assert_allclose(mixed.forecast.draws[~taken], own.draws[~taken])
    np.testing.assert_allclose(mixed.forecast.draws[:, 0], 40.0)  # what is won stays
    np.testing.assert_allclose(mixed.forecast.draws[:, 3], own.draws[:, 3])  # so does the period after


@pytest.mark.parametrize(("mix_crps", "cases"), [(12.0, 6), (8.0, 3)])
def test_a_mix_that_did_worse_or_was_hardly_tried_is_not(mix_crps: float, cases: int) -> None:
    own = forecast()
    mixed = _shipped(own, judged(mix_crps, cases), told(), seed=1)
    assert not mixed.choice["shipped"].any()
    np.testing.assert_array_equal(mixed.forecast.draws, own.draws)
    assert "the forecast is the model's own" in mixed.notes[0]


def test_a_mix_that_scored_better_by_luck_is_not_shipped() -> None:
    mixed = _shipped(forecast(), judged(mix_crps=9.8, cases=6, scatter=3.0), told(), seed=1)
    row = mixed.choice.iloc[0]
    assert row["mix_crps"] < row["own_crps"]
    assert row["gain_se"] == pytest.approx(3.0 * np.sqrt(6 / 5) / np.sqrt(6))
    assert not row["shipped"]
    assert "did not score clearly better" in mixed.notes[0]
    assert "standard error of the difference 1" in mixed.notes[0]


def test_a_rival_that_says_nothing_more_will_come_takes_no_part() -> None:
    own = forecast()
    mixed = _shipped(own, judged(mix_crps=8.0, cases=6), told(company=0.0), seed=1)
    assert mixed.choice.iloc[0]["rival"] == ""
    np.testing.assert_array_equal(mixed.forecast.draws, own.draws)
