"""Parameter recovery and simulation-based calibration over companies drawn from the model itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import drawn
from ranks import DRAWS, judged, ranks, truth


def even(rng, n=200):
    return (rng.integers(0, DRAWS + 1, n) + 0.5) / (DRAWS + 1)


def test_even_ranks_pass_and_crowded_or_leaning_ones_do_not():
    rng = np.random.default_rng(4)
    columns = {f"even {k}": even(rng) for k in range(10)}
    table = pd.DataFrame({**columns, "too sure": even(rng), "leaning": even(rng)})
    table["too sure"] = np.where(rng.random(200) < 0.4, np.round(table["too sure"]) * 0.98 + 0.01, table["too sure"])
    table["leaning"] = table["leaning"] ** 1.6
    out = judged(table)
    assert out["uniform"].tolist() == [True] * 10 + [False] * 2
    assert out.loc["too sure", "inside_80"] < 0.65
    assert out.loc["leaning", "mean_rank"] < 0.43
    assert (out["holm"] >= out["p"]).all()


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls():
    rng = np.random.default_rng(5)
    out = judged(pd.DataFrame({k: even(rng, 64) for k in "abcd"})).sort_values("p")
    expected = np.minimum(np.maximum.accumulate(out["p"].to_numpy() * [4, 3, 2, 1]), 1.0)
    np.testing.assert_allclose(out["holm"], expected)


@pytest.mark.slow
def test_the_generator_lives_by_its_parameters():
    calm = drawn.draw(3, seed=1)
    flat = replace(calm, level=np.zeros_like(calm.level), mean=np.zeros_like(calm.mean), made=calm.made * 12)
    for number, tables in enumerate(drawn.live(flat, seed=1)):
        deals = tables["opportunities"]
        created, close = (deals[name].astype("datetime64[s]") for name in ("created_date", "close_date"))
        old = deals[created < pd.Timestamp("2023-06-30")]
        true = truth(flat, number)
        for k, called in enumerate(flat.called[number]):
            segment = drawn.prior().segments[called]
            own = old[old["segment"] == segment]
            rate, error = (own["status"] == "won").mean(), 0.5 / np.sqrt(len(own))
            assert rate == pytest.approx(true[f"win rate, {segment}"], abs=4 * error)
            won = own.index[own["status"] == "won"]
            days = (close[won] - created[won]).dt.days.median()
            assert days == pytest.approx(true[f"median cycle, {segment}"], rel=0.15, abs=1.5)
            amount = np.log(own.loc[won, "amount"])
            assert amount.std() == pytest.approx(flat.amount_sd[number, k], rel=0.2)
        made = len(deals) / (drawn.LAST_DAY - drawn.FIRST_DAY + 1)
        assert made == pytest.approx(true["creation, long run"], rel=0.15)


@pytest.mark.slow
def test_the_same_seed_draws_the_same_companies():
    one, two = (drawn.live(drawn.draw(2, seed=7), seed=7) for _ in range(2))
    for name in ("opportunities", "stage_history", "reps"):
        pd.testing.assert_frame_equal(one[1][name], two[1][name])


@pytest.mark.slow
def test_truths_are_spread_evenly_over_the_draws_of_two_hundred_fits():
    out = judged(ranks(200, seed=2018))
    assert len(out) == 18
    assert out.index[~out["uniform"]].tolist() == []
    assert out["inside_80"].between(0.7, 0.92).all()
    assert out["inside_50"].between(0.38, 0.62).all()
