"""Scenarios compared on the same luck: differences draw by draw, what brings how much, and what it is worth to know."""

from spmforecast.scenario.compare.answer import compare
from spmforecast.scenario.compare.comparison import Comparison

__all__ = ["Comparison", "compare"]
