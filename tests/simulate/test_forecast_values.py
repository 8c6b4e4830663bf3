"""Values that a forecast is asked with: a wrong one is named with its mend, a single one stands for a list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models import ModelSpec
from spmforecast.simulate import Forecast

FORECAST = Forecast(np.arange(20.0).reshape(10, 2), pd.DataFrame({"owner_id": ["A", "B"], "period": "2025Q3"}))


@pytest.mark.parametrize("target", [float("nan"), float("inf"), "400k", None])
def test_a_target_is_a_finite_number(target: object) -> None:
    with pytest.raises(InputError, match="finite number") as refused:
        FORECAST.p_plan({"2025Q3": target, "2025Q4": target})
    told = [(one.column, one.value, one.mend[:5]) for one in refused.value.problems]
    assert told == [("2025Q3", str(target), "Write"), ("2025Q4", str(target), "Write")]


def test_a_single_quantile_level_stands_for_a_list_of_one() -> None:
    pd.testing.assert_frame_equal(FORECAST.quantiles(q=0.5), FORECAST.quantiles(q=[0.5]))


@pytest.mark.parametrize("q", [50, "median", [0.5, float("nan")], ["0.5"]])
def test_a_quantile_level_that_is_none_is_named(q: object) -> None:
    with pytest.raises(InputError, match="a quantile level is a number from 0 to 1"):
        FORECAST.quantiles(q=q)


def test_how_to_choose_is_said_where_a_law_or_half_life_is_to_be_chosen() -> None:
    with pytest.raises(InputError, match=r"unknown law 'choose'.*evaluate\.choose_law"):
        ModelSpec(law="choose")
    with pytest.raises(InputError, match=r"'choose'.*evaluate\.choose_half_life"):
        ModelSpec(half_life="choose")
