"""Laws of the time to an exit, their fits to censored and left-truncated stays, and the hazards made from them."""

from spmforecast.models.parametric.fit import LawFit, fit_law, rank_laws
from spmforecast.models.parametric.laws import LAWS, Law, law_named
from spmforecast.models.parametric.residual import FixedLaw

__all__ = ["LAWS", "FixedLaw", "Law", "LawFit", "fit_law", "law_named", "rank_laws"]
