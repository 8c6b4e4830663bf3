"""The forecasts that people make already, as rivals: what each says at a date, and the law its past errors give it."""

from spmforecast.evaluate.rivals.lines import LEVELS, Lines, Node, without_deals
from spmforecast.evaluate.rivals.points import POINTS
from spmforecast.evaluate.rivals.snapshot import Snapshot, take

__all__ = ["LEVELS", "POINTS", "Lines", "Node", "Snapshot", "take", "without_deals"]
