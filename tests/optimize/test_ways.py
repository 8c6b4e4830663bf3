"""Ways to set quotas: worked rules, options, and nulls that are not zeros."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.ways import WAYS
from spmforecast.simulate import Forecast

REPS = ["Ann", "Bob", "Cleo"]
FIELDS = pd.DataFrame(
    {
        "rep_id": REPS,
        "history": [100_000, 200_000, 100_000],
        "potential": [3.0, 1.0, 0.0],
        "ramped_months": [3.0, 1.5, 3.0],
        "rate": [10.0, 20.0, 10.0],
        "accounts": [10, 30, 60],
        "role": ["senior", "junior", "junior"],
        "own_growth": [0.1, 0.0, 0.2],
    }
)


@pytest.fixture(scope="module")
def forecast():
    rng = np.random.default_rng(1)
    draws = np.exp(rng.normal([11, 11.5, 12], [0.3, 0.6, 0.9], (500, 3)))
    return Forecast(draws, pd.DataFrame({"owner_id": REPS, "period": "2025Q3"}))


def quotas(forecast, total, method, fields=FIELDS, **options):
    got = propose_quotas(forecast, total, method, fields=fields, options=options)
    return got.table["quota"].tolist()


@pytest.mark.parametrize(
    ("method", "options", "wanted"),
    [
        ("even", {}, [100.0, 100.0, 100.0]),
        ("weighted", {"by": "accounts"}, [30.0, 90.0, 180.0]),
        ("bucketed", {"by": "role", "weights": {"senior": 2, "junior": 1}}, [150.0, 75.0, 75.0]),
        ("bucketed", {"by": "role", "weights": {"senior": 1, "junior": 1}, "share_of": "bucket"}, [150.0, 75.0, 75.0]),
        ("growth", {"growth": 0.1}, [75.0, 150.0, 75.0]),
        ("growth", {"growth": "own_growth"}, [77.19, 140.35, 82.46]),  # 110, 200, 120 of 430, plus rounding
        ("potential", {}, [225.0, 75.0, 0.0]),
        ("capacity", {}, [120.0, 60.0, 120.0]),
        ("capacity", {"productivity": "rate"}, [100.0, 100.0, 100.0]),
        ("hybrid", {"parts": {"history": 1, "potential": 1}}, [150.0, 112.5, 37.5]),
    ],
)
def test_hand_rules_split_as_on_paper(forecast, method, options, wanted):
    got = quotas(forecast, 300, method, **options)
    # 300 * 120 / 430 is 83.72: the third case rescales 110, 200 and 120.
    wanted = [round(300 * x / 430, 2) for x in (110, 200, 120)] if options == {"growth": "own_growth"} else wanted
    assert got == pytest.approx(wanted, abs=0.011)
    assert sum(got) == pytest.approx(300, abs=1e-9)


def test_growth_less_relief_is_the_worked_rule(forecast):
    """100,000 with 10 % growth, less 2 % relief, becomes 107,800; the figures make their own total."""
    got = propose_quotas(forecast, None, "growth", fields=FIELDS, options={"growth": 0.10, "relief": 0.02})
    assert got.table["quota"].tolist() == [107_800.0, 215_600.0, 107_800.0]
    assert got.total == {"2025Q3": 431_200}
    cushioned = propose_quotas(forecast, None, "growth", 0.1, fields=FIELDS, options={"growth": 0.10, "relief": 0.02})
    assert cushioned.assigned().to_dict() == {"2025Q3": 474_320.0}


def test_only_methods_whose_figures_are_amounts_make_a_total(forecast):
    with pytest.raises(InputError, match=r"even splits a total and makes none.*proportional, growth"):
        propose_quotas(forecast, None, "even")


def test_null_is_not_zero(forecast):
    fields = FIELDS.assign(history=[100.0, None, 0.0])
    with pytest.raises(InputError, match=r"a number of at least 0 is missing.*Bob") as caught:
        quotas(forecast, 300, "growth", fields)
    assert [problem.value for problem in caught.value.problems] == ["Bob"]
    assert quotas(forecast, 300, "growth", fields.assign(history=[100.0, 200.0, 0.0]))[2] == 0.0


def test_a_row_for_the_period_goes_before_one_for_all(forecast):
    both = pd.concat([FIELDS, FIELDS.assign(period="2025Q3", accounts=[1, 1, 1])])
    assert quotas(forecast, 300, "weighted", both, by="accounts") == [100.0, 100.0, 100.0]


def test_who_has_no_weight_gets_something_only_if_the_others_are_full(forecast):
    from spmforecast.plan import Limits

    got = propose_quotas(forecast, 300, "potential", fields=FIELDS, limits=Limits(ceiling={"Ann": 100, "Bob": 50}))
    assert got.table["quota"].tolist() == [100.0, 50.0, 150.0]


@pytest.mark.parametrize(
    ("method", "options", "told"),
    [
        ("growth", {"grwth": 0.1}, "growth has no such option.*Did you mean 'growth'"),
        ("even", {"by": "x"}, "even has no such option.*It has none"),
        ("weighted", {"by": "acounts"}, "no such field.*Did you mean 'accounts'"),
        ("weighted", {}, "no such field"),
        ("bucketed", {"by": "role", "weights": {"senior": 1}}, "no weight is given for a bucket.*junior"),
        ("bucketed", {"by": "role", "weights": {"senior": -1, "junior": 1}}, "weights.senior: must be at least 0"),
        (
            "bucketed",
            {"by": "role", "weights": {"senior": 1, "junior": 1}, "share_of": "team"},
            "must be rep or bucket",
        ),
        ("hybrid", {"parts": {"history": 0}}, "weights must be at least 0 and not all 0"),
        ("objective", {"spread": -1}, "a weight must be a number of at least 0"),
    ],
)
def test_wrong_options_are_named(forecast, method, options, told):
    with pytest.raises(InputError, match=told):
        quotas(forecast, 300, method, **options)


def test_every_way_says_what_it_does():
    assert all(way.about.endswith((".", ")", ":")) and len(way.about) > 20 for way in WAYS.values())
