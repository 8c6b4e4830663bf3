"""The backtest: the model against what users do already, on their own past, from nothing but what was known then."""

from spmforecast.evaluate.backtest.origins import BacktestSettings
from spmforecast.evaluate.backtest.run import Backtest, backtest_history
from spmforecast.evaluate.backtest.stored import Store

__all__ = ["Backtest", "BacktestSettings", "Store", "backtest_history"]
