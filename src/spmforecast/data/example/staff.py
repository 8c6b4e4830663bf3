"""The people of the example company: seats in territories, who sits on them, who leaves and who comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.data.example import figures as fig
from spmforecast.data.example.clock import Today
from spmforecast.data.example.figures import Floats, Ints

__all__ = ["Map", "Staff", "found_staff", "move_staff"]

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Map:
    """The sales map: which territory each seat works and which region each territory belongs to.

    Parameters
    ----------
    seat_leaf : numpy.ndarray of int, shape (seats,)
        Leaf territory of each seat.
    leaf_region : numpy.ndarray of int, shape (leaves,)
        Region of each leaf.
    mates : numpy.ndarray of int, shape (leaves, most seats in a leaf)
        Seats of each leaf, filled up with -1.
    leaf_names, region_names : tuple of str
    """

    seat_leaf: Ints
    leaf_region: Ints
    mates: Ints
    leaf_names: tuple[str, ...]
    region_names: tuple[str, ...]

    @classmethod
    def of(cls, size: fig.Size) -> Map:
        """Lay out a company of a size: seats dealt out over leaves, leaves over regions."""
        seat_leaf = np.sort(np.arange(size.reps) % size.leaves)
        leaf_region = np.sort(np.arange(size.leaves) % size.regions)
        widest = int(np.bincount(seat_leaf).max())
        mates = np.full((size.leaves, widest), -1, dtype=np.int64)
        for leaf in range(size.leaves):
            seats = np.flatnonzero(seat_leaf == leaf)
            mates[leaf, : len(seats)] = seats
        regions = fig.REGIONS[: size.regions]
        order = [int(np.sum(leaf_region[:leaf] == leaf_region[leaf])) + 1 for leaf in range(size.leaves)]
        names = tuple(f"{regions[region]}-{rank}" for region, rank in zip(leaf_region, order, strict=True))
        return cls(seat_leaf, leaf_region, mates, names, regions)


@dataclass(slots=True)
class Staff:
    """Who sits where, in every future: flat arrays of futures x seats. Changes in place from day to day.

    Parameters
    ----------
    rep : numpy.ndarray of int
        Number of the person on the seat; of the last one while the seat is vacant; -1 where nobody ever sat.
    active : numpy.ndarray of bool
        Whether somebody sits there.
    opens : numpy.ndarray of int
        Day on which a vacant seat is filled.
    hired : numpy.ndarray of int
        Day on which the person began.
    ramp : numpy.ndarray of float
        Months until they are half productive.
    output, edge : numpy.ndarray of float
        Multiplies the deals they open; adds to the drift of their deals.
    trained : numpy.ndarray of bool
        Whether they attended the workshop.
    next_rep : numpy.ndarray of int, shape (futures,)
        Number of the next person hired.
    """

    rep: Ints
    active: Bools
    opens: Ints
    hired: Ints
    ramp: Floats
    output: Floats
    edge: Floats
    trained: Bools
    next_rep: Ints

    def fork(self, n: int) -> Staff:
        """Return `n` copies of one future's staff, side by side."""
        return Staff(
            rep=np.tile(self.rep, n),
            active=np.tile(self.active, n),
            opens=np.tile(self.opens, n),
            hired=np.tile(self.hired, n),
            ramp=np.tile(self.ramp, n),
            output=np.tile(self.output, n),
            edge=np.tile(self.edge, n),
            trained=np.tile(self.trained, n),
            next_rep=np.repeat(self.next_rep, n),
        )

    def productivity(self, day: int) -> Floats:
        """Return how productive each person is, 0 to 1, from their months on the job; 0 on a vacant seat."""
        months = (day - self.hired) / 30.4
        level = 1.0 / (1.0 + np.exp(-(months - self.ramp) / fig.RAMP_WIDTH))
        return np.where(self.active, level, 0.0)

    def begin(self, seats: Ints, day: int, rng: np.random.Generator) -> None:
        """Put newly hired people on vacant seats (flat indices in ascending order)."""
        per_future = len(self.rep) // len(self.next_rep)
        future = seats // per_future
        first = np.searchsorted(future, future, side="left")
        self.rep[seats] = self.next_rep[future] + np.arange(len(seats)) - first
        self.next_rep += np.bincount(future, minlength=len(self.next_rep))
        self.active[seats], self.hired[seats], self.trained[seats] = True, day, False
        self.endow(seats, rng.standard_normal(len(seats)), rng)

    def endow(self, seats: Ints, talent: Floats, rng: np.random.Generator) -> None:
        """Give the people on these seats their talents: standard normal for opening deals, the rest by luck."""
        self.output[seats] = np.exp(fig.SKILL_SPREAD * talent - 0.5 * fig.SKILL_SPREAD**2)
        self.edge[seats] = fig.SKILL_LEAN * rng.standard_normal(len(seats))
        self.ramp[seats] = fig.RAMP_MONTHS * np.exp(fig.RAMP_SPREAD * rng.standard_normal(len(seats)))


def found_staff(seats: int, start: int, rng: np.random.Generator) -> Staff:
    """Return the staff of one future on the company's first day: most seats filled, the others to open later."""
    from scipy.special import ndtri

    staff = Staff(
        rep=np.full(seats, -1, dtype=np.int64),
        active=np.zeros(seats, dtype=np.bool_),
        opens=np.full(seats, start, dtype=np.int64),
        hired=np.full(seats, start, dtype=np.int64),
        ramp=np.ones(seats),
        output=np.ones(seats),
        edge=np.zeros(seats),
        trained=np.zeros(seats, dtype=np.bool_),
        next_rep=np.ones(1, dtype=np.int64),
    )
    filled = np.sort(rng.permutation(seats)[: max(1, round(seats * fig.SEATS_AT_START))])
    staff.begin(filled, start, rng)
    # Evenly spread talents: a small company's size should not hang on the luck of its founders.
    talent = np.asarray(ndtri((rng.permutation(len(filled)) + 0.5) / len(filled)), dtype=np.float64)
    staff.endow(filled, talent, rng)
    staff.hired[filled] = start - rng.integers(120, 1200, len(filled))
    later = np.setdiff1d(np.arange(seats), filled)
    staff.opens[later] = start + rng.integers(30, fig.SEATS_OPEN_BY, len(later))
    return staff


def move_staff(staff: Staff, now: Today, attrition: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Let people leave and others come on one day.

    Parameters
    ----------
    staff : Staff
        Changed in place.
    now : Today
        The day.
    attrition : float
        Leavers a year, as a rate.
    rng : numpy.random.Generator
        Where the luck comes from.

    Returns
    -------
    left, joined : numpy.ndarray of int
        Flat indices of the seats.
    """
    due = ~staff.active & (staff.opens <= now.day)
    joined = np.flatnonzero(due) if now.work == 1.0 else np.empty(0, dtype=np.int64)
    # Hardly anybody leaves within the first quarter; the rate above holds for the others.
    settled = staff.active & (now.day - staff.hired > 90)
    left = np.flatnonzero(settled & (rng.random(len(staff.rep)) < attrition / 365.25))
    wait = fig.HIRING_DAYS * np.exp(fig.HIRING_SPREAD * rng.standard_normal(len(left)))
    staff.active[left], staff.opens[left] = False, now.day + 10 + np.rint(wait).astype(np.int64)
    if len(joined):
        staff.begin(joined, now.day, rng)
    return left, joined
