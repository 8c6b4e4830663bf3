"""Companies drawn from the model itself: parameters from a prior, a record and its sequel from the parameters.

The mechanism is that of docs/method.md, written down a second time and day by day: competing intensities by stage, age,
type of day and segment; creation by rep with season, frailty and market; lognormal amounts; two monthly market levels
with drifting means. Many companies live at once, so that two hundred cost little more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import ExampleCompany, read_history
from spmforecast.models import PipelineModel
from spmforecast.models.daytypes import day_types
from spmforecast.models.holidays import Holidays, Rule
from spmforecast.models.kinds import BACK, FORWARD, WON, move_types

START, AS_OF, UNTIL = "2022-01-01", "2023-12-31", "2024-03-31"
REPS = 8
FIRST_DAY, TODAY, LAST_DAY = (int(np.datetime64(day, "D").astype(int)) for day in (START, AS_OF, UNTIL))
AGE_AT, AGE_FROM = (0, 5, 15, 30, 60), (0, 1, 10, 21, 45)  # of the first segment; the others have paces of their own
OLDEST = 120
CALENDAR = FiscalCalendar()
HOLIDAYS = Holidays((Rule("date", 1, 1), Rule("date", 12, 25)))  # what the model takes for kept before it looks
_FIT_FROM, _SEEDS = "2024-12-31", (101, 102, 103)
_LEAST_EXITS = 40


@dataclass(frozen=True)
class Prior:
    """Means and standard deviations of (logs of) fitted parameters over example companies.

    Each entry of `log` is a pair of arrays; `of_age` holds the age bin of each segment and age in days, cut at the pace
    of the segment; `market` the grids and the averaged weights of both levels.
    """

    stages: tuple[str, ...]
    segments: tuple[str, ...]
    log: dict[str, tuple[np.ndarray, np.ndarray]]
    plain: dict[str, tuple[np.ndarray, np.ndarray]]
    entry_stage: np.ndarray
    of_age: np.ndarray
    market: tuple[tuple[np.ndarray, np.ndarray], ...]


@cache
def prior() -> Prior:
    """Fit example companies of every character and take the spread of what was fitted."""
    companies = [(name, seed) for name in ("calm", "ordinary", "stormy", "tiny") for seed in _SEEDS]
    fits = [
        PipelineModel().fit(read_history(ExampleCompany(seed, "small", name, export=_FIT_FROM).tables()), _FIT_FROM)
        for name, seed in companies
    ]
    stages, segments = fits[0].stays.stages, fits[0].profiles.segments
    exits = sum(fit.process.observed.sum(axis=0) for fit in fits)
    used = (exits >= _LEAST_EXITS) & (move_types(len(stages)) != BACK)
    rate = np.stack([np.log(_rates(fit)) for fit in fits])
    rate = np.where(used[..., None], rate, -np.inf)
    with np.errstate(invalid="ignore"):
        level, shape = rate.mean(axis=3), rate - rate.mean(axis=3, keepdims=True)
    won = [fit.amounts.won.log_quantiles for fit in fits]
    log = {
        "level": level,
        "shape": shape,
        "segment": [np.log(fit.process.factors[0].main.mean) for fit in fits],
        "rhythm": [np.log(fit.process.rhythm[[0, -2, -1]]) for fit in fits],
        "base": [np.log(fit.creation.base) for fit in fits],
        "season": [np.log(fit.creation.season) for fit in fits],
        "weekday": [np.log(fit.creation.weekday) for fit in fits],
        "dispersion": [np.log(max(fit.creation.dispersion, 1e-3)) for fit in fits],
        "rep strength": [np.log(fit.creation.reps.strength) for fit in fits],
        "win strength": [np.log(fit.rep_wins.strength) for fit in fits],
        "fine strength": [np.log(fit.process.factors[0].fine.strength) for fit in fits],
        "share": [np.log(np.bincount(fit.profiles.segment_of_deal) / len(fit.deals)) for fit in fits],
        "amount sd": [np.log(quantiles.std(axis=1)) for quantiles in won],
    }
    plain = {
        "amount": [quantiles.mean(axis=1) for quantiles in won],
        "trend": [fit.amounts.trend for fit in fits],
        "correlation": [fit.market.correlation for fit in fits],
    }
    shocks = [[getattr(fit.market, name) for fit in fits] for name in ("creation", "conversion")]
    market = tuple(
        (np.stack([s[0].tau, s[0].phi, s[0].drift, s[0].growth]), np.mean([one.weight for one in s], axis=0))
        for s in shocks
    )
    entry = np.mean([fit.process.entry_stage.mean(axis=0) for fit in fits], axis=0)
    return Prior(stages, segments, _spread(log), _spread(plain), entry, _of_age(fits), market)


def _of_age(fits) -> np.ndarray:
    """Cut the ages of each segment at its mean pace, shape (segments, ages)."""
    pace = []
    for fit in fits:
        bins = fit.process.bins
        plateau = (bins.of_age < bins.plateau[:, None]).sum(axis=2)  # the age at which it begins
        pace.append(np.log(plateau / plateau[0]).mean(axis=1))
    edges = np.maximum(np.ceil(np.exp(np.mean(pace, axis=0))[:, None] * AGE_FROM[1:]), 1.0)
    return np.array([np.searchsorted(own, np.arange(OLDEST + 1), side="right") for own in edges])


def _rates(fit) -> np.ndarray:
    """Base intensities at a few ages, shape (stages, destinations, ages)."""
    base, of_age = fit.process.base_events / fit.process.base_exposure, fit.process.bins.of_age[0]
    at = of_age[:, np.minimum(AGE_AT, of_age.shape[1] - 1)]
    return np.maximum(np.take_along_axis(base, at[:, None, :], axis=2), 1e-6)


def _spread(values: dict[str, object]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    out = {}
    for name, rows in values.items():
        table = np.asarray(rows, dtype=np.float64)
        known = np.isfinite(table).all(axis=0)
        mean = np.where(known, np.where(np.isfinite(table), table, 0.0).mean(axis=0), -np.inf)
        out[name] = mean, np.where(known, np.where(np.isfinite(table), table, 0.0).std(axis=0, ddof=1), 0.0)
    return out


@dataclass(frozen=True)
class Companies:
    """Parameters of n companies; first axis companies throughout.

    Parameters
    ----------
    rate : array, shape (n, segments, stages, destinations, ages)
        Intensities per day on a day of rhythm one, the market level.
    rhythm : array, shape (n, destinations, day types)
    made : array, shape (n, reps)
        Deals a day of each rep at a level market.
    wins : array, shape (n, reps)
        Multiplier of each rep on winning.
    season, weekday : array, shape (n, 12) and (n, 7)
    frailty : array, shape (n, reps, quarters)
    share : array, shape (n, segments)
    entry_stage : array, shape (stages,)
    amount, amount_sd : array, shape (n, segments)
        Location at the as-of date, and spread, of log amounts.
    trend : array, shape (n,)
        A year.
    called : array of int, shape (n, segments)
        Which name each segment has: to the model a segment's name says nothing of it, so the prior must not either.
    tau : array, shape (n, 2)
        Of creation and of the odds of going up.
    mean, level : array, shape (n, 2, months)
        Long-run means, and levels, of both.
    """

    rate: np.ndarray
    rhythm: np.ndarray
    made: np.ndarray
    wins: np.ndarray
    season: np.ndarray
    weekday: np.ndarray
    frailty: np.ndarray
    share: np.ndarray
    entry_stage: np.ndarray
    amount: np.ndarray
    amount_sd: np.ndarray
    trend: np.ndarray
    called: np.ndarray
    tau: np.ndarray
    mean: np.ndarray
    level: np.ndarray


def draw(n: int, seed: int) -> Companies:
    """Draw the parameters of n companies from the prior."""
    rng, given = np.random.default_rng(seed), prior()

    def log(name: str) -> np.ndarray:
        mean, sd = given.log[name]
        return np.exp(mean + sd * rng.standard_normal((n, *mean.shape)))

    def plain(name: str) -> np.ndarray:
        mean, sd = given.plain[name]
        return mean + sd * rng.standard_normal((n, *mean.shape))

    kind, segments = move_types(len(given.stages)), len(given.segments)
    fine_strength = log("fine strength")[:, None, None, None]
    fine = rng.gamma(fine_strength * np.ones((n, segments, *kind.shape))) / fine_strength
    base = log("level")[..., None] * np.nan_to_num(log("shape"))
    rate = base[:, None] * (log("segment")[:, :, kind] * fine)[..., None]
    rhythm = log("rhythm")
    moves = [0] * len(given.stages) + [1, 2]
    dispersion, strength, winning = log("dispersion"), log("rep strength")[:, None], log("win strength")[:, None]
    quarters = 9
    frailty_sd = np.sqrt(np.log1p(dispersion))[:, None, None]
    frailty = np.exp(frailty_sd * rng.standard_normal((n, REPS, quarters)) - 0.5 * frailty_sd**2)
    productivity = rng.gamma(strength * np.ones((n, REPS))) / strength
    share, season, weekday = log("share"), log("season"), log("weekday")
    tau, mean, level = _market(rng, n, plain("correlation"))
    return Companies(
        rate=rate,
        rhythm=rhythm[:, moves],
        made=log("base")[:, None] * productivity,
        wins=rng.gamma(winning * np.ones((n, REPS))) / winning,
        season=season / season.mean(axis=1, keepdims=True),
        weekday=weekday / weekday.mean(axis=1, keepdims=True),
        frailty=frailty,
        share=share / share.sum(axis=1, keepdims=True),
        entry_stage=given.entry_stage,
        amount=plain("amount"),
        amount_sd=log("amount sd"),
        trend=plain("trend"),
        called=np.random.default_rng([seed, 3]).permuted(np.tile(np.arange(segments), (n, 1)), axis=1),
        tau=tau,
        mean=mean,
        level=level,
    )


def _market(rng: np.random.Generator, n: int, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw hyperparameters from the averaged posteriors, then means and levels of 27 months."""
    months, share = 27, np.clip(correlation, 0.0, 0.9)[:, None]
    points = []
    for grid, weight in prior().market:
        points.append(grid[:, np.minimum(np.searchsorted(np.cumsum(weight), rng.random(n)), len(weight) - 1)])
    tau, phi, drift, growth = np.stack(points, axis=2)
    common, own = rng.standard_normal((2, n, months + 1)), rng.standard_normal((n, months + 1))
    push = np.stack([common[0], share * common[0] + np.sqrt(1 - share**2) * own], axis=1)
    steps = rng.standard_normal((n, 2, months))
    steps[:, :, 0] = 0.0
    mean = np.cumsum(growth[:, :, None] + drift[:, :, None] * steps, axis=2)
    x = tau * push[:, :, 0]
    level = np.empty((n, 2, months))
    for month in range(months):
        if month:
            x = phi * x + np.sqrt(1 - phi**2) * tau * push[:, :, month]
        level[:, :, month] = mean[:, :, month] + x - 0.5 * tau**2
    return tau, mean, level


def at_level(rate: np.ndarray, level: np.ndarray, axis: int) -> np.ndarray:
    """Shift the odds of going up at the same pace; `level` is broadcast, `axis` is that of the destinations."""
    stages = rate.shape[axis - 1]
    kind = move_types(stages)
    shape = [1] * rate.ndim
    shape[axis - 1], shape[axis] = kind.shape
    rises = ((kind == FORWARD) | (kind == WON)).reshape(shape)
    scaled = rate * np.where(rises, np.exp(level), 1.0)
    total = np.maximum(scaled.sum(axis=axis, keepdims=True), 1e-300)
    return scaled * rate.sum(axis=axis, keepdims=True) / total


def live(drawn: Companies, seed: int) -> list[dict[str, pd.DataFrame]]:
    """Let the companies live until the end of the sequel; return the tables of each."""
    rng = np.random.default_rng([seed, 1])
    life = _Life(drawn, rng)
    for day in range(FIRST_DAY, LAST_DAY + 1):
        life.one_day(day)
    return life.tables()


class _Life:
    """Open deals of all companies, and what was written down of them."""

    def __init__(self, drawn: Companies, rng: np.random.Generator) -> None:
        self.drawn, self.rng = drawn, rng
        self.open = np.empty((6, 0), dtype=np.int64)  # id, company, segment, rep, stage, day of entry
        self.deals: list[np.ndarray] = []
        self.events: list[np.ndarray] = []
        self.closed: list[np.ndarray] = []
        self.count = 0
        days = np.arange(FIRST_DAY, LAST_DAY + 1)
        self.kind = day_types(days, CALENDAR, HOLIDAYS)
        self.month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        self.stages = drawn.rate.shape[2]

    def one_day(self, day: int) -> None:
        """Create deals, then let all move until nothing moves any more."""
        at = day - FIRST_DAY
        self._create(day, at)
        month, d = self.month[at] - self.month[0], self.drawn
        rate = d.rate * d.rhythm[:, None, None, :, None, self.kind[at]]
        rate = at_level(rate, d.level[:, 1, month][:, None, None, None, None], 3)
        rows = np.arange(self.open.shape[1])
        while len(rows):
            rows = self._move(rows, day, rate)
        self.open = self.open[:, self.open[4] < self.stages]

    def _create(self, day: int, at: int) -> None:
        d, month = self.drawn, self.month[at] - self.month[0]
        rate = d.made * d.frailty[:, :, month // 3] * np.exp(d.level[:, 0, month])[:, None]
        rate = rate * (d.season[:, self.month[at] % 12] * self._weekday(day))[:, None]
        company, rep = np.nonzero(number := self.rng.poisson(rate))
        often = number[company, rep]
        company, rep = np.repeat(company, often), np.repeat(rep, often)
        n = len(company)
        segment = (self.rng.random(n)[:, None] >= np.cumsum(d.share, axis=1)[company, :-1]).sum(axis=1)
        stage = (self.rng.random(n)[:, None] >= np.cumsum(d.entry_stage)[:-1]).sum(axis=1)
        new = np.stack([self.count + np.arange(n), company, segment, rep, stage, np.full(n, day)])
        self.count += n
        self.deals.append(new[[0, 1, 2, 3, 5]])
        self.events.append(new[[0, 1, 4, 5]])
        self.open = np.concatenate([self.open, new], axis=1)

    def _weekday(self, day: int) -> np.ndarray:
        """Rate of creation on a day of the week in each company; on a holiday that of a weekend."""
        rate = self.drawn.weekday
        return rate[:, 5:].mean(axis=1) if HOLIDAYS.on(np.array([day]))[0] else rate[:, (day + 3) % 7]

    def _move(self, rows: np.ndarray, day: int, rate: np.ndarray) -> np.ndarray:
        """Let some deals move once; return those that entered a further stage today."""
        _, company, segment, rep, stage, entry = self.open[:, rows]
        own = rate[company, segment, stage, :, prior().of_age[segment, np.minimum(day - entry, OLDEST)]]
        own[:, self.stages] *= self.drawn.wins[company, rep]
        reached = np.cumsum(own, axis=1)
        leaves = self.rng.random(len(rows)) < -np.expm1(-reached[:, -1])
        rows, reached = rows[leaves], reached[leaves]
        to = (self.rng.random(len(rows))[:, None] * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)
        self.open[4, rows], self.open[5, rows] = to, day
        ends = to >= self.stages
        self.events.append(self.open[[0, 1, 4, 5]][:, rows[~ends]])
        self.closed.append(self.open[[0, 2, 1, 4, 5]][:, rows[ends]])
        return rows[~ends]

    def tables(self) -> list[dict[str, pd.DataFrame]]:
        """Write the tables of each company down."""
        stages, segments = np.array(prior().stages), np.array(prior().segments)
        ident, company, segment, rep, day = np.concatenate(self.deals, axis=1)
        deals = pd.DataFrame({"company": company, "opportunity_id": [f"D{i:06d}" for i in ident]}, index=ident)
        deals = deals.assign(owner_id=[f"R{r}" for r in rep], created_date=_dates(day), status="open")
        deals = deals.assign(segment=segments[self.drawn.called[company, segment]], amount=np.nan, close_date=pd.NaT)
        of, seg, who, to, when = np.concatenate(self.closed, axis=1)
        d = self.drawn
        location = d.amount[who, seg] + d.trend[who] * (when - TODAY) / 365.25
        amount = np.exp(location + d.amount_sd[who, seg] * self.rng.standard_normal(len(of)))
        won = to == self.stages
        deals.loc[of, "status"] = np.where(won, "won", "lost")
        deals.loc[of, "close_date"] = _dates(when)
        deals.loc[of[won], "amount"] = np.round(amount[won], 2)
        of, who, stage, when = np.concatenate(self.events, axis=1)
        events = pd.DataFrame({"company": who, "opportunity_id": [f"D{i:06d}" for i in of]})
        events = events.assign(stage=stages[stage], entered_date=_dates(when))
        reps = pd.DataFrame({"rep_id": [f"R{r}" for r in range(REPS)], "hire_date": "2015-01-01"})
        split = [{k: g for k, g in frame.groupby("company")} for frame in (deals, events)]  # noqa: C416
        return [
            {
                "opportunities": split[0][c].drop(columns="company").reset_index(drop=True),
                "stage_history": split[1][c].drop(columns="company").reset_index(drop=True),
                "reps": reps,
            }
            for c in range(len(d.rate))
        ]


def _dates(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[D]").astype("datetime64[s]")
