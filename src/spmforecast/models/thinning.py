"""From activities to deals: each activity leads to a deal with some chance, after a number of days with a law.

Deals are Poisson: those that come without any activity, as many as a share of what the reps' creation is expected to
be, and of each type of activity its rate times its law of lags over the activities of the days before. Which deal came
of what is not known; expectation and maximisation share every deal out among its possible causes in turn with the rates
(Shepp & Vardi 1982, IEEE Trans Med Imaging 1:113; for lags Marsan & Lengliné 2008, Science 319:1076). So no rate and no
share of a lag is ever negative. Rates lean on the rate of all types (gamma-Poisson), the law of lags of all types on an
even one, that of a type on that of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.prospecting import LAGS, SAME_DAY

__all__ = ["Thinning", "fit_thinning"]

Array = npt.NDArray[np.float64]

_ROUNDS = 50
_BARE_DEALS = 10.0  # deals that come as expected, without activity: what the share of those leans on
_RATE_DEALS, _EVEN_DEALS, _COMMON_DEALS = 5.0, 5.0, 20.0  # deals that each prior is worth
_BINS = len(LAGS) - 1


@dataclass(frozen=True)
class Thinning:
    """What activities lead to.

    Parameters
    ----------
    bare : float
        Deals that come without an activity, or with one of the same day alone, per deal expected of the reps.
    rate : array of float, shape (types,)
        Deals per activity.
    law : array of float, shape (types, bins)
        Share of these deals in each bin of days since the activity; sums to one.
    common : array of float, shape (bins,)
        The law of all types together.
    deals : array of float, shape (types,)
        Deals shared out to each type.
    behind : array of float, shape (types,)
        Activities behind these.
    """

    bare: float
    rate: Array
    law: Array
    common: Array
    deals: Array
    behind: Array

    def led(self, activities: Array) -> Array:
        """Deals a day that activities of days before lead to; those of the same day are counted as bare.

        Parameters
        ----------
        activities : array of float, shape (types, bins, n)
            Activities a day in each bin, see :func:`~spmforecast.models.prospecting.lagged`.

        Returns
        -------
        array of float, shape (n,)
        """
        chance = self.rate[:, None] * self.law
        chance[:, SAME_DAY] = 0.0
        return np.asarray(np.einsum("kj,kjn->n", chance, activities))


def fit_thinning(deals: Array, direct: Array, activities: Array) -> Thinning:
    """Fit rates and laws by expectation and maximisation.

    Parameters
    ----------
    deals : array of float, shape (n,)
        Deals created in each stretch of days.
    direct : array of float, shape (n,)
        Deals expected of the reps.
    activities : array of float, shape (types, bins, n)
        Activities in each bin of days before, added up over the days of a stretch.

    Returns
    -------
    Thinning
    """
    reach = activities.sum(axis=2)
    behind = reach.mean(axis=1)
    even = behind[:, None] / np.maximum(reach, 1e-12)  # days of some bins are watched, or worked on, less than others
    bare, pooled = 0.5, 0.5 * deals.sum() / max(float(behind.sum()), 1.0)
    common = np.full(_BINS, 1.0 / _BINS)
    rate, law = np.full(len(reach), pooled), np.tile(common, (len(reach), 1))
    due, came = np.zeros_like(reach), np.zeros(len(reach))
    for _ in range(_ROUNDS):
        each = rate[:, None] * law
        share = deals / np.maximum(bare * direct + np.einsum("kj,kjn->n", each, activities), 1e-12)
        due = even * each * (activities @ share)  # deals shared out to each type and bin
        bare = (bare * float(direct @ share) + _BARE_DEALS) / (float(direct.sum()) + _BARE_DEALS)
        came = due.sum(axis=1)
        pooled = float(came.sum()) / max(float(behind.sum()), 1e-12)
        rate = (came + _RATE_DEALS) / (behind + _RATE_DEALS / max(pooled, 1e-12))
        common = _shares(due.sum(axis=0), np.full(_BINS, 1.0 / _BINS), _EVEN_DEALS)
        law = _shares(due, common, _COMMON_DEALS)
    at_once = float((due / even)[:, SAME_DAY].sum()) / max(float(direct.sum()), 1e-12)
    return Thinning(bare + at_once, rate, law, common, came, behind)


def _shares(deals: Array, prior: Array, strength: float) -> Array:
    """Shares along the last axis that lean on others."""
    total = deals.sum(axis=-1, keepdims=True)
    return np.asarray((deals + strength * prior) / (total + strength))
