"""The forecast against the oracle, on companies whose truth is known and whose mechanism is not the model's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from spmforecast.simulate.trials import Trials

ROOT = Path(__file__).resolve().parents[1]


def _benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    return _benchmark("oracle")


@pytest.fixture(scope="module")
def attainable(oracle) -> ModuleType:
    return _benchmark("attainable")


def test_distances_are_those_of_all_pairs(oracle):
    rng = np.random.default_rng(1)
    x, y = rng.gamma(2.0, size=(40, 3)), rng.gamma(3.0, size=(25, 3))
    np.testing.assert_allclose(oracle.distance(x, y), np.abs(x[:, None] - y[None]).mean(axis=(0, 1)))
    pairs = np.abs(x[:, None] - x[None]).sum(axis=(0, 1)) / (40 * 39)
    np.testing.assert_allclose(oracle.mean_distance(x), pairs / 2)


def test_the_oracle_itself_scores_one_and_a_biased_or_narrow_law_more(oracle):
    rng = np.random.default_rng(2)
    truth = rng.normal(100.0, 10.0, (4000, 1))

    def ratio(mean, sd):
        draws = rng.normal(mean, sd, (4000, 1))
        return float((oracle.distance(draws, truth) - oracle.mean_distance(draws))[0] / oracle.mean_distance(truth)[0])

    assert ratio(100.0, 10.0) == pytest.approx(1.0, abs=0.02)
    assert ratio(110.0, 10.0) > 1.2
    assert ratio(100.0, 3.0) > 1.05


def test_all_characters_and_sizes_take_their_turn(oracle):
    kinds = [oracle.kind(seed) for seed in range(201, 261)]
    assert {character: sum(kind[0] == character for kind in kinds) for character in oracle.CHARACTERS} == dict.fromkeys(
        oracle.CHARACTERS, 15
    )
    assert len(set(kinds)) == 8


@pytest.mark.slow
def test_on_eight_companies_little_is_lost_to_the_oracle_and_far_less_than_a_spreadsheet_loses(oracle):
    table = oracle.summarise(oracle.measure(first_seed=61, companies=8)).xs("all", level="character")
    ratio, held = table["ratio"], table["held 80%"]
    bounds = {"company": 1.25, "region": 1.18, "rep-year": 1.18}
    for level, bound in bounds.items():
        assert ratio["this forecast", level] < min(bound, ratio["run rate", level])
        assert held["this forecast", level] == pytest.approx(0.8, abs=0.15)


def test_trials_of_one_hidden_state_differ_in_their_luck_alone(attainable):
    attainable.Held.state = 5, 4_098
    held, other = attainable.Held(9, 0, 8, 64), Trials(9, 0, 8, 64)
    one = Trials(5, 4_096, 4_100, 64)
    for purpose in ("mean", "level"):
        np.testing.assert_array_equal(
            held.normal("market", "creation", purpose), one.normal("market", "creation", purpose)[2]
        )
    np.testing.assert_array_equal(
        held.uniform("market", "creation", "law"), one.uniform("market", "creation", "law")[2]
    )
    np.testing.assert_array_equal(held.normal("rep", "R001", "winning"), one.normal("rep", "R001", "winning")[2])
    np.testing.assert_array_equal(held.world, 4_098 % 64)
    table = np.arange(128, dtype=np.float32).reshape(2, 64)
    np.testing.assert_array_equal(held.spread(table), np.repeat(table[:, [4_098 % 64]], 8, axis=1))
    for luck in (("market", "creation", "innovation", 3), ("rep", "R001", "frailty", 0)):
        np.testing.assert_array_equal(held.normal(*luck), other.normal(*luck))
    np.testing.assert_array_equal(held.uniform("rep", "R001", "leaving"), other.uniform("rep", "R001", "leaving"))
    np.testing.assert_array_equal(held.normal("team", "M1", "winning", 1), other.normal("team", "M1", "winning", 1))
    # Whole blocks are drawn where a few trials are asked for: theirs is the same hidden state.
    wider = held.widened(2048)
    assert wider.count == 2048
    np.testing.assert_array_equal(wider.normal("rep", "R001", "creating"), held.normal("rep", "R001", "creating")[0])
