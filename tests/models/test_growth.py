"""Growth of creation: taken for a passing market by default, carried on where it is free, told where it is clear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from companies import history_of
from spmforecast.errors import InputError
from spmforecast.models import ModelSpec, PipelineModel
from spmforecast.models.carrying import carried_shock
from spmforecast.models.growth import FREE, GROWTHS, STEADY, Trend
from spmforecast.models.market import MonthlyCounts, fit_shock
from spmforecast.scenario.doubts import _growing
from spmforecast.scenario.notes import model_notes

MONTHS = 36


def counts(growth, seed, size=80.0):
    """Deals a month that grow by so much a year, in a market that varies by 0.15."""
    rng = np.random.default_rng(seed)
    level, path = rng.normal(0, 0.15), np.zeros(MONTHS)
    for month in range(MONTHS):
        level = 0.9 * level + np.sqrt(1 - 0.9**2) * rng.normal(0, 0.15)
        path[month] = level + growth / 12 * (month - MONTHS / 2)
    seen = rng.poisson(size * np.exp(path)).astype(float)
    return MonthlyCounts(seen, np.full(MONTHS, seen.mean()))


def ahead(shock, months=12):
    """Mean of the level's exponential in the last month ahead."""
    rng = np.random.default_rng(1)
    n = 4000
    choice, (centre, start) = rng.permutation((np.arange(n) + 0.5) / n), rng.standard_normal((2, n))
    paths = shock.paths(choice, centre, start, *rng.standard_normal((2, n, months)))
    return float(np.exp(paths[:, -1]).mean())


@pytest.mark.parametrize("growth", [0.5, -0.4])
def test_growth_goes_on_only_where_it_is_free(growth):
    errors = {way: [] for way in GROWTHS}
    for seed in range(8):
        seen = counts(growth, seed)
        truth = 80.0 * np.exp(growth / 12 * (MONTHS / 2 + 11) + 0.15**2 / 2) / seen.expected[0]
        for way, prior in GROWTHS.items():
            errors[way].append(np.log(ahead(fit_shock(*seen.log_ratio(), growths=prior)) / truth))
    steady, free = (np.mean(errors[way]) * np.sign(growth) for way in (STEADY, FREE))
    assert steady < -0.4
    assert steady + 0.15 < free < 0.1


def test_a_steady_company_is_forecast_much_alike_either_way():
    ratios = []
    for seed in range(8):
        seen = counts(0.04, seed).log_ratio()
        ratios.append(np.log(ahead(fit_shock(*seen, growths=GROWTHS[FREE])) / ahead(fit_shock(*seen))))
    assert np.abs(ratios).mean() < 0.08


def test_priors_are_symmetric_around_none_and_shrink_to_it():
    for prior in GROWTHS.values():
        assert prior.month[prior.log.argmax()] == 0.0
        density = prior.log - np.log(np.gradient(prior.month))
        assert density[prior.month > 0][0] == pytest.approx(density[prior.month < 0][-1])


@pytest.mark.parametrize("months", [0, 3])
def test_a_market_carried_to_a_later_month_has_grown_by_then(months):
    """Without luck the later path is the rest of the earlier one."""
    shock = fit_shock(*counts(0.5, 1).log_ratio(), growths=GROWTHS[FREE])
    choice, none = (np.arange(50) + 0.5) / 50, np.zeros((2, 50))
    whole = shock.paths(choice, *none, *np.zeros((2, 50, 6 + months)))
    later = carried_shock(shock, months).paths(choice, *none, *np.zeros((2, 50, 6)))
    np.testing.assert_allclose(later, whole[:, months:], atol=1e-12)


def grown(growth):
    """One rep's deals of three years, each won or lost within a month."""
    rng = np.random.default_rng(3)
    rows, events = [], []
    for month, label in enumerate(pd.period_range("2021-01", "2023-12", freq="M")):
        for _ in range(rng.poisson(25 * np.exp(growth / 12 * month))):
            day = label.start_time + pd.Timedelta(days=int(rng.integers(28)))
            close = day + pd.Timedelta(days=int(rng.integers(1, 30)))
            name = f"D{len(rows):05d}"
            status = "won" if rng.random() < 0.3 else "lost"
            rows.append(
                {"opportunity_id": name, "created_date": day, "close_date": close, "status": status, "amount": 100.0}
            )
            events.append({"opportunity_id": name, "stage": "Open", "entered_date": day})
    return history_of(rows, events)


@pytest.mark.parametrize("growth", [0.0, 0.5])
def test_the_fit_tells_growth_that_is_clear(growth):
    trend = PipelineModel().fit(grown(growth), as_of="2023-12-31").market.trend
    assert trend.clear == (growth > 0)
    assert trend.low <= trend.year <= trend.high
    if growth:
        assert trend.low < 0.5 < trend.high + 0.1


@pytest.mark.parametrize(("growth", "way", "past"), [(0.5, "grows", "grown"), (-0.5, "falls", "fallen")])
def test_notes_and_warnings_say_growth_in_per_cent_and_words(growth, way, past):
    """Half as much again in the log is 65 % a year, and the note is no nearer to 50 than the fit is."""
    history = grown(growth)
    free = PipelineModel(ModelSpec(growth=FREE)).fit(history, as_of="2023-12-31")
    log = 12 * float(free.market.creation.weight @ free.market.creation.growth)
    assert log * np.sign(growth) > 0.2
    notes = " ".join(model_notes(free, None)["notes"])
    assert f"creation by a rep {way} by {100 * abs(np.expm1(log)):.0f} % a year, damped" in notes
    assert _growing(free) == []
    steady = PipelineModel().fit(history, as_of="2023-12-31")
    assert f"{way} by" not in " ".join(model_notes(steady, None)["notes"])
    clear = replace(steady, market=replace(steady.market, trend=Trend(growth, growth - 0.1, growth + 0.1, 0.9)))
    (warning,) = _growing(clear)
    year, low, high = (100 * np.expm1(growth + more) for more in (0.0, -0.1, 0.1))
    told = f"(90 % interval of the change {low:+.0f} to {high:+.0f} %)"
    assert warning.startswith(f"deals created by a rep have {past} by {abs(year):.0f} % a year {told}")


def test_only_known_growths_are_taken():
    with pytest.raises(InputError, match="unknown growth 'wild'; use one of steady, free"):
        ModelSpec(growth="wild")
