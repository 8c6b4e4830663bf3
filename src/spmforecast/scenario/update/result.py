"""What an update comes to, and the files it leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.scenario.folder import defused, new_folder, rounded
from spmforecast.scenario.run import RunResult
from spmforecast.scenario.update.bridge import Bridge
from spmforecast.scenario.update.remaining import Remaining

__all__ = ["UpdateResult"]


@dataclass(frozen=True)
class UpdateResult:
    """A quarterly update.

    Parameters
    ----------
    last, run : RunResult
        The last forecast, made again from what was known then, and the new one.
    bridge : Bridge
        From the one to the other.
    deals : pandas.DataFrame
        Deals whose expectation changed, the largest change first.
    landing : pandas.DataFrame
        Every period and fiscal year, then and now.
    closed : pandas.DataFrame
        Periods that stand at their actuals: ``period, booked, expected, plan, closed_before``.
    quotas : Remaining or None
        Proposal for the periods left, where quotas are known.
    notes : tuple of str
        What a reader must know of the update.
    previous : str
        Where the last forecast was kept; empty where it was only made again.
    """

    last: RunResult
    run: RunResult
    bridge: Bridge
    deals: pd.DataFrame
    landing: pd.DataFrame
    closed: pd.DataFrame
    quotas: Remaining | None
    notes: tuple[str, ...] = ()
    previous: str = ""

    @property
    def alerts(self) -> list[str]:
        """What the drift monitors say."""
        drift = self.run.drift
        return [] if drift.empty else [str(told) for told in drift.loc[drift["alert"].astype(bool), "told"]]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables beside those of a run, by file name without ``.csv``."""
        out = {"bridge": self.bridge.table, "landing": self.landing}
        out |= {"bridge_deals": self.deals} if len(self.deals) else {}
        return out | ({"remaining_quotas": self.quotas.table} if self.quotas is not None else {})

    def facts(self) -> dict[str, Any]:
        """Collect what ``run.json`` says of the update."""
        out: dict[str, Any] = {
            "last_as_of": str(self.last.scenario.keys.as_of),
            "as_of": str(self.run.scenario.keys.as_of),
            "previous": self.previous,
            "closed": self.closed["period"].tolist(),
            "notes": list(self.notes),
        }
        if self.quotas is not None:
            own = self.quotas
            amounts = {name: getattr(own, name) for name in ("gap", "total", "added", "remainder")}
            out |= {"policy": own.policy, "share": float(own.share)}
            out |= {name: {key: str(value) for key, value in of.items()} for name, of in amounts.items()}
        return out

    def save(self, folder: str | Path) -> Path:
        """Write the run folder with the files of the update, whole or not at all.

        Parameters
        ----------
        folder : path or str
            Where it is to stand; an older run of the same scenario is replaced.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If something else stands there.
        """
        with new_folder(folder, self.run.scenario.keys.name) as draft:
            self.write(draft)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Write the files into an empty folder."""
        self.run.write(folder)
        for name, table in self.tables().items():
            path = folder / f"{name}.csv"
            defused(rounded(table)).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        path = folder / "run.json"
        run = json.loads(path.read_text(encoding="utf-8")) | {"update": self.facts()}
        path.write_text(json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        keys = self.run.scenario.keys
        facts = {"from": self.last.scenario.keys.as_of, "to": keys.as_of, "until": keys.until}
        shown = self.landing[["period", "forecast", "booked", "mean", "p10", "p50", "p90", "plan", "p_plan"]]
        return card(f"Update: {keys.name}", facts, shown) + self.bridge._repr_html_()
