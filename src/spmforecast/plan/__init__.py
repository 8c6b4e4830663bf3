"""What is promised: plain domain objects and their arithmetic, with no notion of how good promises are found.

Public names: :class:`AnnualPlan`, :class:`QuotaProposal` and :func:`largest_remainder`.
"""

from spmforecast.plan.annual import AnnualPlan
from spmforecast.plan.quota import QuotaProposal
from spmforecast.plan.rounding import Rounded, largest_remainder

__all__ = ["AnnualPlan", "QuotaProposal", "Rounded", "largest_remainder"]
