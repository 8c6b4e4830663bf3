"""The example company's true mechanism, day by day, for one future or many at once.

A deal's hidden interest wanders between two barriers with a drift that nobody sees (first-passage times, so hazards
are neither constant nor proportional); buyers who agreed still have to sign, and sign at quarter ends; buyers who
walked away are often closed only when their owner cleans up. It is on purpose unlike the model fitted to its records.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.data.example import figures as fig
from spmforecast.data.example.clock import Today, today
from spmforecast.data.example.deals import AGREED, FORGOTTEN, GHOSTED, LIVE, Deals, new_deals, snap_due
from spmforecast.data.example.figures import Floats, Ints
from spmforecast.data.example.ledger import Ledger
from spmforecast.data.example.staff import Map, Staff, found_staff, move_staff

__all__ = ["World"]

Bools = npt.NDArray[np.bool_]


@dataclass(slots=True)
class World:
    """The true state of the company at the close of a day, in every future. Changes in place.

    Parameters
    ----------
    size, character : Size, Character
        What kind of company.
    start, day : int
        First day and the last one lived through, since 1970-01-01.
    sales_map : Map
        Seats and territories.
    staff : Staff
        People.
    deals : Deals
        Open deals.
    market : numpy.ndarray of float, shape (futures, 2)
        Level of the market for creation and for conversion.
    born : int
        Deals created so far (records are kept for one future only).
    """

    size: fig.Size
    character: fig.Character
    start: int
    day: int
    sales_map: Map
    staff: Staff
    deals: Deals
    market: Floats
    born: int = 0

    @classmethod
    def found(
        cls, size: fig.Size, character: fig.Character, start: int, rng: np.random.Generator, ledger: Ledger
    ) -> World:
        """Found a company on the eve of its first day: people, but no deals yet."""
        sales_map = Map.of(size)
        staff = found_staff(size.reps, start, rng)
        seated = np.flatnonzero(staff.active)
        ledger.hired(staff.rep[seated], seated, staff.hired[seated])
        none = np.empty(0, dtype=np.int64)
        nobody = new_deals(none, none, size.reps, today(start, start), character.tail, rng)
        sd = np.array([[character.creation_sd, character.conversion_sd]])
        return cls(size, character, start, start - 1, sales_map, staff, nobody, 0.5 * sd * rng.standard_normal((1, 2)))

    def fork(self, n: int) -> World:
        """Return `n` futures that begin from this one's state."""
        world = copy.copy(self)
        world.staff, world.deals = self.staff.fork(n), self.deals.fork(n, self.size.reps)
        world.market = np.repeat(self.market, n, axis=0)
        return world

    def live_until(self, day: int, rng: np.random.Generator, ledger: Ledger) -> None:
        """Live through every day up to the close of `day`."""
        while self.day < day:
            self.day += 1
            now = today(self.day, self.start)
            self._drift_market(rng)
            self._move_people(now, rng, ledger)
            self._move_deals(now, rng, ledger)
            self._close_deals(now, rng, ledger)
            self._keep_books(now, rng, ledger)
            self._open_deals(now, rng, ledger)

    def _drift_market(self, rng: np.random.Generator) -> None:
        keep = np.exp(-1.0 / fig.MARKET_DAYS)
        step = np.sqrt(1.0 - keep**2) * rng.standard_normal(self.market.shape)
        step[:, 1] = 0.6 * step[:, 0] + 0.8 * step[:, 1]  # creation and conversion share part of their shocks
        self.market = keep * self.market + step * (self.character.creation_sd, self.character.conversion_sd)

    def _move_people(self, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        staff = self.staff
        left, joined = move_staff(staff, now, self.character.attrition, rng)
        if len(left):
            ledger.left(staff.rep[left], now.day)
            self._hand_over(left, now, rng, ledger)
        if len(joined):
            ledger.hired(staff.rep[joined], joined, np.full(len(joined), now.day))
            inherits = np.isin(self.deals.home, joined)
            self._give(np.flatnonzero(inherits), self.deals.home[inherits], now, ledger)
        for region, offset in zip(range(self.size.regions), fig.TRAINING_DAYS, strict=False):
            if now.day == self.start + offset:
                seats = self.sales_map.leaf_region[self.sales_map.seat_leaf] == region
                attends = np.tile(seats, len(staff.next_rep)) & staff.active
                staff.trained[attends] = True
                ledger.trained(staff.rep[attends], now.day)

    def _hand_over(self, left: Ints, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        """Give leavers' deals to a colleague of the territory; where there is none they wait for the successor."""
        orphans = np.flatnonzero(np.isin(self.deals.home, left))
        seats = self.size.reps
        base = self.deals.future[orphans] * seats
        mates = self.sales_map.mates[self.sales_map.seat_leaf[self.deals.home[orphans] - base]]
        home = base[:, None] + np.maximum(mates, 0)
        score = np.where((mates >= 0) & self.staff.active[home], rng.random(mates.shape), -1.0)
        best = np.argmax(score, axis=1)
        rows = np.arange(len(orphans))
        found = score[rows, best] >= 0
        self._give(orphans[found], home[rows, best][found], now, ledger)

    def _give(self, which: Ints, home: Ints, now: Today, ledger: Ledger) -> None:
        self.deals.home[which] = home
        self.deals.rep[which] = self.staff.rep[home]
        ledger.stand(now.day, self.deals.take(which))

    def _move_deals(self, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        """Let interest wander; move the deals that reach a barrier."""
        deals, staff = self.deals, self.staff
        ramp = fig.RAMP_LEAN * (1.0 - staff.productivity(now.day))
        edge = staff.edge + ramp + fig.TRAINING_LEAN * staff.trained
        drift = deals.lean + edge[deals.home] + fig.STAGE_LEAN[deals.stage] + self.market[deals.future, 1]
        rush = np.where(deals.stage >= fig.PROPOSAL, now.rush, 1.0)
        speed = np.minimum(deals.pace * rush * now.work / fig.STAGE_DAYS[deals.segment, deals.stage], 0.6)
        step = drift * speed + np.sqrt(speed) * rng.standard_normal(len(deals))
        live = deals.phase == LIVE
        deals.interest += np.where(live, step, 0.0)
        up, down = live & (deals.interest >= 1.0), live & (deals.interest <= -1.0)
        moved = self._go_up(np.flatnonzero(up), rng)
        back = self._go_down(np.flatnonzero(down), rng)
        changed = np.sort(np.concatenate((moved, back)))
        self._edit(changed[rng.random(len(changed)) < fig.EDIT_MOVE], rng)
        self._judge(changed, rng)
        ledger.stand(now.day, deals.take(changed))

    def _go_up(self, which: Ints, rng: np.random.Generator) -> Ints:
        """Move deals up: to the next stage, now and then over one, or to an agreement. Return what moved."""
        deals = self.deals
        skip = rng.random(len(which)) < fig.SKIP
        deals.interest[which] = 0.0
        agreed = deals.stage[which] == fig.NEGOTIATION
        deals.phase[which[agreed]] = AGREED
        moved: Ints = which[~agreed]
        skip = skip[~agreed]
        deals.stage[moved] = np.minimum(deals.stage[moved] + 1 + skip, fig.NEGOTIATION)
        offers = moved[(deals.stage[moved] == fig.NEGOTIATION) & np.isnan(deals.discount[moved])]
        # Weak deals are offered more: the discount helps, but who gets one did not stand well.
        offer = 0.06 + 0.02 * deals.segment[offers] - 0.03 * deals.quality[offers]
        offer += 0.04 * rng.standard_normal(len(offers))
        deals.discount[offers] = np.round(np.clip(offer, 0.0, 0.35), 3)
        deals.lean[offers] += fig.DISCOUNT_LEAN * deals.discount[offers]
        return moved

    def _go_down(self, which: Ints, rng: np.random.Generator) -> Ints:
        """Lose deals, or move them back a stage. Return those moved back."""
        deals = self.deals
        luck, fate = rng.random((2, len(which)))
        goes_back = (luck < fig.BACK) & (deals.stage[which] > 0)
        back: Ints = which[goes_back]
        lost, fate = which[~goes_back], fate[~goes_back]
        deals.stage[back] -= 1
        deals.interest[back] = 0.0
        deals.phase[lost[fate < fig.GHOSTED + fig.FORGOTTEN]] = GHOSTED
        deals.phase[lost[fate < fig.FORGOTTEN]] = FORGOTTEN
        at_once = lost[fate >= fig.GHOSTED + fig.FORGOTTEN]
        deals.stage[at_once] = fig.LOST
        return back

    def _edit(self, which: Ints, rng: np.random.Generator) -> None:
        """Change the price of deals, to full hundreds."""
        change = np.exp(fig.EDIT_SPREAD * rng.standard_normal(len(which)) - 0.01)
        self.deals.list_price[which] = np.maximum(np.round(self.deals.list_price[which] * change, -2), 500.0)

    def _judge(self, which: Ints, rng: np.random.Generator) -> None:
        """Let owners file deals under a forecast category, by stage and a noisy feeling of the buyer's interest."""
        deals = self.deals
        feeling = deals.interest[which] + 0.3 * deals.quality[which] + (deals.phase[which] == AGREED)
        score = deals.stage[which] + 0.5 * feeling + 0.5 * rng.standard_normal(len(which))
        deals.category[which] = np.where(score > 3.0, 2, np.where(score > 1.7, 1, 0))

    def _close_deals(self, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        """Sign agreed deals, clean up at month ends, and take closed deals off the books."""
        deals = self.deals
        signed = (deals.phase == AGREED) & (rng.random(len(deals)) < now.sign)
        deals.stage[signed] = fig.WON
        if now.month_end:
            cleans = rng.random(len(self.staff.rep)) < fig.CLEANS_UP
            deals.stage[(deals.phase == GHOSTED) & cleans[deals.home]] = fig.LOST
        closed = deals.stage >= fig.WON
        if closed.any():
            ends = deals.take(closed)
            ends.due[:] = now.day
            ends.category[:] = np.where(ends.stage == fig.WON, 3, 4)
            ledger.ended(now.day, ends)
            self.deals = deals.take(~closed)

    def _keep_books(self, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        """Let owners push close dates that have passed and edit amounts; nobody touches a forgotten deal."""
        deals = self.deals
        if now.work < 1.0:
            return
        luck = rng.random(len(deals))
        passed = (deals.due < now.day) & (luck < np.where(deals.phase == GHOSTED, 0.05, 0.35))
        late = np.flatnonzero(passed & (deals.phase != FORGOTTEN))
        days = fig.PUSH_DAYS[deals.segment[late]] * np.exp(0.4 * rng.standard_normal(len(late)))
        deals.due[late] = snap_due(now.day + np.rint(days).astype(np.int64), now.day, rng)
        edited = np.flatnonzero((deals.phase == LIVE) & (rng.random(len(deals)) < fig.EDIT_DAILY))
        self._edit(edited, rng)
        touched = np.union1d(late, edited)
        self._judge(touched, rng)
        ledger.stand(now.day, deals.take(touched))

    def _open_deals(self, now: Today, rng: np.random.Generator, ledger: Ledger) -> None:
        staff = self.staff
        rate = self.size.deals_per_rep / 365.25 * now.season * np.exp(fig.CREATION_TREND * now.years)
        level = np.repeat(np.exp(self.market[:, 0]), self.size.reps)
        counts = rng.poisson(rate * level * staff.output * staff.productivity(now.day))
        home = np.repeat(np.arange(len(counts)), counts)
        deals = new_deals(home, staff.rep[home], self.size.reps, now, self.character.tail, rng)
        if ledger.full:
            deals.number = self.born + 1 + np.arange(len(deals))
            self.born += len(deals)
            ledger.born(now.day, deals)
        self.deals = self.deals.join(deals)
