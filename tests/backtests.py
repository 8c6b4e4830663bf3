"""A small company, looked back on once; several test modules share it."""

from __future__ import annotations

from functools import cache

from spmforecast.data import ExampleCompany, read_history
from spmforecast.evaluate.backtest import Backtest, BacktestSettings, backtest_history

SETTINGS = BacktestSettings(weeks=(4, 10), periods=2, trials=100, least_days=400)
UNTIL = "2024-12-31"


@cache
def tables():
    """Tables of a company of five reps over two years; treat them as read-only."""
    return ExampleCompany(seed=11, character="tiny", start="2023-01-01", export="2024-12-31").tables()


@cache
def small_history():
    return read_history(tables())


class Memory(dict):
    """A store in memory that counts what is put into it."""

    puts = 0

    def put(self, name, data):
        self.puts += 1
        self[name] = data


@cache
def small_backtest() -> tuple[Backtest, Memory]:
    store = Memory()
    return backtest_history(small_history(), SETTINGS, UNTIL, store=store), store
