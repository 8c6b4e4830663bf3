"""What may happen: random streams keyed by entity, the Monte Carlo engine, and the forecast as draws and cells.

The room knows the fitted models, but nothing of plans or optimisation.
"""

import sys
from types import ModuleType
from typing import Any

from spmforecast.simulate.engine import Simulator, simulate, simulate_exactly
from spmforecast.simulate.exact import ExactForecast
from spmforecast.simulate.forecast import Forecast
from spmforecast.simulate.precision import Tolerance

__all__ = ["ExactForecast", "Forecast", "Simulator", "Tolerance", "simulate", "simulate_exactly"]


class _CallableRoom(ModuleType):
    """The room and its chief function share one name: ``spmforecast.simulate(model, …)`` works."""

    def __call__(self, *args: Any, **options: Any) -> Forecast:
        """Simulate; see :func:`spmforecast.simulate.engine.simulate`."""
        return simulate(*args, **options)


sys.modules[__name__].__class__ = _CallableRoom
