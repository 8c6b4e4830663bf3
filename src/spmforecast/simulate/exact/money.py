"""Amounts of deals and streams for the exact engine: medians, means, and transforms of their laws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw
from spmforecast.simulate.exact.sums import AmountTransform
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.quantiles import distinct_rows

__all__ = ["Money"]

Array = npt.NDArray[np.float64]


class Money:
    """Amounts of deals and streams: medians and transforms of the laws."""

    def __init__(self, inputs: SimulationInputs) -> None:
        laws = AmountLaw(np.concatenate([inputs.ratio_law.log_quantiles, inputs.won_law.log_quantiles]))
        money = inputs.money
        self.law, self.base = inputs.open_deals.law, inputs.deal_cents / 100.0
        self.stream_law = inputs.new_deals.cells.segment + 1
        # Errors of the locations have mean zero in logarithms; amounts keep the mean effect of their spread.
        lift = np.exp(money.location.astype(np.float64)).mean(axis=0)
        self.median = money.base / 100.0 * lift
        self.base = np.where(self.law > 0, self.base * lift[self.law], self.base)
        used = np.unique(np.concatenate([self.law, self.stream_law]))
        self.row = np.zeros(len(money.base), dtype=np.int64)
        # Laws that differ in their median alone, as those of pooled segments do, share a transform.
        apart = laws.log_quantiles[used] - np.log(money.base[used] / 100.0)[:, None]
        nothing = money.nothing.astype(np.float64)[used]
        shape, place = distinct_rows(np.round(np.column_stack([nothing, apart]), 10))
        self.row[used] = place
        self.transform = AmountTransform.of(AmountLaw(shape[:, 1:]), shape[:, 0], np.ones(len(shape)))
        self.some = 1.0 - shape[:, 0]

    def deals(self) -> Array:
        """Mean amount of each open deal once it is won."""
        return np.asarray(self.base * self.transform.mean[self.row[self.law]])

    def streams(self) -> Array:
        """Mean amount of a win of each stream."""
        return np.asarray(self.median[self.stream_law] * self.transform.mean[self.row[self.stream_law]])
