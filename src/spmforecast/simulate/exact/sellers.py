"""What sellers are expected to create, and the means of people's multipliers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["created", "means"]

Array = npt.NDArray[np.float64]


def means(shape: Array, rate: Array) -> Array:
    """Return the means of gamma laws; one where a law is certain."""
    known = np.isfinite(shape)
    return np.where(known, np.where(known, shape, 1.0) / np.where(known, rate, 1.0), 1.0)


def created(inputs: SimulationInputs) -> Array:
    """Return expected deals of each seller, then of those to be hired into each place, by cohort."""
    new = inputs.new_deals
    productive, chance = means(new.creation_shape, new.creation_rate), _leaving(inputs)
    sellers = np.einsum("sd,sdc->sc", chance, new.created) * productive[:, None]
    heirs = new.vacant.copy()
    if new.leave_shape > 0:
        np.add.at(heirs, new.cells.place_of, chance @ new.succeeded)
    return np.concatenate([sellers, heirs])


def _leaving(inputs: SimulationInputs) -> Array:
    """Chance of each seller to leave on each day; the last entry is that to stay."""
    new = inputs.new_deals
    count, days = len(new.created), new.created.shape[1] - 1
    begins = np.zeros(count, np.int64) if new.begins is None else new.begins
    ends = np.full(count, days) if new.ends is None else new.ends
    chance = np.zeros((count, days + 1))
    chance[:, days] = 1.0
    if new.leave_shape > 0:
        # The hazard is gamma, so the chance to stay d days is a Lomax law's.
        stays = (1 + np.arange(days + 1) / new.leave_rate) ** -new.leave_shape
        for row, begin, end in zip(chance, begins.tolist(), ends.tolist(), strict=True):
            watched = max(end - begin, 0)
            row[begin : begin + watched] = stays[:watched] - stays[1 : watched + 1]
            row[days] = stays[watched]
    return chance
