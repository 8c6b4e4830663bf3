"""Adjustments applied: each at its own place in what a block of trials needs, and only there.

A simulation with adjustments draws the same luck as one without. Tables of those who are not concerned stay as they
are to the last bit, so two simulations differ only where an adjustment says so.
"""

from spmforecast.simulate.adjusting.apply import adjusted, check_scopes
from spmforecast.simulate.adjusting.people import PEOPLE, with_people

__all__ = ["PEOPLE", "adjusted", "check_scopes", "with_people"]
