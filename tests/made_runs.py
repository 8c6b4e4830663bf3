"""Run folders made up for the report: a company of draws by rep and period, of which every table is a sum."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

QUARTERS = ("2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2")
MONTHS = (*(f"2025-{month:02d}" for month in range(1, 13)), *(f"2026-{month:02d}" for month in range(1, 7)))
PAST = {"2025Q1", "2025Q2", *MONTHS[:6]}
NOW = {"2025Q3", "2025-07"}
SEGMENTS = ("SMB", "Mid", "Enterprise")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
QUANTILES = {"p05": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


@dataclass
class Company:
    """A made-up company: draws by rep and period, of which every table of the folder is a sum."""

    reps: int = 8
    periods: tuple[str, ...] = QUARTERS
    regions: tuple[str, ...] = ("North", "South", "East")
    plan: bool = True
    evil: str = ""
    draws: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    booked: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(11)
        self.ids = [f"R{number:03d}" for number in range(1, self.reps + 1)]
        size = self.rng.lognormal(12.8, 0.5, self.reps) / (3 if "-" in self.periods[0] else 1)
        for period in self.periods:
            market = self.rng.lognormal(-0.005, 0.1, 400)
            for rep, typical in zip(self.ids, size, strict=True):
                done = typical if period in PAST else 0.25 * typical * (period in NOW)
                luck = 0.0 if period in PAST else typical * self.rng.gamma(4, 0.25, 400) * market
                self.booked[rep, period] = done
                self.draws[rep, period] = np.full(400, done) + luck

    @property
    def spans(self) -> dict[str, list[str]]:
        years = {year: [p for p in self.periods if p[:4] == year] for year in ("2025", "2026")}
        return {**{p: [p] for p in self.periods}, **{year: inside for year, inside in years.items() if inside}}

    @property
    def groups(self) -> list[tuple[str, str, list[str]]]:
        def every(names: tuple[str, ...], index: int) -> list[str]:
            return [rep for number, rep in enumerate(self.ids) if number % len(names) == index]

        found = [("company", "company", self.ids)]
        found += [("region", name + self.evil, every(self.regions, i)) for i, name in enumerate(self.regions)]
        found += [("segment", name, every(SEGMENTS, i)) for i, name in enumerate(SEGMENTS)]
        return found + [("rep", rep, [rep]) for rep in self.ids]

    def forecast(self) -> list[dict[str, Any]]:
        rows = []
        for level, node, members in self.groups:
            for period, inside in self.spans.items():
                total = np.sum([self.draws[rep, p] for rep in members for p in inside] or [np.zeros(400)], axis=0)
                done = float(sum(self.booked[rep, p] for rep in members for p in inside))
                aim = float(round(total.mean() * 0.97, -4)) if self.plan and level == "company" else None
                rows.append({"node_level": level, "node": node, "period": period} | summary(total, done, aim))
        return rows

    def quotas(self) -> list[dict[str, Any]]:
        rows = []
        for period in self.periods[2:4]:
            for rep in self.ids:
                draws = self.draws[rep, period]
                goal = float(np.quantile(draws, self.rng.uniform(0.3, 0.7)))
                row = {
                    "rep_id": rep,
                    "name": f"Name {rep}{self.evil}",
                    "region": "North",
                    "period": period,
                    "quota": goal,
                }
                row |= {"p_attain": (draws >= goal).mean(), "expected_attainment": (draws / goal).mean()}
                rows.append(
                    row | {"mean": draws.mean()} | {q: np.quantile(draws, QUANTILES[q]) for q in ("p10", "p50", "p90")}
                )
        return rows

    def deals(self) -> list[dict[str, Any]]:
        rows = []
        for number in range(60):
            value, chance = self.rng.lognormal(10.5, 0.9), self.rng.beta(2, 4)
            row = {"opportunity_id": f"O-{number:05d}{self.evil}", "owner_id": self.ids[number % self.reps]}
            row |= {"region": self.regions[0], "segment": SEGMENTS[number % 3], "stage": STAGES[number % 4]}
            row |= {"age_days": 3 + number, "amount": value, "p_win": chance}
            row |= {f"p_win_{period}": chance * 0.4 for period in self.periods[2:]}
            rows.append(row | {"expected_amount": value * chance, "spread_share": value / 2e7})
        return rows


def summary(draws: np.ndarray, booked: float, plan: float | None) -> dict[str, Any]:
    row = {"booked": booked, "mean": draws.mean(), "sd": draws.std() if np.ptp(draws) else 0.0}
    row |= {name: np.quantile(draws, q) for name, q in QUANTILES.items()}
    row |= {"plan": "" if plan is None else plan, "p_plan": "" if plan is None else (draws >= plan).mean()}
    wins = draws / 30_000
    return row | {"deals_mean": wins.mean(), "deals_p10": np.quantile(wins, 0.1), "deals_p90": np.quantile(wins, 0.9)}


def parts(company: Company) -> list[dict[str, Any]]:
    rows = []
    for period in company.periods:
        won = sum(company.booked[rep, period] for rep in company.ids)
        rest = np.sum([company.draws[rep, period] for rep in company.ids], axis=0).mean() - won
        for part, mean in (("won", won), ("open", 0.6 * rest), ("new", 0.4 * rest)):
            low, high = (mean, mean) if part == "won" else (0.7 * mean, 1.3 * mean)
            row = {"period": period, "part": part, "mean": mean, "p10": low, "p50": mean, "p90": high}
            rows.append(row | {"deals_mean": mean / 30_000})
    return rows


def rate(
    kind: str, places: tuple[str, str, str], estimate: float, half: float, unit: str, note: str = ""
) -> dict[str, Any]:
    row = dict(zip(("stage", "to", "segment"), places, strict=True))
    row |= {"kind": kind, "estimate": estimate, "low": estimate - half, "high": estimate + half, "unit": unit}
    return row | {"deals": 240, "shrinkage": 0.12, "note": note}


def rates(rng: np.random.Generator) -> list[dict[str, Any]]:
    steps = [(s, t, g) for s, t in zip(STAGES, [*STAGES[1:], "won"], strict=True) for g in SEGMENTS]
    rows = [rate("conversion", step, rng.uniform(0.2, 0.8), 0.06, "share") for step in steps]
    rows += [rate("cycle", step, rng.uniform(8, 60), 4, "days") for step in steps]
    rows += [rate("creation", ("", "", "SMB"), 41.2, 2.0, "deals a month")]
    return [*rows, rate("market", ("", "", ""), 0.11, 0.03, "log sd", "from 14 quarters")]


def evaluation(company: Company) -> list[dict[str, Any]]:
    values = {"p_plan": 0.61, "expected_attainment": 1.04, "reps_at_quota": 0.48, "plan_gap": -123_456.7}
    rows = [{"metric": f"{m}[{p}]", "value": v} for m, v in values.items() for p in company.periods[2:4]]
    return [*rows, {"metric": "comp_cost", "value": "nan"}]


def facts(rejected: int, period: str, name: str) -> dict[str, Any]:
    used = {"read": 1204, "used": 1194 - rejected, "rejected": rejected, "excluded": 10}
    return {
        "name": name, "version": "0.1.0", "seed": 1, "trials": 10_000, "method": "monte-carlo", "as_of": "2025-06-30",
        "until": "2026-06-30", "period": period, "fiscal_year_start": 1, "currency": "EUR",
        "levels": ["region", "segment"], "versions": {"python": "3.11.9", "numpy": "2.4.0", "pandas": "3.0.0"},
        "inputs": [{"name": "opportunities.csv", "sha256": "9f86d081884c7d65" * 4, "bytes": 123_456}],
        "timings": {"fit": 1.21, "simulate": 3.4}, "warnings": ["5 reps have no region: shown as (none)"],
        "counts": [
            {"table": "opportunities", "file": "opportunities.csv", **used},
            {"table": "reps", "file": "reps.csv", "read": 12, "used": 12, "rejected": 0, "excluded": 0},
        ],
        "exclusions": [{"table": "opportunities", "file": "opportunities.csv", "rows": 10, "reason": "test deals"}],
        "model": {
            "title": "Competing risks by stage, age and segment, with a common market shock.",
            "notes": ["Each stage and segment has its own rates, drawn to the pooled rate where deals are few."],
            "market": {"log_sd": 0.11, "quarters": 14},
        },
    }  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]], columns: list[str] | None = None) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns or list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_run(folder: Path, *, quotas: bool = True, rejected: int = 3, name: str = "baseline", **company: Any) -> Path:
    """Make a plausible run folder."""
    made = Company(**company)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "forecast.csv", made.forecast())
    write(folder / "parts.csv", parts(made))
    earlier = [f"{year}Q{quarter}" for year in (2023, 2024) for quarter in (1, 2, 3, 4)]
    if "-" in made.periods[0]:
        earlier = [f"2024-{month:02d}" for month in range(1, 13)]
    base = sum(made.booked[rep, made.periods[0]] for rep in made.ids) or 1e6
    write(
        folder / "actuals.csv", [{"period": p, "booked": base * made.rng.uniform(0.7, 1), "deals": 90} for p in earlier]
    )
    write(folder / "deals.csv", made.deals())
    write(folder / "rates.csv", rates(made.rng))
    if quotas:
        write(folder / "quotas.csv", made.quotas())
    write(folder / "evaluation.csv", evaluation(made))
    wrong = {"table": "opportunities", "file": "opportunities.csv", "column": "amount", "value": f"12,5{made.evil}"}
    wrong |= {"reason": "is not a number", "mend": "Write decimals with a point."}
    columns = ["table", "file", "line", "column", "value", "reason", "mend"]
    write(folder / "rejected.csv", [wrong | {"line": 17 + line} for line in range(rejected)], columns)
    told = facts(rejected, "month" if "-" in made.periods[0] else "quarter", name)
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    return folder
