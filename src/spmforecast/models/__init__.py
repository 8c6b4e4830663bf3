"""What history teaches: stage transitions, deal amounts, creation, capacity and the market's common shocks.

One competing-risk process says how open deals really move (conversion and cycle length together); everything else
stands beside it. The room knows the data, but nothing of simulation or plans.
"""

from spmforecast.models.bookings import BookingsModel, FittedBookings
from spmforecast.models.pipeline import FittedPipeline, PipelineModel
from spmforecast.models.spec import ModelSpec

__all__ = ["BookingsModel", "FittedBookings", "FittedPipeline", "ModelSpec", "PipelineModel"]
