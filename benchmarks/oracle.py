"""The forecast against the oracle: how near it comes to the best that anybody could know.

The example company's mechanism is not the model's. Each company is re-simulated from its true state at the as-of date,
300 times; a forecast `X` is scored against these futures `Y` by its expected continuous ranked probability score,
``E|X - Y| - E|X - X'| / 2``, and divided by what the oracle itself scores, ``E|Y - Y'| / 2``: 1 is out of reach, 1.1
says that ten per cent are lost to what the record does not tell. One realised path would rank luck. Companies differ in
character and size; those of seeds below 400 were looked at while the model was built, those from 401 on were not:

    python benchmarks/oracle.py --first-seed 401 --companies 60
    python benchmarks/oracle.py --first-seed 301 --companies 40 --period month
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import spmforecast as spm

AS_OF, UNTIL = "2025-06-30", "2026-06-30"
PERIODS = {"quarter": "Q", "month": "M"}
CHARACTERS = ("calm", "ordinary", "stormy", "tiny")
LEVELS = ("company", "region", "rep-year")
FUTURES, TRIALS = 300, 1000
COVERAGE = (0.5, 0.8, 0.95)

Array = npt.NDArray[np.float64]
Cells = dict[str, tuple[tuple[str, ...], Array]]  # level: node and period of each column, and the columns' samples


@dataclass(frozen=True)
class Case:
    """One company: what is known of it, and what may become of it."""

    seed: int
    character: str
    size: str
    history: spm.History
    truth: Cells
    period: str = "quarter"

    @property
    def reps(self) -> tuple[str, ...]:
        """People who sell at the as-of date."""
        return self.truth["rep-year"][0]


Method = Callable[[Case, int], Cells]


def kind(seed: int) -> tuple[str, str]:
    """Character and size of the company of a seed: all characters in turn, small and medium ones by halves."""
    return CHARACTERS[(seed - 1) % 4], ("small", "medium")[(seed - 1) // 4 % 2]


def coming(period: str) -> tuple[str, ...]:
    """Periods from the as-of date to the end."""
    days = pd.period_range(pd.Timestamp(AS_OF) + pd.Timedelta(days=1), UNTIL, freq=PERIODS[period])
    return tuple(str(one) for one in days)


def load_case(seed: int, futures: int = FUTURES, period: str = "quarter") -> Case:
    """Make a company, with its futures kept in a folder for temporary files, so that they are lived through once."""
    character, size = kind(seed)
    company = spm.ExampleCompany(seed=seed, size=size, character=character)
    history = spm.read_history(company.tables())
    bookings = _futures(company, futures)
    known = history.as_of(AS_OF).current_reps()
    reps = tuple(sorted(str(rep) for rep in known.index[known["end_date"].isna()]))
    truth = true_cells(bookings, reps, tuple(sorted(bookings["region"].unique())), futures, period)
    return Case(seed, character, size, history, truth, period)


def _futures(company: spm.ExampleCompany, futures: int) -> pd.DataFrame:
    name = f"{company.seed}-{company.size}-{company.character}-{AS_OF}-{UNTIL}-{futures}.csv.gz"
    kept = Path(tempfile.gettempdir()) / "spmforecast-oracle" / name
    if not kept.exists():
        bookings = company.futures(AS_OF, UNTIL, n=futures, seed=company.seed)
        bookings = bookings.groupby(["future", "owner_id", "region", "period_month"], as_index=False)["amount"].sum()
        kept.parent.mkdir(exist_ok=True)
        unfinished = kept.with_suffix(".part.gz")
        bookings.to_csv(unfinished, index=False)
        unfinished.replace(kept)
    return pd.read_csv(kept)


def true_cells(
    bookings: pd.DataFrame, reps: tuple[str, ...], regions: tuple[str, ...], futures: int, period: str = "quarter"
) -> Cells:
    """Add the futures up by level."""
    periods = coming(period)
    booked = pd.PeriodIndex(bookings["period_month"], freq="M").asfreq(PERIODS[period]).astype(str)
    future, amount = bookings["future"].to_numpy(), bookings["amount"].to_numpy()

    def total(key: pd.Series, nodes: tuple[str, ...]) -> tuple[tuple[str, ...], Array]:
        code = pd.Index(nodes).get_indexer(key)
        out = np.zeros((futures, len(nodes)))
        np.add.at(out, (future[code >= 0], code[code >= 0]), amount[code >= 0])
        return nodes, out

    by_region = bookings["region"].astype(str) + " " + booked
    return {
        "company": total(pd.Series(booked), periods),
        "region": total(by_region, tuple(f"{region} {one}" for region in regions for one in periods)),
        "rep-year": total(bookings["owner_id"], reps),
    }


def this_forecast(case: Case, trials: int = TRIALS) -> Cells:
    """What the program says."""
    model = spm.PipelineModel().fit(case.history, as_of=AS_OF)
    return cells_of(spm.simulate(model, until=UNTIL, period=case.period, trials=trials, seed=case.seed), case)


def cells_of(forecast: spm.Forecast, case: Case) -> Cells:
    """Add a forecast up in the order of the truth's cells."""
    ahead = (forecast.cells["part"] != "won").to_numpy()
    cells, draws = forecast.cells[ahead], forecast.draws[:, ahead]
    keys = {
        "company": cells["period"].astype(str),
        "region": cells["region"].astype(str) + " " + cells["period"].astype(str),
        "rep-year": cells["owner_id"].astype(str),
    }
    out: Cells = {}
    for level, key in keys.items():
        nodes = case.truth[level][0]
        code = pd.Index(nodes).get_indexer(key)
        add = np.zeros((len(code), len(nodes)))
        add[np.flatnonzero(code >= 0), code[code >= 0]] = 1.0
        out[level] = nodes, draws @ add
    return out


def run_rate(case: Case, trials: int = TRIALS) -> Cells:
    """A spreadsheet's forecast: the mean of the last year's periods, give or take two years' scatter."""
    deals = case.history.as_of(AS_OF).deals()
    won = deals[(deals["status"] == "won").to_numpy()]
    periods = coming(case.period)
    ahead = len(periods)
    closed = pd.PeriodIndex(won["close_date"], freq=PERIODS[case.period]).astype(str)
    end = pd.Period(AS_OF, freq=PERIODS[case.period])
    last = [str(one) for one in pd.period_range(end=end, periods=2 * ahead)]
    luck = np.random.default_rng(case.seed)

    def table(key: pd.Series) -> pd.DataFrame:
        booked = won.assign(node=key, period=closed)
        past = booked.pivot_table(index="node", columns="period", values="amount", aggfunc="sum", fill_value=0.0)
        return past.reindex(columns=last, fill_value=0.0)

    def law(
        nodes: tuple[str, ...], past: pd.DataFrame, of_node: list[str], year: bool
    ) -> tuple[tuple[str, ...], Array]:
        rows = past.reindex(of_node, fill_value=0.0).to_numpy()
        mean, sd = rows[:, -ahead:].mean(axis=1), rows.std(axis=1, ddof=1)
        noise = luck.standard_normal((trials, len(nodes)))
        return nodes, np.maximum((ahead * mean + ahead**0.5 * sd * noise) if year else mean + sd * noise, 0.0)

    regions = [node.rsplit(" ", 1)[0] for node in case.truth["region"][0]]
    whole = pd.Series("company", index=won.index)
    return {
        "company": law(periods, table(whole), ["company"] * ahead, year=False),
        "region": law(case.truth["region"][0], table(won["region"]), regions, year=False),
        "rep-year": law(case.reps, table(won["owner_id"]), list(case.reps), year=True),
    }


METHODS: dict[str, Method] = {"this forecast": this_forecast, "run rate": run_rate}


def mean_distance(draws: Array) -> Array:
    """``E|X - X'| / 2`` of each column, unbiased."""
    n = len(draws)
    return np.tensordot(2.0 * np.arange(1, n + 1) - n - 1, np.sort(draws, axis=0), axes=(0, 0)) / (n * (n - 1.0))


def distance(draws: Array, futures: Array) -> Array:
    """``E|X - Y|`` of each column, from sorted samples: no matrix of all pairs."""
    out = np.empty(draws.shape[1])
    for j in range(len(out)):
        x, y = np.sort(draws[:, j]), futures[:, j]
        below = np.searchsorted(x, y)
        until = np.concatenate([[0.0], np.cumsum(x)])
        out[j] = np.mean(y * (2 * below - len(x)) + until[-1] - 2 * until[below]) / len(x)
    return out


def score(case: Case, method: str, cells: Cells) -> pd.DataFrame:
    """One row a cell: expected score, the oracle's, coverage of the futures, means and spreads."""
    frames = []
    for level in LEVELS:
        (nodes, draws), (_, futures) = cells[level], case.truth[level]
        frame = pd.DataFrame({"level": level, "node": nodes, "score": distance(draws, futures) - mean_distance(draws)})
        frame["oracle"] = mean_distance(futures)
        for share in COVERAGE:
            low, high = np.quantile(draws, [(1 - share) / 2, (1 + share) / 2], axis=0)
            frame[f"held {share:.0%}"] = ((futures >= low) & (futures <= high)).mean(axis=0)
        frame["mean"], frame["true mean"] = draws.mean(axis=0), futures.mean(axis=0)
        spread = futures.std(axis=0)
        frame["spread"] = draws.std(axis=0) / np.where(spread > 0, spread, np.nan)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).assign(
        method=method, seed=case.seed, character=case.character, size=case.size
    )


def measure(
    first_seed: int, companies: int, methods: dict[str, Method] | None = None, period: str = "quarter"
) -> pd.DataFrame:
    """Score methods on companies: a row for each method, company and cell."""
    rows = _measured(first_seed, companies, METHODS if methods is None else methods, period)
    return pd.concat(list(rows), ignore_index=True)


def _measured(first_seed: int, companies: int, methods: dict[str, Method], period: str) -> Iterator[pd.DataFrame]:
    for seed in range(first_seed, first_seed + companies):
        case = load_case(seed, period=period)
        for name, method in methods.items():
            yield score(case, name, method(case, TRIALS))


def by_company(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method, level and company: ratio to the oracle, coverage and bias, each over its cells."""
    held = [f"held {share:.0%}" for share in COVERAGE]
    groups = rows.groupby(["method", "level", "character", "size", "seed"])
    sums = groups[["score", "oracle", "mean", "true mean"]].sum()
    out = groups[[*held, "spread"]].mean()
    out.insert(0, "ratio", sums["score"] / sums["oracle"])
    out["bias"] = sums["mean"] / sums["true mean"] - 1.0
    out["error"] = np.abs(out["bias"])
    return out


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average over companies by character, and over characters, each alike."""
    by_character = by_company(rows).groupby(["method", "level", "character"]).mean()
    over_all = (
        by_character.groupby(["method", "level"]).mean().assign(character="all").set_index("character", append=True)
    )
    return pd.concat([by_character, over_all]).sort_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--companies", type=int, default=60)
    parser.add_argument("--period", choices=tuple(PERIODS), default="quarter")
    parser.add_argument("--save", type=Path, help="write the cells' rows to this CSV file")
    args = parser.parse_args()
    rows = measure(args.first_seed, args.companies, period=args.period)
    if args.save is not None:
        rows.to_csv(args.save, index=False)
    print(summarise(rows).round(3).to_string())


if __name__ == "__main__":
    main()
