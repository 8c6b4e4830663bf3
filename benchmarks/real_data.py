"""Real inputs: what this forecast, a stage-weighted one and a run-rate one said, and what then happened.

python benchmarks/real_data.py tests/real/bpic2012/scenario.yaml tests/real/maven_crm/scenario.yaml
"""

from __future__ import annotations

import argparse

import pandas as pd

import spmforecast as spm
from spmforecast.scenario import load_history, load_scenario


def actual(scenario: str, period: str) -> tuple[float, float]:
    """Wins and amount that the full record shows for a period."""
    question = load_scenario(scenario)
    deals = load_history(question).opportunities
    won = deals[deals["status"] == "won"]
    label = pd.Series(question.calendar.labels(won["close_date"].to_numpy(), question.keys.period), index=won.index)
    inside = won[label == period]
    return float(len(inside)), float(inside["amount"].sum())


def stage_weighted(result: spm.RunResult) -> tuple[float, float]:
    """Open deals times the share of closed deals that were won after being in their stage; nothing for new deals."""
    model = result.model
    status = model.deals["status"].to_numpy()
    stays = model.stays
    visits = pd.DataFrame({"stage": stays.stage, "status": status[stays.deal]}).assign(deal=stays.deal)
    closed = visits[visits["status"] != "open"].drop_duplicates(["deal", "stage"])
    rate = (closed["status"] == "won").groupby(closed["stage"]).mean()
    now = stays.stage[stays.open_now]
    amount = model.deals["amount"].to_numpy(dtype=float)[stays.deal[stays.open_now]]
    usual = model.deals.loc[model.deals["status"] == "won", "amount"].mean()
    chance = rate.reindex(now).to_numpy()
    return float(chance.sum()), float((chance * pd.Series(amount).fillna(usual)).sum())


def run_rate(result: spm.RunResult, periods: int) -> tuple[float, float]:
    """Mean of the last whole periods."""
    model = result.model
    won = model.deals[(model.deals["status"] == "won").to_numpy()]
    kind = result.scenario.keys.period
    label = pd.Series(model.calendar.labels(won["close_date"].to_numpy(), kind), index=won.index)
    last = sorted(label.unique())[-periods:]
    inside = won[label.isin(last)]
    return len(inside) / periods, float(inside["amount"].sum()) / periods


def compare(scenario: str) -> pd.DataFrame:
    """One row a method: wins and amount, with the 90 % interval where there is one."""
    result = spm.run(scenario)
    forecast = result.forecast
    period = forecast.periods[-1]
    rows = []
    counts, amounts = forecast.period_draws(period, counts=True), forecast.period_draws(period)
    (c05, c95), (a05, a95) = (pd.Series(x).quantile([0.05, 0.95]) for x in (counts, amounts))
    rows.append(
        ("this forecast", counts.mean(), f"{c05:,.0f} to {c95:,.0f}", amounts.mean(), f"{a05:,.0f} to {a95:,.0f}")
    )
    rows.append(("stage-weighted", *_plain(stage_weighted(result))))
    spell = (1, 3) if result.scenario.keys.period == "month" else (1, 2)
    rows.extend((f"run rate, last {last}", *_plain(run_rate(result, last))) for last in spell)
    rows.append((f"what happened in {period}", *_plain(actual(scenario, period))))
    return pd.DataFrame(rows, columns=["method", "wins", "wins 90 %", "amount", "amount 90 %"])


def by_node(scenario: str, column: str) -> tuple[int, int]:
    """How many nodes' actual amounts lay inside their 90 % interval, and how many nodes there are."""
    result = spm.run(scenario)
    forecast = result.forecast
    period = forecast.periods[-1]
    deals = load_history(load_scenario(scenario)).deals()
    won = deals[(deals["status"] == "won").to_numpy()]
    label = pd.Series(
        forecast.calendar.labels(won["close_date"].to_numpy(), result.scenario.keys.period), index=won.index
    )
    truth = won[label == period].groupby(column)["amount"].sum()
    interval = forecast.quantiles([column, "period"], [0.05, 0.95]).xs(period, level="period")
    seen = truth.reindex(interval.index, fill_value=0.0)
    inside = (seen >= interval[0.05]) & (seen <= interval[0.95])
    return int(inside.sum()), len(inside)


def _plain(pair: tuple[float, float]) -> tuple[float, str, float, str]:
    return pair[0], "", pair[1], ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="+")
    for scenario in parser.parse_args().scenarios:
        print(scenario)
        print(compare(scenario).to_string(index=False, float_format=lambda x: f"{x:,.0f}"))
        for column in ("owner_id", "region"):
            inside, nodes = by_node(scenario, column)
            print(f"{column}: {inside} of {nodes} inside their 90 % interval")


if __name__ == "__main__":
    main()
