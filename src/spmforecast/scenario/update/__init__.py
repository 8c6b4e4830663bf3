"""The quarterly update: closed periods at their actuals, a new forecast, and an exact bridge from the last one."""

from spmforecast.scenario.update.bridge import FACTORS, Bridge, Step, build_bridge
from spmforecast.scenario.update.result import UpdateResult
from spmforecast.scenario.update.updating import update

__all__ = ["FACTORS", "Bridge", "Step", "UpdateResult", "build_bridge", "update"]
