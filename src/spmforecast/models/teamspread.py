"""By how much quarters of single teams are better or worse than the company's, beyond luck: a spread with its doubt.

The log of what a team did in a quarter over what was expected of it is

    team + quarter + tau * shock + noise

with noise of known variance. Teams and quarters are free (flat priors, integrated out): a team that is always better is
no shock, and a quarter that is better for all is the market's. So no cell is held against an expectation that has seen
it, and *tau* is not read too small for the parameters that were fitted to the same cells (restricted likelihood;
Patterson & Thompson, 1971, Biometrika 58:545). Its posterior on a grid, with a half-normal prior, keeps zero out of
reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.market import MonthlyCounts

__all__ = ["TeamSpread", "fit_team_spread", "log_ratios"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TAU_GRID = np.linspace(0.01, 0.6, 60)
_TAU_PRIOR_SD = 0.15  # teams of a company are nearer to each other than its quarters to its mean (0.3)
_LEAST_EXPECTED = 1.0  # the log of less is no measure of anything
_FREE = 1e-4  # precision of a quarter's level beforehand: next to nothing, for quarters that no team connects


@dataclass(frozen=True)
class TeamSpread:
    """Posterior of the shocks of teams and quarters.

    Parameters
    ----------
    tau : array of float, shape (grid,)
        Standard deviation of the log shocks at each grid point.
    weight : array of float, shape (grid,)
        Posterior probability.
    present, present_sd : array of float, shape (teams, grid)
        Shock of each team in the quarter under way, and its error given the quarter's own level; where none is under
        way zero and `tau`.
    cells : int
        Quarters of teams behind it.
    """

    tau: Array
    weight: Array
    present: Array
    present_sd: Array
    cells: int

    def tau_mean(self) -> float:
        """Posterior mean of the standard deviation."""
        return float(self.weight @ self.tau)

    def tau_quantile(self, q: float) -> float:
        """Posterior quantile of the standard deviation."""
        return float(self.tau[np.searchsorted(np.cumsum(self.weight), q * self.weight.sum())])

    def variance(self, share: Array) -> float:
        """Posterior mean of the variance of shocks relative to the company, averaged over teams of such shares."""
        return float(self.weight @ self.tau**2 * (1.0 - (share**2).sum()))

    def shocks(self, choice: Array, normal: Array, share: Array) -> Array:
        """Turn uniforms and normals into log shocks.

        Parameters
        ----------
        choice : array of float, shape (trials,)
            Uniforms that pick the grid point.
        normal : array of float, shape (teams, quarters, trials)
            Standard normals; the first quarter is the one under way.
        share : array of float, shape (teams,)
            Shares of the teams in the company, which sum to one.

        Returns
        -------
        array of float, shape (teams, quarters, trials)
            Relative to what they sum up to in the company, which is the market's, and with exponentials of mean one.
        """
        point = np.minimum(np.searchsorted(np.cumsum(self.weight), choice), len(self.weight) - 1)
        tau = self.tau[point]
        out = normal * tau
        out[:, 0] = self.present[:, point] + self.present_sd[:, point] * normal[:, 0]
        out -= np.einsum("t,tqn->qn", share, out)
        left = 1.0 - 2.0 * share + (share**2).sum()
        return np.asarray(out - 0.5 * left[:, None, None] * tau**2)

    def unseen(self) -> TeamSpread:
        """Forget the quarter under way, as if the next one were to begin."""
        teams = len(self.present)
        tau = np.broadcast_to(self.tau, (teams, len(self.tau))).copy()
        return TeamSpread(self.tau, self.weight, np.zeros((teams, len(self.tau))), tau, self.cells)


def log_ratios(observed: Array, expected: Array) -> tuple[Array, Array]:
    """Take the log ratio of counts of teams and quarters, and its Poisson variance.

    Parameters
    ----------
    observed, expected : array of float, shape (teams, quarters)
        Events of each team in each quarter.

    Returns
    -------
    ratio, noise : array of float, shape (teams, quarters)
        The variance is infinite where less than one event is expected.
    """
    shape = observed.shape
    ratio, noise = (of.reshape(shape) for of in MonthlyCounts(observed.ravel(), expected.ravel()).log_ratio())
    return ratio, np.where(expected >= _LEAST_EXPECTED, noise, np.inf)


def fit_team_spread(
    ratio: Array, noise: Array, under_way: bool, concentration: Array | None = None, frailty: float = 0.0
) -> TeamSpread:
    """Fit the spread of the shocks.

    Parameters
    ----------
    ratio : array of float, shape (teams, quarters)
        Log of what each team did in each quarter over what was expected, the last quarter being the latest.
    noise : array of float, shape (teams, quarters)
        Variance of its error; infinite where a cell tells nothing.
    under_way : bool
        Whether the last quarter has begun and is not over: its shocks go on.
    concentration : array of float, shape (teams, quarters), optional
        Sum of squares of what is expected of a team's members over the square of their sum.
    frailty : float
        Variance of the log of what a member does in a quarter beyond chance; what is not the team's is their own.

    Returns
    -------
    TeamSpread
    """
    layout = _Layout.of(ratio, noise, concentration, frailty)
    told = [layout.at(float(tau)) for tau in _TAU_GRID]
    log = np.array([one.log_likelihood for one in told]) - 0.5 * (_TAU_GRID / _TAU_PRIOR_SD) ** 2
    weight = np.exp(log - log.max())
    spread = TeamSpread(_TAU_GRID, weight / weight.sum(), *_nothing(len(ratio)), cells=int(layout.known.sum()))
    if not under_way:
        return spread.unseen()
    present, error = (np.stack(of, axis=1) for of in zip(*(one.last for one in told), strict=True))
    return TeamSpread(spread.tau, spread.weight, present, error, spread.cells)


def _nothing(teams: int) -> tuple[Array, Array]:
    empty = np.zeros((teams, len(_TAU_GRID)))
    return empty, empty


@dataclass(frozen=True)
class _Told:
    """What the cells tell at one point of the grid: their likelihood, and the last quarter's shocks with errors."""

    log_likelihood: float
    last: tuple[Array, Array]


@dataclass(frozen=True)
class _Layout:
    """Log ratios in a table of teams and quarters, and what makes up the variance of their noise."""

    ratio: Array
    noise: Array
    concentration: Array
    frailty: float
    known: Flags

    @classmethod
    def of(cls, ratio: Array, noise: Array, concentration: Array | None, frailty: float) -> _Layout:
        known = np.isfinite(noise)
        known &= known.sum(axis=0) >= 2  # a quarter of one team tells nothing beside the quarter's own level
        few = np.zeros(ratio.shape) if concentration is None else concentration
        return cls(np.where(known, ratio, 0.0), np.where(known, noise, 1.0), few, frailty, known)

    def at(self, tau: float) -> _Told:
        """Integrate teams and quarters out."""
        own = max(self.frailty - tau**2, 0.0) * self.concentration
        weight = np.where(self.known, 1.0 / (self.noise + own + tau**2), 0.0)
        rows, columns = (np.asarray(weight.any(axis=axis)) for axis in (1, 0))
        present, error = np.zeros(len(weight)), np.full(len(weight), tau)
        if not rows.any():
            return _Told(0.0, (present, error))
        w, y = weight[np.ix_(rows, columns)], self.ratio[np.ix_(rows, columns)]
        of_team = w.sum(axis=1)
        share = w / of_team[:, None]
        # Quarters once teams are taken out; the first is the level from which the others are counted.
        inner = (np.diag(w.sum(axis=0) + _FREE) - w.T @ share)[1:, 1:]
        pull = ((w * y).sum(axis=0) - share.T @ (w * y).sum(axis=1))[1:]
        apart = y - np.append(0.0, np.linalg.solve(inner, pull))
        left = apart - (share * apart).sum(axis=1, keepdims=True)
        loss = np.log(of_team).sum() + np.linalg.slogdet(inner)[1] + (w * left**2).sum() - np.log(w[w > 0]).sum()
        if columns[-1]:
            last = w[:, -1]
            present[rows] = tau**2 * last * left[:, -1]
            # The error of the quarter's own level is common to all teams: it is the company's, and cancels out.
            error[rows] = np.sqrt(tau**2 - tau**4 * last * (1.0 - share[:, -1]))
        return _Told(-0.5 * float(loss), (present, error))
