"""The fitted stage process: cause-specific daily hazards, competing risks, pooled over segments with shrinkage.

For a deal of profile ``g`` in stage ``s`` at age ``a`` on a day of type ``k`` the intensity of moving to ``j`` is

    base[s, j, bin(a)] * rhythm[j, k] * main[factor level, type of move] * fine[factor level, s, j]

where every factor of the product is estimated as observed over expected exits, shrunk by a gamma prior (nested:
the fine multipliers are relative to the main ones). Conversion and cycle length are views on this one process.

Within a day the intensities are constant, so the chance to leave is ``1 - exp(-sum)`` and exposure is scaled by
``(1 - exp(-sum)) / sum``: a saturated fit returns exits over exposure exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.agebins import AgeBins, age_bins
from spmforecast.models.daytypes import DAY_TYPES, day_types
from spmforecast.models.exposure import Statistics, collect
from spmforecast.models.margins import held_average, moved_odds, same_odds
from spmforecast.models.parametric.hazards import FREE, LawHazards, StageAges
from spmforecast.models.pooling import GammaPool, fit_gamma_pool, gamma_quantile
from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import Stays
from spmforecast.models.spec import ModelSpec

__all__ = [
    "BACK",
    "FORWARD",
    "LOST",
    "WON",
    "StageProcess",
    "fit_transitions",
    "fit_with_statistics",
    "move_types",
    "rises",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORWARD, BACK, WON, LOST = range(4)
_BIN_PRIOR_EVENTS = 2.0  # an age bin is worth this many exits of the whole stage before its own data speak
_STALE_PRIOR_EVENTS = 0.2  # deals past the plateau are mostly dead: they borrow little from those that move
_RHYTHM_PRIOR_EVENTS = 10.0
_SWEEPS = 40
_LAW_SWEEPS, _LAW_BINS = 4, 24
_FEW_OUTCOMES = 5
# Usual variance of multipliers. Segments often differ five times over in pace, amounts within a segment much less: held
# to each other as closely as amounts, the paces of few segments come out too much alike.
_SEGMENT_VARIANCE, _BAND_VARIANCE = 0.5, 0.1


@dataclass(frozen=True)
class _Factor:
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
    laws : LawHazards, optional
        Where the base intensities follow laws, what they are; `base_events` over `base_exposure` is theirs.
    """

    stages: tuple[str, ...]
    profiles: Profiles
    bins: AgeBins
    base_events: Array
    base_exposure: Array
    factors: tuple[_Factor, ...]
    rhythm: Array
    entry_stage: Array
    entry_profile: Array
    observed: Array
    exposure: Array
    calendar: FiscalCalendar
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
        rate, kind = self._base_draws(rng, worlds)[:, None], move_types(len(self.stages))
        for factor in self.factors:
            main = factor.main.quantile(rng.random((worlds, *factor.main.observed.shape)))
            fine = factor.fine.quantile(rng.random((worlds, *factor.fine.observed.shape)))
            rate = rate * self._multiplier(factor, *factor.held(main, fine, kind))
        if not beside_market:
            return np.asarray(rate, dtype=np.float64)
        share = self.base_events / np.maximum(self.base_events.sum(axis=2, keepdims=True), 1e-300)
        return same_odds(rate, self.intensities(), self.observed[..., None] * share, rises(kind), kind == LOST)

    def _base_draws(self, rng: np.random.Generator, worlds: int) -> Array:
        """Draw the base intensities, shape (worlds, stages, destinations, bins)."""
        if self.laws is not None:
            return self.laws.draw(rng, worlds, self.base_events, self.base_exposure)
        return gamma_quantile(rng.random((worlds, *self.base_events.shape)), self.base_events, self.base_exposure)

    def shifted(self, level: float) -> Array:
        """Posterior mean intensities when the market's level, the log odds of going up, is shifted at the same pace."""
        return moved_odds(self.intensities(), level, rises(move_types(len(self.stages))))

    def _multiplier(self, factor: _Factor, main: Array, fine: Array) -> Array:
        """Spread the multipliers over profiles: shape (..., profiles, stages, destinations, 1)."""
        kind = move_types(len(self.stages))
        return np.asarray((main[..., kind] * fine)[..., factor.level, :, :][..., None], dtype=np.float64)

    def types_of(self, days: Ints) -> Ints:
        """Type of each day, shape of `days`."""
        return day_types(days, self.calendar)


def move_types(stages: int) -> Ints:
    """Tell forward and back moves, wins and losses apart: the type of each move, shape (stages, destinations)."""
    kind = np.full((stages, stages + 2), FORWARD, dtype=np.int64)
    kind[np.tril_indices(stages)] = BACK
    kind[:, stages], kind[:, stages + 1] = WON, LOST
    return kind


def rises(kind: Ints) -> npt.NDArray[np.bool_]:
    """Mark advances and wins among moves."""
    return np.asarray((kind == FORWARD) | (kind == WON))


def fit_transitions(stays: Stays, profiles: Profiles, calendar: FiscalCalendar, spec: ModelSpec) -> StageProcess:
    """Fit the stage process by cyclic observed-over-expected updates (coordinate ascent of the Poisson likelihood).

    Parameters
    ----------
    stays : Stays
        Observed visits, censored and left-truncated.
    profiles : Profiles
        Profile of each deal.
    calendar : FiscalCalendar
        Decides the types of day.
    spec : ModelSpec
        Bins and pooling.

    Returns
    -------
    StageProcess
    """
    return fit_with_statistics(stays, profiles, calendar, spec)[0]


def fit_with_statistics(
    stays: Stays, profiles: Profiles, calendar: FiscalCalendar, spec: ModelSpec
) -> tuple[StageProcess, Statistics]:
    """Fit the stage process and hand on the counts it was fitted to."""
    bins = age_bins(stays, profiles, spec if spec.law == FREE else _finer(spec))
    count = collect(stays, profiles, bins)
    kind = day_types(count.days, calendar)
    events = count.events_by(kind, len(DAY_TYPES))
    fit = _CyclicFit(events, count.exposure @ np.eye(len(DAY_TYPES))[kind], profiles, bins)
    for _ in range(_SWEEPS):
        fit.sweep()
    laws = None
    if spec.law != FREE:
        laws = LawHazards(spec.law, tuple(StageAges(e, int(p)) for e, p in zip(bins.edges, bins.plateau, strict=True)))
        for _ in range(_LAW_SWEEPS):
            fit.follow(laws)
    entry_stage, entry_profile = _entries(stays, profiles)
    process = StageProcess(
        stages=stays.stages,
        profiles=profiles,
        bins=bins,
        base_events=fit.base_shape,
        base_exposure=fit.base_rate,
        factors=tuple(_Factor(level, main, fine) for level, main, fine in fit.pools()),
        rhythm=fit.rhythm,
        entry_stage=entry_stage,
        entry_profile=entry_profile,
        observed=events.sum(axis=(3, 4)),
        exposure=count.exposure.sum(axis=(2, 3)),
        calendar=calendar,
        laws=laws,
    )
    return process, count


def _finer(spec: ModelSpec) -> ModelSpec:
    """Cut ages finely: a law needs no events to hold up each bin."""
    return replace(spec, max_age_bins=max(spec.max_age_bins, _LAW_BINS), events_per_bin=min(spec.events_per_bin, 10))


class _CyclicFit:
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
        """Lean on half a win and half a loss in 120 deal-days where a company has hardly any outcome yet."""
        self.prior_outcome = np.zeros(self.base.shape[:2])
        self.prior_days = 120.0
        stages = self.base.shape[0]
        for destination in (stages, stages + 1):
            if self.events[:, :, destination].sum() < _FEW_OUTCOMES:
                self.prior_outcome[stages - 1, destination] = 0.5

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
        all_expected = expected.sum(axis=2) + np.where(self.prior_outcome > 0, self.prior_days, 0.0)
        stage_rate = all_seen / np.maximum(all_expected, 1e-9)
        weight = np.where(self.stale, _STALE_PRIOR_EVENTS, _BIN_PRIOR_EVENTS)
        prior = np.where(all_seen[:, :, None] > 0, weight[:, None, :], 0.0)
        self.base_shape = seen + prior
        self.base_rate = expected + prior / np.maximum(stage_rate, 1e-12)[:, :, None]
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


def _entries(stays: Stays, profiles: Profiles) -> tuple[Array, Array]:
    """Shares of first stages, and of profiles, within each segment; one pseudo-deal leans on the company's shares."""
    segments, stages = len(profiles.segments), len(stays.stages)
    first = np.append(True, stays.deal[1:] != stays.deal[:-1]) if len(stays.deal) else np.empty(0, dtype=bool)
    # Deals first watched midway through tell nothing about where deals begin.
    from_birth = first & (stays.start == 0)
    first = from_birth if from_birth.any() else first
    segment = profiles.segment_of_deal[stays.deal[first]]
    by_stage = np.zeros((segments, stages))
    np.add.at(by_stage, (segment, stays.stage[first]), 1.0)
    by_profile = np.zeros((segments, len(profiles.table)))
    np.add.at(by_profile, (profiles.segment_of_deal, profiles.of_deal), 1.0)
    stage_share = by_stage + (by_stage.sum(axis=0) + 1e-9) / (by_stage.sum() + 1e-9 * stages)
    own = profiles.table[None, :, 0] == np.arange(segments)[:, None]
    profile_share = np.where(own, np.maximum(by_profile, 1e-9), 0.0)
    return (
        stage_share / stage_share.sum(axis=1, keepdims=True),
        profile_share / np.maximum(profile_share.sum(axis=1, keepdims=True), 1e-300),
    )
