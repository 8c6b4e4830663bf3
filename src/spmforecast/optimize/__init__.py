"""What to promise: quota allocation on the draws of a forecast.

The room works on forecasts and plain arrays; it knows nothing of files, YAML or screens.
"""

from spmforecast.optimize.quotas import propose_quotas

__all__ = ["propose_quotas"]
