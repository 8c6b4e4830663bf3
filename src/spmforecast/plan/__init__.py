"""What is promised: plain domain objects and their arithmetic, with no notion of how good promises are found.

Public names: :class:`AnnualPlan`, :class:`QuotaProposal` with :class:`Limits` and :class:`Hierarchy`,
:class:`CompPlan` with :class:`Ledger` and :class:`Statement`, :class:`Assignment`, :class:`AttributeLimit`,
:class:`Districts`, :class:`TerritoryProposal`, :func:`largest_remainder` and :func:`prorate`.
"""

from spmforecast.plan.annual import AnnualPlan
from spmforecast.plan.compensation import CompPlan, Ledger, Statement, prorate
from spmforecast.plan.hierarchy import Hierarchy
from spmforecast.plan.limits import Bounds, Limits
from spmforecast.plan.proposal import TerritoryProposal
from spmforecast.plan.quota import QuotaProposal
from spmforecast.plan.rounding import Rounded, largest_remainder
from spmforecast.plan.territory import Assignment, AttributeLimit, Districts

__all__ = [
    "AnnualPlan",
    "Assignment",
    "AttributeLimit",
    "Bounds",
    "CompPlan",
    "Districts",
    "Hierarchy",
    "Ledger",
    "Limits",
    "QuotaProposal",
    "Rounded",
    "Statement",
    "TerritoryProposal",
    "largest_remainder",
    "prorate",
]
