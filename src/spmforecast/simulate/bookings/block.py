"""One block of trials of bookings: a pure function of the inputs and of which trials, so that it can run anywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw
from spmforecast.models.pooling import gamma_quantile
from spmforecast.simulate.bookings.compound import SizeMoments, gamma_path, sum_quantile
from spmforecast.simulate.bookings.inputs import BookingInputs
from spmforecast.simulate.outcomes import poisson_quantile
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.sums import Sums
from spmforecast.simulate.tally import BlockResult
from spmforecast.simulate.teams import TeamLuck, draw_team_luck
from spmforecast.simulate.trials import Trials

__all__ = ["simulate_booking_block"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FEW = 12  # orders up to this number are drawn one by one, more of them as a sum
_MOST_MEAN = 1e7


def simulate_booking_block(inputs: BookingInputs, start: int, stop: int) -> BlockResult:
    """Simulate the trials from `start` to `stop`.

    Parameters
    ----------
    inputs : BookingInputs
        Everything needed.
    start, stop : int
        Trials; `start` is a multiple of four.

    Returns
    -------
    BlockResult
        Without open deals.
    """
    return _Block(inputs, start, stop).run()


class _Block:
    """Working arrays of one block."""

    def __init__(self, inputs: BookingInputs, start: int, stop: int) -> None:
        self.inputs, self.start, self.stop = inputs, start, stop
        self.streams = Streams(inputs.seed)
        shape = (stop - start, len(inputs.plan.frame))
        self.amounts, self.counts = np.zeros(shape), np.zeros(shape, dtype=np.float32)
        self.scale = inputs.scale[np.arange(start, stop) % len(inputs.scale)]

    def _uniform(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        return self.streams.uniforms(kind, entity, purpose, self.start, self.stop, lane)

    def _normal(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        return self.streams.normals(kind, entity, purpose, self.start, self.stop, lane)

    def run(self) -> BlockResult:
        """Play every rep, then the orders of every stream."""
        streams = self.inputs.streams
        means = self._means(self._common())
        for k in range(len(streams.ids)):
            seller = int(streams.seller[k])
            for period in range(self.inputs.periods):
                self._book(k, period, streams.share[k] * means[seller][:, period])
        none = np.zeros(0)
        by_period = np.zeros((0, self.inputs.periods))
        sums = Sums(self.amounts.T, self.counts.T, unit=1.0)
        return BlockResult(sums, by_period, by_period, none, none)

    def _common(self) -> Array:
        """Draw the factor that all have in common, shape (trials, months)."""
        inputs = self.inputs
        reached = np.cumsum(inputs.weight)
        point = np.searchsorted(reached, self._uniform("market", "bookings", "law") * reached[-1])
        point = np.minimum(point, len(reached) - 1)
        months = range(inputs.centre.shape[1])
        normal = np.stack([self._normal("market", "bookings", "month", month) for month in months], axis=1)
        return np.asarray(np.exp(inputs.centre[point] + np.einsum("tij,tj->ti", inputs.root[point], normal)))

    def _means(self, common: Array) -> list[Array]:
        """Work out expected bookings of each seller, and of those to be hired, each of shape (trials, periods)."""
        inputs, out = self.inputs, []
        luck = draw_team_luck(inputs.teams, Trials(inputs.seed, self.start, self.stop, len(inputs.scale)))
        heirs = inputs.vacant[:, None, :] * common
        hazard = gamma_quantile(self._uniform("model", "capacity", "leaving"), inputs.leave_shape, inputs.leave_rate)
        for s, name in enumerate(inputs.streams.sellers):
            leave = self._leave_day(name, hazard)
            worth = (inputs.worth[s][leave] * common) @ inputs.of_period
            uniforms = np.stack([self._uniform("rep", name, "level", period) for period in range(inputs.periods)])
            level = gamma_path(uniforms, float(inputs.level_mean[s]), inputs.level_shape[s])
            team = None if luck is None else luck.plan.of_owner[s]
            out.append(_moved(worth * level * self._frailty(name), luck, team))
            if inputs.leave_shape > 0:
                heir = gamma_quantile(self._uniform("rep", name, "successor"), inputs.strength, inputs.strength)
                heirs[inputs.streams.place_of[s]] += inputs.succeeded[leave] * heir[:, None] * common
        for place, of_place in enumerate(heirs):
            team = None if luck is None else luck.plan.of_place[place]
            out.append(_moved(of_place @ inputs.of_period, luck, team))
        return out

    def _leave_day(self, name: str, hazard: Array) -> Ints:
        """Day on which a rep leaves in each trial; the last entry stands for staying."""
        last = self.inputs.worth.shape[1] - 1
        waited = -np.log(self._uniform("rep", name, "leaving"))
        return np.where(waited < hazard * last, np.floor(waited / np.maximum(hazard, 1e-300)), last).astype(np.int64)

    def _frailty(self, name: str) -> Array:
        """Draw a rep's luck, lognormal with mean one, shape (trials, periods)."""
        variance = np.log1p(self.inputs.frailty)
        draws = [self._normal("rep", name, "frailty", period) for period in range(self.inputs.periods)]
        return np.asarray(np.exp(np.sqrt(variance) * np.stack(draws, axis=1) - 0.5 * variance))

    def _book(self, stream: int, period: int, mean: Array) -> None:
        """Draw the orders of one stream and period, less the cancellations."""
        inputs = self.inputs
        name, column = inputs.streams.ids[stream], int(inputs.streams.column[stream]) + period
        row = int(inputs.row[inputs.streams.seller[stream]])
        kept = 1.0 - inputs.cancelled
        amount, count = self._orders(f"{name}", period, mean / kept, inputs.sizes, row)
        self.counts[:, column] += np.rint(count * self.scale * inputs.left[period]).astype(np.float32)
        if inputs.cancelled > 0:
            lost = mean * inputs.cancelled / kept
            amount = amount - self._orders(f"{name}|cancelled", period, lost, inputs.cancellations, 0)[0]
        self.amounts[:, column] += np.round(amount, 2)

    def _orders(self, name: str, period: int, mean: Array, law: AmountLaw, row: int) -> tuple[Array, Array]:
        """Draw the sum and the number of orders of a given expected sum."""
        moments, scale = SizeMoments.of(law, row), self.scale * self.inputs.left[period]
        expected = np.minimum(mean / (moments.mean * scale), _MOST_MEAN)
        count = poisson_quantile(self._uniform("stream", name, "orders", period), expected)
        amount = np.zeros(len(mean))
        few = count <= _FEW
        for number in range(int(count[few].max(initial=0))):
            here = np.flatnonzero(few & (count > number))
            uniform = self._uniform("stream", name, f"size {period}", number)[here]
            amount[here] += np.exp(law.draw(row, uniform))
        many = np.flatnonzero(~few)
        if len(many):
            uniform = self._uniform("stream", name, "sum", period)[many]
            amount[many] = sum_quantile(uniform, count[many].astype(np.float64), moments)
        return amount * scale, count.astype(np.float64)


def _moved(means: Array, luck: TeamLuck | None, team: int | None) -> Array:
    """Let a team's good and bad quarters move what is expected, shape (trials, periods)."""
    return means if luck is None or team is None or team < 0 else means * luck.of("booking", team).T
