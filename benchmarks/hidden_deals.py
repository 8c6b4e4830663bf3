"""What open deals hide: how much of the oracle's lead no forecast can have, however right its model.

The oracle knows of every open deal whether its buyer has agreed, or is gone, and how far interest has wandered. A CRM
shows stage, age, amount, segment, source, close date and category. Here the true chance of each open deal of the
example company is regressed on what can be seen of it (boosted trees over all other companies, the market and the rep
taken as known: more than one company's record could tell). What is left, weighted by amounts, is variance of the true
mean about any forecast; it stands beside the variance of the oracle's own futures:

    python benchmarks/hidden_deals.py --first-seed 301 --companies 40
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

import spmforecast as spm
from spmforecast.data.example import company as example
from spmforecast.data.example import figures
from spmforecast.data.example.deals import Deals
from spmforecast.data.example.ledger import Ledger
from spmforecast.data.example.world import World

Array = npt.NDArray[np.float64]

FUTURES, FOLDS = 300, 5
SEEN = ("segment", "source", "product", "stage", "age", "stay", "size", "gap", "category", "market", "edge")


class Wins(Ledger):
    """Notes which deal was won in which future; deals to come have the number -1."""

    def __init__(self) -> None:
        super().__init__(full=False)
        self.won: list[pd.DataFrame] = []

    def ended(self, day: int, deals: Deals) -> None:
        won = deals.take(deals.stage == figures.WON)
        noted = {name: getattr(won, name) for name in ("future", "number", "home", "rep")}
        self.won.append(pd.DataFrame({**noted, "day": day, "amount": won.amounts()}))


def lived(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Open deals of a company with their true mean bookings by quarter, and the wins of its futures."""
    character, size = oracle.kind(seed)
    company = spm.ExampleCompany(seed=seed, size=size, character=character)
    ledger = Ledger(full=True)
    world = company._live(oracle.AS_OF, ledger)
    told = Wins()
    later = world.fork(FUTURES)
    until = example._day(oracle.UNTIL)
    later.live_until(until, company._stream(example._FUTURE, seed, world.day), told)
    wins = pd.concat(told.won, ignore_index=True)
    wins["quarter"] = pd.PeriodIndex(wins["day"].to_numpy().astype("datetime64[D]"), freq="Q").astype(str)
    wins["region"] = _region(world, wins["home"].to_numpy() % world.size.reps)
    deals = _seen(world, ledger)
    for quarter in oracle.coming("quarter"):
        often = wins[wins["quarter"] == quarter].groupby("number").size() / FUTURES
        deals[quarter] = deals["number"].map(often).fillna(0.0)
    deals["year"] = deals[list(oracle.coming("quarter"))].sum(axis=1)
    return deals.assign(seed=seed, character=character), wins.assign(seed=seed)


def _region(world: World, seat: Any) -> Any:
    return world.sales_map.leaf_region[world.sales_map.seat_leaf[seat]]


def _seen(world: World, ledger: Ledger) -> pd.DataFrame:
    """What can be seen of the open deals, the market and the rep with it."""
    deals = world.deals
    kept = ("number", "home", "rep", "segment", "source", "product", "stage", "category")
    out = pd.DataFrame({name: getattr(deals, name) for name in kept})
    amount, typical = deals.amounts(), figures.TYPICAL_AMOUNT[deals.segment]
    rows, births = pd.DataFrame(ledger.rows), pd.DataFrame(ledger.births)
    begun = births.set_index("number")["day"]
    moved = rows[rows.groupby("number")["stage"].diff() != 0].groupby("number")["day"].last()
    return out.assign(
        amount=amount,
        size=np.log(amount / typical),
        gap=deals.due - world.day,
        age=world.day - out["number"].map(begun),
        stay=world.day - out["number"].map(moved),
        market=world.market[0, 1],
        edge=world.staff.edge[deals.home],
        region=_region(world, deals.home),
    )


def hidden(deals: pd.DataFrame, span: str) -> Array:
    """Variance of each deal's true mean bookings that what is seen of it does not tell."""
    fold = deals["seed"].to_numpy() % FOLDS
    x, true = deals[list(SEEN)].to_numpy(dtype=np.float64), deals[span].to_numpy()
    said = np.zeros(len(deals))
    for own in range(FOLDS):
        trees = HistGradientBoostingRegressor(
            max_iter=120, learning_rate=0.06, min_samples_leaf=60, l2_regularization=5.0, random_state=0
        )
        said[fold == own] = trees.fit(x[fold != own], true[fold != own]).predict(x[fold == own])
    luck = true * (1 - true) / (FUTURES - 1)  # of the futures at hand
    return np.asarray(deals["amount"] ** 2 * ((true - said) ** 2 - luck))


def share(deals: pd.DataFrame, wins: pd.DataFrame, column: str, node: list[str]) -> pd.Series:
    """Hidden variance over that of the futures, the nodes of each company together, by character."""
    key = ["seed", *node]
    missed = deals.groupby(key)[column].sum()
    total = wins.pivot_table(index=key, columns="future", values="amount", aggfunc="sum", fill_value=0.0)
    total = total.reindex(missed.index)
    both = pd.DataFrame({"missed": missed, "own": total.fillna(0.0).var(axis=1)}).groupby("seed").sum()
    return (both["missed"] / both["own"]).groupby(deals.groupby("seed")["character"].first()).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=301)
    parser.add_argument("--companies", type=int, default=40)
    args = parser.parse_args()
    pairs = [lived(seed) for seed in range(args.first_seed, args.first_seed + args.companies)]
    deals, wins = (pd.concat(part, ignore_index=True) for part in zip(*pairs, strict=True))
    rows = {}
    for quarter in oracle.coming("quarter"):
        deals[f"hidden {quarter}"] = hidden(deals, quarter)
        then = wins[wins["quarter"] == quarter]
        for level, node in (("company", []), ("region", ["region"])):
            rows[f"{level} {quarter}"] = share(deals, then, f"hidden {quarter}", node)
    # Not the sum over quarters: whoever is gone is missed in all of them, what comes sooner is missed against later.
    deals["hidden year"] = hidden(deals, "year")
    rows["rep, the year"] = share(deals, wins, "hidden year", ["rep"])
    table = pd.DataFrame(rows).T
    print(table.assign(all=table.mean(axis=1)).round(3).to_string())


if __name__ == "__main__":
    main()
