"""The cyclic fit of the stage process: each factor in turn, observed over expected exits, shrunk.

Coordinate ascent of the Poisson likelihood, with the strength of each factor's prior estimated on the way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.agebins import AgeBins
from spmforecast.models.kinds import move_types
from spmforecast.models.parametric.hazards import LawHazards
from spmforecast.models.pooling import GammaPool, fit_gamma_pool
from spmforecast.models.profiles import Profiles

__all__ = ["CyclicFit"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Exits of the whole stage that an age bin is worth before its own data speak. Leaning on a rate that is the same at all
# ages makes stays longer than they are, so it is to be little.
_BIN_PRIOR_EVENTS = 0.5
_STALE_PRIOR_EVENTS = 0.2  # deals past the plateau are mostly dead: they borrow little from those that move
_RHYTHM_PRIOR_EVENTS = 10.0
_FEW_OUTCOMES = 5  # wins, or losses, below which a company leans on what is usual
_USUAL_WINS, _USUAL_LOSSES, _USUAL_DAYS = 1.0, 2.0, 300.0
# Usual variance of multipliers. Segments often differ five times over in pace, amounts within a segment much less: held
# to each other as closely as amounts, the paces of few segments come out too much alike.
_SEGMENT_VARIANCE, _BAND_VARIANCE = 0.5, 0.1


class CyclicFit:
    """State of the cyclic fit: events (g, s, j, b, k) and exposure (g, s, b, k) by profile … day type."""

    def __init__(self, events: Array, exposure: Array, profiles: Profiles, bins: AgeBins) -> None:
        self.events, self.exposure = events, exposure
        self.stale = np.arange(bins.bins) > bins.plateau[:, None]
        stages, destinations = events.shape[1:3]
        self.kind = move_types(stages)
        self.levels = [(level, int(level.max()) + 1) for level in profiles.levels()]
        self.base = np.zeros((stages, destinations, events.shape[3]))
        self.rhythm = np.ones((destinations, events.shape[4]))
        self.main = [np.ones((count, 4)) for _, count in self.levels]
        self.fine = [np.ones((count, stages, destinations)) for _, count in self.levels]
        self._pools: list[tuple[GammaPool, GammaPool] | None] = [None] * len(self.levels)
        self._add_prior_outcomes()
        total = self.events.sum(axis=(0, 3, 4)) / np.maximum(self.exposure.sum(axis=(0, 2, 3)), 1.0)[:, None]
        self.base[:] = total[:, :, None]
        self.base_shape, self.base_rate = self.base, np.ones_like(self.base)

    def _add_prior_outcomes(self) -> None:
        """Lean on a win and two losses in 300 deal-days where a company has hardly any outcome yet."""
        self.prior_outcome = np.zeros(self.base.shape[:2])
        stages = self.base.shape[0]
        for destination, usual in ((stages, _USUAL_WINS), (stages + 1, _USUAL_LOSSES)):
            if self.events[:, :, destination].sum() < _FEW_OUTCOMES:
                self.prior_outcome[stages - 1, destination] = usual

    def multipliers(self) -> Array:
        """Product of all factors, shape (profiles, stages, destinations)."""
        out = np.ones((self.events.shape[0], *self.kind.shape))
        for (level, _), main, fine in zip(self.levels, self.main, self.fine, strict=True):
            out *= main[level][:, self.kind] * fine[level]
        return out

    def time_at_risk(self) -> Array:
        """Exposure scaled to the part of the day before leaving, shape (g, s, b, k)."""
        total = np.einsum("sjb,jk,gsj->gsbk", self.base, self.rhythm, self.multipliers())
        safe = np.maximum(total, 1e-12)
        return np.asarray(self.exposure * -np.expm1(-safe) / safe, dtype=np.float64)

    def sweep(self) -> None:
        """Update base, rhythm and each factor once."""
        self._update_base()
        self._update_rhythm()
        for index in range(len(self.levels)):
            self._update_factor(index)

    def follow(self, laws: LawHazards) -> None:
        """Update once with base intensities that follow laws."""
        seen, expected = self._base_counts()
        self._update_base()
        laws.refit(seen, expected)
        self.base = laws.spread(self.base)
        self.base_shape = self.base * self.base_rate
        self._update_rhythm()
        for index in range(len(self.levels)):
            self._update_factor(index)

    def _base_counts(self) -> tuple[Array, Array]:
        """Count exits, and exposure times all else that multiplies the base, shape (s, j, b)."""
        expected = np.einsum("gsbk,jk,gsj->sjb", self.time_at_risk(), self.rhythm, self.multipliers())
        return self.events.sum(axis=(0, 4)), np.asarray(expected)

    def _update_base(self) -> None:
        seen, expected = self._base_counts()
        all_seen = seen.sum(axis=2) + self.prior_outcome
        all_expected = expected.sum(axis=2) + np.where(self.prior_outcome > 0, _USUAL_DAYS, 0.0)
        stage_rate = all_seen / np.maximum(all_expected, 1e-9)
        weight = np.where(self.stale, _STALE_PRIOR_EVENTS, _BIN_PRIOR_EVENTS)
        prior = np.where(all_seen[:, :, None] > 0, weight[:, None, :], 0.0)
        self.base_shape = seen + prior
        self.stage_events, self.lean_days = all_seen, prior / np.maximum(stage_rate, 1e-12)[:, :, None]
        self.base_rate = expected + self.lean_days
        self.base_rate = np.maximum(self.base_rate, 1e-9)
        self.base = self.base_shape / self.base_rate

    def _update_rhythm(self) -> None:
        expected = np.einsum("gsbk,sjb,gsj->jk", self.time_at_risk(), self.base, self.multipliers())
        seen = self.events.sum(axis=(0, 1, 3))
        stages = self.base.shape[0]
        # Moves between stages share one rhythm; wins and losses have their own.
        for rows in (slice(0, stages), slice(stages, stages + 1), slice(stages + 1, stages + 2)):
            o, e = seen[rows].sum(axis=0), expected[rows].sum(axis=0)
            self.rhythm[rows] = (o + _RHYTHM_PRIOR_EVENTS) / (e + _RHYTHM_PRIOR_EVENTS)

    def _update_factor(self, index: int) -> None:
        level, count = self.levels[index]
        indicator = np.eye(count)[level]
        by_move = np.einsum("gsbk,sjb,jk->gsj", self.time_at_risk(), self.base, self.rhythm) * self.multipliers()
        seen = np.einsum("gl,gsj->lsj", indicator, self.events.sum(axis=(3, 4)))
        main, fine = self.main[index], self.fine[index]
        without_main = np.einsum("gl,gsj->lsj", indicator, by_move) / np.maximum(main[:, self.kind], 1e-12)
        type_of = np.eye(4)[self.kind]
        main_pool = _pool_by_column(
            np.einsum("lsj,sjt->lt", seen, type_of),
            np.einsum("lsj,sjt->lt", without_main, type_of),
            _SEGMENT_VARIANCE if index == 0 else _BAND_VARIANCE,
        )
        self.main[index] = main_pool.mean
        without_fine = without_main * self.main[index][:, self.kind] / np.maximum(fine, 1e-12)
        fine_pool = fit_gamma_pool(seen, without_fine, averaged=True)
        self.fine[index] = fine_pool.mean
        self._pools[index] = (main_pool, fine_pool)

    def pools(self) -> list[tuple[Ints, GammaPool, GammaPool]]:
        """Level of each profile and the two pools of each factor."""
        out = []
        for (level, _), pools in zip(self.levels, self._pools, strict=True):
            assert pools is not None, "sweep first"
            out.append((level, *pools))
        return out


def _pool_by_column(observed: Array, expected: Array, usual_variance: float) -> GammaPool:
    """Pool each type of move with a strength of its own, as one pool with a strength per column."""
    columns = zip(observed.T, expected.T, strict=True)
    pools = [fit_gamma_pool(seen, hoped, averaged=True, usual_variance=usual_variance) for seen, hoped in columns]
    strength = np.array([pool.strength for pool in pools])
    return GammaPool(strength, observed, expected)
