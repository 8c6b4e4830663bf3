"""What is promised: plain domain objects and their arithmetic, with no notion of how good promises are found.

Public names: :class:`AnnualPlan` and :func:`largest_remainder`.
"""

from spmforecast.plan.annual import AnnualPlan
from spmforecast.plan.rounding import Rounded, largest_remainder

__all__ = ["AnnualPlan", "Rounded", "largest_remainder"]
