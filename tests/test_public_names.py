"""The public face: names that the contract gives, found when first used, at no cost before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import spmforecast as spm

HEAVY = ("numpy", "pandas", "scipy", "matplotlib", "statsmodels", "sklearn", "pydantic", "yaml", "jinja2", "joblib")


def python(code):
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, spmforecast; print([name for name in {HEAVY} if name in sys.modules])"
    assert python(code) == "[]"


def test_names_that_cost_nothing_stay_so():
    code = f"import sys, spmforecast as s; s.Problem; s.InputError; print([n for n in {HEAVY} if n in sys.modules])"
    assert python(code) == "[]"


def test_scenarios_bring_no_backtest_and_no_map_along():
    rare = ("scipy.stats", "evaluate.backtest.run", "evaluate.combined", "evaluate.selection", "optimize.territory")
    names = tuple(name if name.startswith("scipy") else f"spmforecast.{name}" for name in rare)
    code = f"import sys, spmforecast.scenario.check; print([name for name in {names} if name in sys.modules])"
    assert python(code) == "[]"


@pytest.mark.parametrize("name", spm.__all__)
def test_every_name_is_there(name):
    assert getattr(spm, name) is not None
    assert name in dir(spm)


def test_names_are_sorted_and_each_has_a_home():
    assert spm.__all__ == sorted(spm.__all__)
    assert set(spm.__all__) == set(spm._HOME)
    assert dir(spm) == spm.__all__


def test_names_of_the_contract_that_are_built_are_public():
    wanted = {"read_history", "PipelineModel", "simulate", "Forecast", "propose_quotas", "run", "report", "scores"}
    assert wanted <= set(spm.__all__)
    for name in ("crps", "pinball", "interval", "energy", "pit"):
        assert callable(getattr(spm.scores, name))


def test_unknown_names_are_unknown():
    with pytest.raises(AttributeError, match="module 'spmforecast' has no attribute 'simulat'"):
        _ = spm.simulat


@pytest.mark.parametrize(
    "first",
    [
        "import spmforecast as spm",
        "import spmforecast.simulate, spmforecast.report, spmforecast as spm",
        "import spmforecast.scenario, spmforecast as spm; spm.run; spm.propose_quotas; spm.Forecast",
    ],
)
def test_rooms_that_share_a_name_with_their_function_can_be_called(first):
    assert python(f"{first}; print(callable(spm.simulate), callable(spm.report))") == "True True"


def test_called_room_does_what_its_function_does():
    code = (
        "import spmforecast.simulate, spmforecast.report, spmforecast as spm\n"
        "try:\n    spm.simulate(None, until='x', trials=0)\nexcept spm.InputError as error:\n    print(error)\n"
        "try:\n    spm.report('no such folder')\nexcept spm.InputError as error:\n    print('refused')\n"
    )
    told = python(code).splitlines()
    assert "trials" in told[0]
    assert told[-1] == "refused"
