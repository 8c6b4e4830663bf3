"""Schemes and pay plans on the same draws, on figures that can be checked on paper."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.evaluate.fairness import fairness
from spmforecast.evaluate.schemes import compare_schemes

DRAWS = np.array([[10.0, 30.0], [20.0, 10.0], [30.0, 50.0], [40.0, 0.0]])


def flat(bookings, quota):
    """A tenth of bookings, and a fifth of what lies above quota."""
    return 0.1 * bookings + 0.2 * np.maximum(bookings - quota, 0.0)


def many(seed=1):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(np.linspace(9, 11, 12), np.linspace(0.2, 0.8, 12), (3000, 12)))


def test_figures_on_paper():
    found = compare_schemes(DRAWS, {"a": [20.0, 20.0], "b": [30.0, 10.0]}, 35.0, {"flat": flat}, last=[20.0, np.nan])
    a, b = found.table.set_index("scheme").loc[["a", "b"]].to_dict("records")
    # Capped at quota: 30, 30, 40, 20 under a; 20, 30, 40, 30 under b.
    assert a["p_carried"] == 0.25
    assert b["p_carried"] == 0.25
    assert a["p_plan"] == b["p_plan"] == 0.75  # sums 40, 30, 80, 40
    assert a["reps_at_quota"] == pytest.approx((0.75 + 0.5) / 2)
    assert b["reps_at_quota"] == pytest.approx((0.5 + 0.75) / 2)
    assert a["expected_attainment"] == pytest.approx(47.5 / 40)
    assert a["change"] == 0.0
    assert b["change"] == pytest.approx(0.5)
    # Above quota under a: 10, 0, 40, 20.
    assert a["payout_mean"] == pytest.approx(4.75 + 0.2 * 17.5)
    assert a["cost_of_sales"] == pytest.approx((4.75 + 3.5) / 47.5)
    assert found.table["p_attain_range"].tolist() == [0.25, 0.25]


def test_differences_are_paired():
    draws = many()
    mean = draws.mean(axis=0)
    found = compare_schemes(draws, {"base": mean, "low": 0.9 * mean, "same": mean}, mean.sum() * 0.9, {"flat": flat})
    rows = found.differences.set_index(["scheme", "metric"])
    gain = rows.loc[("low", "payout")]
    pay = [flat(draws, quota).sum(axis=1) for quota in (mean, 0.9 * mean)]
    assert gain["difference"] == pytest.approx((pay[1] - pay[0]).mean())
    error = (pay[1] - pay[0]).std(ddof=1) / 3000**0.5
    assert gain["high"] - gain["low"] == pytest.approx(2 * 1.96 * error, rel=1e-3)
    assert gain["p_above"] > 0.99
    assert (rows.loc["same"][["difference", "low", "high", "p_above"]] == 0).all(axis=None)
    assert set(found.differences["base"]) == {"base, flat"}


def test_fairness_is_measured_on_potential():
    draws = many()
    potential = np.arange(12.0)
    quota = draws.mean(axis=0) * np.linspace(1.3, 0.8, 12)
    found = compare_schemes(draws, {"tilted": quota}, 1.0, potential=potential).table.iloc[0]
    chance = (draws >= quota).mean(axis=0)
    wanted = fairness(chance, draws.mean(axis=0) / quota, potential)
    assert found["slope"] == pytest.approx(wanted.slope)
    assert found["slope"] > 0.1
    assert found["slope_p"] == pytest.approx(wanted.slope_p)
    assert "payout_mean" not in found


def test_who_has_no_quota_is_not_counted():
    found = compare_schemes(DRAWS, {"one": [20.0, 0.0], "none": [0.0, 0.0]}, 10.0, {"flat": flat}).table
    assert found["reps_at_quota"].tolist()[0] == 0.75
    assert np.isnan(found["reps_at_quota"].tolist()[1])
    assert np.isnan(found["expected_attainment"].tolist()[1])


def test_the_frontier_joins_what_nothing_beats():
    draws = many()
    mean = draws.mean(axis=0)
    schemes = {f"{share:.1f}": share * mean for share in (0.8, 1.0, 1.2)}
    found = compare_schemes(draws, schemes, mean.sum() * 0.9, {"flat": flat, "half": lambda x, q: flat(x, q) / 2})
    axes = found.frontier().axes[0]
    assert axes.get_ylabel() == "P(plan carried)"
    joined = axes.lines[0].get_ydata()
    assert list(joined) == sorted(set(joined))
    assert max(joined) == found.table["p_carried"].max()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["flat", "half"]
    assert sorted(text.get_text() for text in axes.texts) == ["0.8", "1.0", "1.2"]
    assert "schemes" in found._repr_html_()
    plain = compare_schemes(draws, schemes, 1.0).frontier().axes[0]
    assert plain.get_xlabel() == "Sum of quotas"


def test_wrong_schemes_are_named():
    with pytest.raises(InputError, match="there is no scheme to compare"):
        compare_schemes(DRAWS, {}, 1.0)
    with pytest.raises(InputError, match=r"draws have shape \(3,\)"):
        compare_schemes([1.0, 2.0, 3.0], {"a": [1.0]}, 1.0)
    with pytest.raises(InputError, match="quotas must be amounts") as caught:
        compare_schemes(DRAWS, {"a": [1.0], "b": [1.0, -1.0], "c": [1.0, np.nan]}, 1.0)
    assert [problem.column for problem in caught.value.problems] == ["a", "b", "c"]
