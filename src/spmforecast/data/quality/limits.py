"""Limits: from where on each rule of the quality report speaks, and which rules are skipped."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QualityRules"]


@dataclass(frozen=True, slots=True)
class QualityRules:
    """What the quality report looks for. Every limit can be moved, every rule skipped.

    Parameters
    ----------
    skip : tuple of str
        Rules that are not applied, by name.
    dead_age_quantile : float
        An open deal is dead when its age in the stage is beyond this quantile of comparable exits.
    dead_least_exits : int
        Exits of the same stage and segment that make them comparable; with fewer the stage alone counts, and with
        fewer there too nothing is said.
    past_close_days : int
        Days by which an open deal's expected close must have passed.
    outlier_z : float
        Distance of the log of an amount from the median of its segment, in robust standard deviations.
    gap_days : int
        Days without any record of a table, at the least, that make a gap.
    empty_share : float
        Share of empty cells of a column from which on it is told.
    back_share : float
        Share of moves that go back from which on it is told.
    rare_share : float
        A spelling counts as a misspelling when it is at most this share of what it resembles.
    outcome_auc : float
        Area under the ROC curve of a column against won and lost from which on it tells the outcome.
    drift_spread : float
        Difference between the highest and the lowest win rate by quarter of creation.
    instant_share : float
        Share of closed deals that are closed on the day of their creation.
    one_stage_share : float
        Share of losses that stand in one and the same stage.
    clean_up_least : int
        Deals that one owner must lose on a day, at the least, to make it a clean-up day.
    clean_up_factor : float
        How many times the owner's usual worst day (99 % quantile) they must be, too.
    bulk_share : float
        Share of all deals created on one day that looks like an import.
    """

    skip: tuple[str, ...] = ()
    dead_age_quantile: float = 0.975
    dead_least_exits: int = 30
    past_close_days: int = 90
    outlier_z: float = 6.0
    gap_days: int = 21
    empty_share: float = 0.01
    back_share: float = 0.02
    rare_share: float = 0.05
    outcome_auc: float = 0.95
    drift_spread: float = 0.25
    instant_share: float = 0.10
    one_stage_share: float = 0.80
    clean_up_least: int = 10
    clean_up_factor: float = 5.0
    bulk_share: float = 0.02
