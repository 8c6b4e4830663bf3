"""Draws under another map: nothing is lost on the way, and what passes is what was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spmforecast.evaluate.remapped import Passage, binomial_quantile, remapped
from spmforecast.simulate import Forecast

OWNERS, PERIODS, SEGMENTS = ("A", "B", "C"), ("2025Q3", "2025Q4"), ("SMB", "Mid")


def company(trials: int = 400, seed: int = 0) -> Forecast:
    rng = np.random.Generator(np.random.Philox(key=seed))
    rows = [
        (owner, part, period, segment, f"M-{owner}")
        for owner in OWNERS
        for part in ("open", "new")
        for period in PERIODS
        for segment in SEGMENTS
        if not (owner == "C" and segment == "Mid")
    ]
    cells = pd.DataFrame(rows, columns=["owner_id", "part", "period", "segment", "manager_id"])
    counts = rng.poisson(3.0, (trials, len(cells)))
    draws = np.round(counts * rng.lognormal(8.0, 0.5, counts.shape), 2)
    return Forecast(draws, cells, counts=counts.astype(np.float32))


def sums(forecast: Forecast, by: list[str], counts: bool = False) -> np.ndarray:
    return forecast.totals(by, counts).draws


def test_without_moves_every_byte_is_the_same() -> None:
    today = company()
    after = remapped(today, [Passage(0, "B", 0.0)])
    assert after.draws.tobytes() == today.draws.tobytes()
    assert after.counts is not None
    assert today.counts is not None
    assert after.counts.tobytes() == today.counts.tobytes()
    pd.testing.assert_frame_equal(after.cells, today.cells)


@settings(max_examples=20, deadline=None)
@given(
    parts=st.lists(
        st.tuples(st.integers(0, 19), st.sampled_from([*OWNERS, "D"]), st.floats(0.01, 0.33)),
        max_size=12,
        unique_by=lambda part: part[:2],
    )
)
def test_every_trial_keeps_its_sums(parts: list[tuple[int, str, float]]) -> None:
    today = company(64)
    wanted = [Passage(*part) for part in parts if today.cells["owner_id"].iloc[part[0]] != part[1]]
    after = remapped(today, wanted)
    by = ["part", "period", "segment"]
    np.testing.assert_allclose(sums(after, by), sums(today, by), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(sums(after, by, counts=True), sums(today, by, counts=True))
    assert after.draws.min() > -1e-6


def test_a_share_passes_in_whole_wins() -> None:
    today = company(20_000)
    after = remapped(today, [Passage(0, "B", 0.3), Passage(0, "D", 0.2)])
    gone = today.counts[:, 0] - after.counts[:, 0]  # type: ignore[index]
    assert (gone == np.rint(gone)).all()
    assert gone.mean() == pytest.approx(0.5 * today.counts[:, 0].mean(), abs=0.03)  # type: ignore[index]
    heir = after.cells.index[after.cells["owner_id"] == "D"]
    assert len(heir) == 1
    assert after.draws[:, heir[0]].mean() == pytest.approx(0.2 * today.draws[:, 0].mean(), rel=0.03)
    # Thinning a Poisson count gives a Poisson count: its variance is its mean.
    assert after.counts[:, heir[0]].var() == pytest.approx(0.6, abs=0.03)  # type: ignore[index]
    untouched = np.setdiff1d(np.arange(len(today.cells)), [0, after.cells.index[after.cells["owner_id"] == "B"][0]])
    np.testing.assert_array_equal(after.draws[:, untouched], today.draws[:, untouched])


def test_all_passes_exactly_and_takes_its_new_manager() -> None:
    today = company()
    after = remapped(today, [Passage(0, "D", 1.0)], {"D": "M-new"})
    assert not after.draws[:, 0].any()
    np.testing.assert_array_equal(after.draws[:, -1], today.draws[:, 0])
    assert after.cells.iloc[-1].to_dict() == {**today.cells.iloc[0].to_dict(), "owner_id": "D", "manager_id": "M-new"}


@pytest.mark.parametrize("factor", [0.0, 0.8, 1.3, 2.5])
def test_a_factor_holds_on_average_and_wins_stay_whole(factor: float) -> None:
    today = company(20_000)
    after = remapped(today, [Passage(0, "D", 1.0, factor)])
    assert after.draws[:, -1].mean() == pytest.approx(factor * today.draws[:, 0].mean(), rel=0.02)
    wins = after.counts[:, -1]  # type: ignore[index]
    assert (wins == np.rint(wins)).all()
    assert wins.mean() == pytest.approx(3.0 * factor, rel=0.02)


def test_the_same_seed_gives_the_same_bytes_and_order_changes_nothing() -> None:
    today = company()
    parts = [Passage(0, "B", 0.3), Passage(0, "C", 0.2), Passage(9, "A", 0.5)]
    first, again = remapped(today, parts, seed=4), remapped(today, parts[::-1], seed=4)
    assert first.draws.tobytes() == again.draws.tobytes()
    assert first.draws.tobytes() != remapped(today, parts, seed=5).draws.tobytes()


def test_amounts_pass_in_proportion_where_wins_were_not_counted() -> None:
    today = company()
    bare = Forecast(today.draws, today.cells)
    after = remapped(bare, [Passage(0, "D", 0.25)])
    np.testing.assert_allclose(after.draws[:, -1], 0.25 * today.draws[:, 0], atol=0.005001)
    assert after.counts is None


def test_binomial_quantile_against_scipy() -> None:
    rng = np.random.Generator(np.random.Philox(key=3))
    size, uniform = rng.integers(0, 12, 500), rng.random(500)
    for chance in (0.0, 0.2, 0.77, 1.0):
        wanted = np.where(size > 0, stats.binom.ppf(uniform, np.maximum(size, 1), chance), 0)
        np.testing.assert_array_equal(binomial_quantile(uniform, size, chance), wanted)
