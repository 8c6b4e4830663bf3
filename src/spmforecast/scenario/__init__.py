"""A question written down: the scenario file, how it is run, and the folder that a run leaves.

The room runs the one line from history to evaluation; it knows nothing of HTML.
"""

from spmforecast.scenario.backtest import backtest
from spmforecast.scenario.prepare import load_history, load_plan
from spmforecast.scenario.run import RunResult, run, run_scenario
from spmforecast.scenario.schema import Scenario, load_scenario

__all__ = ["RunResult", "Scenario", "backtest", "load_history", "load_plan", "load_scenario", "run", "run_scenario"]
