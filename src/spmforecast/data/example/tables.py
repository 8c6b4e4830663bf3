"""The example company's records as canonical tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spmforecast.data.example import figures as fig
from spmforecast.data.example.accounts import Accounts, draw_accounts
from spmforecast.data.example.activities import build_activities
from spmforecast.data.example.figures import Floats, Ints
from spmforecast.data.example.labels import Texts, dates, deal_ids, leaf_places, names, rep_ids
from spmforecast.data.example.ledger import Ledger
from spmforecast.data.example.names import FIRST, LAST
from spmforecast.data.example.promises import build_plan, build_quotas, build_submissions
from spmforecast.data.example.world import World

__all__ = ["Records", "build_tables"]


@dataclass(frozen=True, slots=True)
class Records:
    """A company at the close of a day and everything it wrote down until then."""

    world: World
    ledger: Ledger


def build_tables(records: Records, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Return the canonical tables.

    Parameters
    ----------
    records : Records
        With a full ledger.
    rng : numpy.random.Generator
        For what has no part in the mechanism: names, places, meetings.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``opportunities, stage_history, reps, territories, accounts, activities, enablement, plan, quotas,
        submissions``.
    """
    world = records.world
    rows = _ints_and_amounts(records.ledger.rows)
    deals = _deals(records, rows)
    accounts = draw_accounts(deals, world.sales_map, rng)
    people = _people(records)
    opportunities = _opportunities(deals, accounts, world)
    plan = build_plan(rows, deals, world.start, world.day)
    return {
        "opportunities": opportunities,
        "stage_history": _stage_history(rows),
        "reps": _reps(people, world, rng),
        "territories": _territories(world),
        "accounts": accounts.table(deals, people, world.sales_map),
        "activities": build_activities(rows, deals, people, accounts, world.start, world.day, rng),
        "enablement": _enablement(records.ledger),
        "plan": plan,
        "quotas": build_quotas(plan, people, world.day, rng),
        "submissions": build_submissions(rows, deals, plan, world.sales_map, world.day, rng),
    }


def _ints_and_amounts(rows: dict[str, Ints | Floats]) -> pd.DataFrame:
    """Return stage-history rows as a frame, deal by deal and in the order in which they were written."""
    frame = pd.DataFrame(rows)
    return frame.sort_values(["number", "day"], kind="stable", ignore_index=True)


def _deals(records: Records, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a deal, in codes: what it was from its first day and how it stood last."""
    deals = pd.DataFrame(records.ledger.births).sort_values("number", ignore_index=True)
    deals["first_rep"] = rows.drop_duplicates("number")["rep"].to_numpy()
    last = rows.drop_duplicates("number", keep="last").reset_index(drop=True)
    # Both are in ascending deal number, a row a deal.
    deals["stage"], deals["amount"], deals["due"] = last["stage"], last["amount"], last["due"]
    deals["rep"], deals["category"] = last["rep"], last["category"]
    ends = pd.DataFrame(records.ledger.ends)
    deals = deals.merge(ends, on="number", how="left", validate="one_to_one")
    deals["leaf"] = records.world.sales_map.seat_leaf[deals["home"]]
    return deals


def _opportunities(deals: pd.DataFrame, accounts: Accounts, world: World) -> pd.DataFrame:
    leaf = deals["leaf"].to_numpy(dtype=np.int64)
    leaves, regions = world.sales_map.leaf_names, world.sales_map.region_names
    return pd.DataFrame(
        {
            "opportunity_id": deal_ids(deals["number"]),
            "account_id": accounts.ids(accounts.of_deal),
            "owner_id": rep_ids(deals["rep"]),
            "territory_id": names(leaves, leaf),
            "region": names(regions, world.sales_map.leaf_region[leaf]),
            "segment": names(fig.SEGMENTS, deals["segment"]),
            "product": names(fig.PRODUCTS, deals["product"]),
            "type": np.where(accounts.expands, "expansion", "new"),
            "lead_source": names(fig.SOURCES, deals["source"]),
            "created_date": dates(deals["day"]),
            "status": _status(deals["stage"]),
            "stage": names(fig.STAGES, deals["stage"]),
            "forecast_category": names(fig.CATEGORIES, deals["category"]),
            "amount": deals["amount"],
            "close_date": dates(deals["due"]),
            "list_price": deals["list_price"],
            "discount": deals["discount"],
        }
    )


def _stage_history(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "opportunity_id": deal_ids(rows["number"]),
            "stage": names(fig.STAGES, rows["stage"]),
            "entered_date": dates(rows["day"]),
            "status": _status(rows["stage"]),
            "amount": rows["amount"],
            "close_date": dates(rows["due"]),
            "owner_id": rep_ids(rows["rep"]),
            "forecast_category": names(fig.CATEGORIES, rows["category"]),
        }
    )


def _people(records: Records) -> pd.DataFrame:
    """Return one row a person: number, seat, first and last day (missing where still there)."""
    people = pd.DataFrame(records.ledger.hires).sort_values("rep", ignore_index=True)
    gone = pd.DataFrame(records.ledger.leavers).rename(columns={"day": "end"})
    people = people.merge(gone, on="rep", how="left", validate="one_to_one")
    people["leaf"] = records.world.sales_map.seat_leaf[people["home"]]
    return people


def _reps(people: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    region = world.sales_map.leaf_region[people["leaf"]]
    order = rng.permutation(len(FIRST) * len(LAST))[np.arange(len(people)) % (len(FIRST) * len(LAST))]
    place = leaf_places(world.sales_map)[people["leaf"].to_numpy(dtype=np.int64)] + 0.15 * rng.standard_normal(
        (len(people), 2)
    )
    return pd.DataFrame(
        {
            "rep_id": rep_ids(people["rep"]),
            "name": [f"{FIRST[k // len(LAST)]} {LAST[k % len(LAST)]}" for k in order],
            "territory_id": names(world.sales_map.leaf_names, people["leaf"]),
            "manager_id": [f"M-{world.sales_map.region_names[code]}" for code in region],
            "role": "account executive",
            "hire_date": dates(people["day"]),
            "end_date": dates(people["end"]),
            "effective_from": dates(people["day"]),
            "latitude": np.round(place[:, 0], 4),
            "longitude": np.round(place[:, 1], 4),
        }
    )


def _territories(world: World) -> pd.DataFrame:
    regions, leaves = list(world.sales_map.region_names), list(world.sales_map.leaf_names)
    parents = [regions[code] for code in world.sales_map.leaf_region]
    ids = regions + leaves
    shown = [name.replace("-", " ") for name in ids]
    return pd.DataFrame({"territory_id": ids, "name": shown, "parent_id": [None] * len(regions) + parents})


def _enablement(ledger: Ledger) -> pd.DataFrame:
    done = ledger.trainings
    return pd.DataFrame(
        {
            "rep_id": rep_ids(pd.Series(done["rep"])),
            "program": fig.TRAINING,
            "completed_date": dates(pd.Series(done["day"])),
            "cost": fig.TRAINING_COST,
        }
    )


def _status(stage: pd.Series) -> Texts:
    return names(("open", "won", "lost"), np.maximum(stage.to_numpy(dtype=np.int64) - 3, 0))
