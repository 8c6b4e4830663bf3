"""What a comparison came to, and the folder that it leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.display import chance, money, percent
from spmforecast.scenario.compare.excel import write_workbook
from spmforecast.scenario.compare.shares import BOOKINGS, REST
from spmforecast.scenario.folder import defused, new_folder, rounded
from spmforecast.scenario.run import RunResult

__all__ = ["FACTS", "Comparison"]

FACTS = "compare.json"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios compared with the first of them.

    Parameters
    ----------
    results : tuple of RunResult
        The answer of each scenario, all on the same draws.
    differences : pandas.DataFrame
        Bookings by scenario, level and period (see
        :func:`~spmforecast.scenario.compare.paired.paired_differences`).
    plans : pandas.DataFrame
        Chances to reach the plan.
    metrics : pandas.DataFrame
        ``scenario, metric, value, difference``: what was evaluated against the plan, quotas and pay among it.
    attribution : pandas.DataFrame
        What each change brings, by scenario and period.
    changes : pandas.DataFrame
        Each change alone and last.
    inputs : pandas.DataFrame
        What uncertain inputs do to the first scenario.
    value : pandas.DataFrame
        What knowing them is worth before choosing.
    facts : dict
        What ``compare.json`` says.
    """

    results: tuple[RunResult, ...]
    differences: pd.DataFrame
    plans: pd.DataFrame
    metrics: pd.DataFrame
    attribution: pd.DataFrame
    changes: pd.DataFrame
    inputs: pd.DataFrame
    value: pd.DataFrame
    facts: dict[str, Any] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The scenarios, the one that all others are compared with first."""
        return tuple(result.scenario.keys.name for result in self.results)

    @property
    def name(self) -> str:
        """How the comparison is called."""
        return " vs ".join(self.names)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name of their file."""
        return {
            "comparison": self.differences,
            "plans": self.plans,
            "metrics": self.metrics,
            "attribution": self.attribution,
            "changes": self.changes,
            "inputs": self.inputs,
            "value": self.value,
        }

    @property
    def verdict(self) -> tuple[str, ...]:
        """The answer in words, a sentence or two for each scenario beside the first."""
        return tuple(line for name in self.names[1:] for line in self._told(name))

    def _told(self, name: str) -> list[str]:
        label, currency = self.facts["focus"], self.results[0].scenario.keys.currency
        table = self.differences
        row = table[(table["scenario"] == name) & (table["node_level"] == "company") & (table["period"] == label)].iloc[
            0
        ]
        if row["difference"] == 0 and row["se"] == 0:
            lines = [f"{name}: books the same as {self.names[0]} in {label}{self._elsewhere(name)}."]
        else:
            more = "more" if row["difference"] >= 0 else "less"
            low, high = sorted((abs(row["low"]), abs(row["high"])))
            known = row["low"] * row["high"] > 0
            sure = f"95 %: {money(low)} to {money(high)}" if known else "within the error of simulation"
            apart = money(abs(row["difference"]), currency)
            lines = [
                f"{name}: books {apart} {more} than {self.names[0]} in {label} ({sure}); "
                f"of the draws, {_part(row['p_above'])} bring more and {_part(row['p_below'])} less."
            ]
        plans = self.plans[(self.plans["scenario"] == name) & (self.plans["period"] == label)]
        if len(plans):
            one = plans.iloc[0]
            was, now = chance(one["p_plan_base"]), chance(one["p_plan"])
            lines.append(f"{name}: P(plan {label}) {f'goes from {was} to {now}' if was != now else f'stays at {was}'}.")
        return lines + self._shares_told(name, label)

    def _elsewhere(self, name: str) -> str:
        """Say where a scenario differs that does not in the year that is spoken of."""
        table, currency = self.differences, self.results[0].scenario.keys.currency
        mine = table[(table["scenario"] == name) & (table["node_level"] == "company") & (table["se"] > 0)]
        told = [
            f"{money(abs(apart), currency)} {'more' if apart >= 0 else 'less'} in {label}"
            for label, apart in zip(mine["period"], mine["difference"], strict=True)
        ]
        return f", but {', '.join(told)}" if told else ""

    def _shares_told(self, name: str, label: str) -> list[str]:
        table = self.attribution
        mine = table[(table["scenario"] == name) & (table["period"] == label) & (table["figure"] == BOOKINGS)]
        shares = mine[~mine["change"].str.startswith("(")]
        if len(shares) < 2:
            return []
        listed = "; ".join(f"{one.change} {one.share:+,.0f}" for one in shares.itertuples())
        rest = float(mine.loc[mine["change"] == REST, "share"].sum())
        if abs(rest) >= 0.5:
            listed += f"; trials that the shares were not worked out on {rest:+,.0f}"
        return [f"{name}: of the difference in {label}, {listed}."]

    def save(self, folder: str | Path, excel: bool = False) -> Path:
        """Write the folder of the comparison, whole or not at all, without its page (see :func:`spmforecast.report`).

        Parameters
        ----------
        folder : path or str
            Where it is to stand; an older comparison of the same scenarios is replaced.
        excel : bool
            Add ``comparison.xlsx``; needs ``spmforecast[excel]``.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If something else stands there, or openpyxl is missing.
        """
        with new_folder(folder, self.name, FACTS) as draft:
            self.write(draft, excel)
        return Path(folder)

    def write(self, folder: Path, excel: bool = False) -> None:
        """Write the files into an empty folder."""
        for name, table in self.tables.items():
            defused(rounded(table)).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
        text = json.dumps({**self.facts, "verdict": list(self.verdict)}, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / FACTS).write_text(text + "\n", encoding="utf-8")
        if excel:
            write_workbook(folder / "comparison.xlsx", self.tables)

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        company = self.differences[self.differences["node_level"] == "company"]
        shown = company[["scenario", "period", "base", "mean", "difference", "p10", "p90", "p_above"]]
        facts = {"trials": f"{self.facts['trials']:,}", "seed": self.facts["seed"]}
        return card(f"Comparison: {self.name}", facts, shown)


def _part(share: float) -> str:
    """Say how many of the draws do something; what none did is no chance of 0 %."""
    return {0.0: "none", 1.0: "all"}.get(share, percent(share))
