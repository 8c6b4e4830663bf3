"""What may happen: random streams keyed by entity, the Monte Carlo engine, and the forecast as draws and cells.

The room knows the fitted models, but nothing of plans or optimisation.
"""

from spmforecast.simulate.engine import simulate
from spmforecast.simulate.forecast import Forecast

__all__ = ["Forecast", "simulate"]
