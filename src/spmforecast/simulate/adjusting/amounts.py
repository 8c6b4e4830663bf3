"""Other amounts: what each win is multiplied by and what is added, by deal or stream and by period of the win."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spmforecast.models.adjust import DealOutcome, Larger
from spmforecast.simulate.adjusting.scopes import deals_in, period_shares, streams_in
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import Resize, SimulationInputs

__all__ = ["larger", "stated"]

Ints = npt.NDArray[np.int64]


def larger(inputs: SimulationInputs, adjustment: Larger, horizon: Horizon) -> SimulationInputs:
    """Change the amounts of the named deals, open and to come, in the periods named."""
    share = period_shares(adjustment.scope, horizon)
    factor, cents = 1.0 + (adjustment.factor - 1.0) * share, 100.0 * adjustment.amount * share

    def resized(old: Resize | None, count: int, rows: Ints) -> Resize | None:
        if not len(rows):
            return old
        new = Resize.none(count, len(share)) if old is None else old
        new_factor, new_cents = new.factor.copy(), new.cents.copy()
        new_factor[rows] *= factor
        new_cents[rows] = new_cents[rows] * factor + cents
        return Resize(new_factor, new_cents)

    deals, new = inputs.open_deals, inputs.new_deals
    return replace(
        inputs,
        open_deals=replace(deals, resize=resized(deals.resize, len(deals.ids), deals_in(inputs, adjustment.scope))),
        new_deals=replace(new, resize=resized(new.resize, len(new.cells.ids), streams_in(inputs, adjustment.scope))),
    )


def stated(inputs: SimulationInputs, adjustment: DealOutcome, row: int) -> SimulationInputs:
    """Let an open deal be won for the amount that is stated, if one is."""
    if adjustment.amount is None:
        return inputs
    deals = inputs.open_deals
    old = Resize.none(len(deals.ids), inputs.periods) if deals.resize is None else deals.resize
    factor, cents = old.factor.copy(), old.cents.copy()
    factor[row], cents[row] = 0.0, round(100.0 * adjustment.amount)
    return replace(inputs, open_deals=replace(deals, resize=Resize(factor, cents)))
