"""The fitted stage process: cause-specific daily hazards, competing risks, pooled over segments with shrinkage.

For a deal of profile ``g`` in stage ``s`` at age ``a`` on a day of type ``k`` the intensity of moving to ``j`` is

    base[s, j, bin(a)] * rhythm[j, k] * main[factor level, type of move] * fine[factor level, s, j]

where every factor of the product is estimated as observed over expected exits, shrunk by a gamma prior (nested:
the fine multipliers are relative to the main ones). Conversion and cycle length are views on this one process.

Within a day the intensities are constant, so the chance to leave is ``1 - exp(-sum)`` and exposure is scaled by
``(1 - exp(-sum)) / sum``: a saturated fit returns exits over exposure exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.agebins import AgeBins
from spmforecast.models.daytypes import day_types
from spmforecast.models.holidays import NO_HOLIDAYS, Holidays
from spmforecast.models.kinds import LOST, move_types, rises
from spmforecast.models.margins import held_average, moved_odds, same_odds
from spmforecast.models.parametric.hazards import LawHazards
from spmforecast.models.pooling import GammaPool, gamma_quantile
from spmforecast.models.profiles import Profiles

__all__ = ["Factor", "StageProcess"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """Shrunk multipliers of one factor: by type of move, and by stage and destination relative to those."""

    level: Ints  # (profiles,)
    main: GammaPool  # cells (levels, 4)
    fine: GammaPool  # cells (levels, stages, destinations)

    def held(self, main: Array, fine: Array, kind: Ints) -> tuple[Array, Array]:
        """Hold the averages of draws: of main ones over the levels, of fine ones within a level, by type of move."""
        of_level = np.arange(len(self.main.mean))[:, None, None] * (LOST + 1) + kind
        cells = (len(of_level), -1)
        fine_held = held_average(
            fine.reshape(len(fine), *cells),
            self.fine.mean.reshape(cells),
            self.fine.expected.reshape(cells),
            of_level.reshape(cells),
        )
        of_type = np.broadcast_to(np.arange(LOST + 1), self.main.mean.shape)
        return held_average(main, self.main.mean, self.main.expected, of_type), fine_held.reshape(fine.shape)


@dataclass(frozen=True)
class StageProcess:
    """Fitted competing-risk process of the stages.

    Parameters
    ----------
    stages : tuple of str
        Stages; destinations are the stages, then won, then lost.
    profiles : Profiles
        Segment and amount band of each profile.
    bins : AgeBins
        Age bins of each stage.
    base_events, base_exposure : array of float, shape (stages, destinations, bins)
        Posterior shape and rate of the gamma law of each base intensity (per day).
    stage_events : array of float, shape (stages, destinations)
        Exits behind the rate of a stage on which its bins lean, all ages together.
    lean_days : array of float, shape (stages, destinations, bins)
        Part of `base_exposure` that stands for leaning on it.
    rhythm : array of float, shape (destinations, day types)
        Multiplier of each type of day.
    entry_stage : array of float, shape (segments, stages)
        Share of deals that begin in each stage.
    entry_profile : array of float, shape (segments, profiles)
        Share of a segment's new deals in each profile.
    observed : array of float, shape (profiles, stages, destinations)
        Exits seen.
    exposure : array of float, shape (profiles, stages)
        Deal-days at risk.
    calendar : FiscalCalendar
        Decides the types of day.
    holidays : Holidays
        Likewise.
    laws : LawHazards, optional
        Where the base intensities follow laws, what they are; `base_events` over `base_exposure` is theirs.
    """

    stages: tuple[str, ...]
    profiles: Profiles
    bins: AgeBins
    base_events: Array
    base_exposure: Array
    stage_events: Array
    lean_days: Array
    factors: tuple[Factor, ...]
    rhythm: Array
    entry_stage: Array
    entry_profile: Array
    observed: Array
    exposure: Array
    calendar: FiscalCalendar
    holidays: Holidays = NO_HOLIDAYS
    laws: LawHazards | None = None

    @property
    def won(self) -> int:
        """Destination code of a win."""
        return len(self.stages)

    def intensities(self) -> Array:
        """Posterior mean intensities per day, shape (profiles, stages, destinations, bins), rhythm apart."""
        rate = (self.base_events / self.base_exposure)[None]
        for factor in self.factors:
            rate = rate * self._multiplier(factor, factor.main.mean, factor.fine.mean)
        return np.asarray(rate, dtype=np.float64)

    def intensity_draws(self, rng: np.random.Generator, worlds: int, beside_market: bool = False) -> Array:
        """Draw the intensities from their posterior, by inverse distribution functions only.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of uniforms.
        worlds : int
            Number of draws.
        beside_market : bool
            Whether the market's mean is drawn, too: it holds the doubt about the odds of going up of all visits.

        Returns
        -------
        array of float, shape (worlds, profiles, stages, destinations, bins)
        """
        if self.laws is not None:
            base = self.laws.draw(rng, worlds, self.base_events, self.base_exposure)
        else:
            base = self._base_draws(rng, worlds)
        rate, kind = base[:, None], move_types(len(self.stages))
        for factor in self.factors:
            main = factor.main.quantile(rng.random((worlds, *factor.main.observed.shape)))
            fine = factor.fine.quantile(rng.random((worlds, *factor.fine.observed.shape)))
            rate = rate * self._multiplier(factor, *factor.held(main, fine, kind))
        if not beside_market:
            return np.asarray(rate, dtype=np.float64)
        share = self.base_events / np.maximum(self.base_events.sum(axis=2, keepdims=True), 1e-300)
        return same_odds(rate, self.intensities(), self.observed[..., None] * share, rises(kind), kind == LOST)

    def _base_draws(self, rng: np.random.Generator, worlds: int) -> Array:
        """Draw the base intensities, shape (worlds, stages, destinations, bins).

        Bins that lean on the rate of their stage share its doubt: drawn each on its own, twelve of them would seem to
        know together what none of them does.
        """
        uniform = rng.random((worlds, *self.base_events.shape))
        events = np.maximum(self.stage_events, 1e-9)
        stage = gamma_quantile(rng.random((worlds, *events.shape)), events, events)
        days = self.base_exposure + self.lean_days * (1.0 / np.maximum(stage, 1e-9) - 1.0)[..., None]
        return gamma_quantile(uniform, self.base_events, days)

    def shifted(self, level: float) -> Array:
        """Posterior mean intensities when the market's level, the log odds of going up, is shifted at the same pace."""
        return moved_odds(self.intensities(), level, rises(move_types(len(self.stages))))

    def _multiplier(self, factor: Factor, main: Array, fine: Array) -> Array:
        """Spread the multipliers over profiles: shape (..., profiles, stages, destinations, 1)."""
        kind = move_types(len(self.stages))
        return np.asarray((main[..., kind] * fine)[..., factor.level, :, :][..., None], dtype=np.float64)

    def types_of(self, days: Ints) -> Ints:
        """Type of each day, shape of `days`."""
        return day_types(days, self.calendar, self.holidays)
