"""The backtest: the model against what users do already, on their own past, from nothing but what was known then.

Public names are imported when they are first used: a run needs the settings alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spmforecast.evaluate.backtest.origins import BacktestSettings
    from spmforecast.evaluate.backtest.run import Backtest, backtest_history
    from spmforecast.evaluate.backtest.stored import Store

_HOME = {"Backtest": "run", "BacktestSettings": "origins", "Store": "stored", "backtest_history": "run"}

__all__ = ["Backtest", "BacktestSettings", "Store", "backtest_history"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
