"""Compensation plans: what is paid for bookings, exactly and line by line, or on whole arrays of draws.

:class:`CompPlan` reads a plan from YAML. Its text is checked by :mod:`.schema` and :mod:`.judge` and becomes
:mod:`.terms`. Two reckonings follow from these and share none of their arithmetic: :mod:`.walk` and :mod:`.exact` go
tier by tier in fractions and explain each line; :mod:`.pieces` and :mod:`.arrays` turn components into piecewise linear
functions and price millions of draws. :class:`Ledger` holds deals; :mod:`.effort` what reps might do about their pay.
"""

from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.plan import CompPlan
from spmforecast.plan.compensation.prorate import prorate
from spmforecast.plan.compensation.statement import Statement

__all__ = ["CompPlan", "Ledger", "Statement", "prorate"]
