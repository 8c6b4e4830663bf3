"""The study beside a proposal: the curve over cushions, other schemes and pay plans on the same draws, in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spmforecast.display import chance, money, percent
from spmforecast.errors import InfeasibleError
from spmforecast.evaluate.schemes import SchemeComparison, compare_schemes
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.cushion import CushionChoice
from spmforecast.optimize.quotas import rep_draws
from spmforecast.optimize.ways import ON_DRAWS
from spmforecast.plan import QuotaProposal
from spmforecast.scenario.folder import defused, new_folder, rounded
from spmforecast.scenario.keys import QuotaKeys
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.quotas import account_fields, choice_of, limits_of, pay_cases, rep_fields
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

if TYPE_CHECKING:
    from spmforecast.scenario.run import RunResult

__all__ = ["rival", "study", "study_run"]

Model = FittedPipeline | FittedBookings


def study(
    scenario: Scenario, model: Model, forecast: Forecast, quotas: QuotaProposal
) -> tuple[dict[str, pd.DataFrame], dict[str, CushionChoice], dict[str, SchemeComparison]]:
    """Look at what stands beside a proposal: the curve over cushions, and other ways to split the same sum.

    Parameters
    ----------
    scenario : Scenario
        The question, with ``quotas``.
    model, forecast, quotas
        Of its run.

    Returns
    -------
    tables : dict of str to DataFrame
        ``cushions``, ``schemes``, ``differences``, ``overrides`` and, with a hierarchy, ``nodes``; for CSV files.
    choices : dict of str to CushionChoice
        By period.
    comparisons : dict of str to SchemeComparison
        By period; the proposal first.
    """
    keys = scenario.keys.quotas
    assert keys is not None
    choices, comparisons = {}, {}
    cases = pay_cases(scenario, pay_plans(scenario), model, forecast, quotas)
    for period, total in quotas.total.items():
        own = quotas.table[quotas.table["period"] == period]
        reps = [str(rep) for rep in own["rep_id"]]
        draws = rep_draws(forecast, period, reps)[1]
        choice = choice_of(keys, model, forecast, quotas, period, next(iter(cases.values()), None))
        if choice is not None:
            choices[period] = choice
        schemes = {quotas.method: own["quota"].to_numpy(dtype=np.float64)}
        for method in keys.compare:
            if method != quotas.method:
                name, split = rival(keys, model, forecast, quotas, period, method)
                schemes[name] = split
        potential = own["rep_id"].map(account_fields(model).get("potential", pd.Series(dtype=float)))
        last = own["last_quota"].to_numpy(dtype=np.float64) if "last_quota" in own else None
        known = potential.to_numpy(dtype=np.float64)
        pays = {name: case.payout(period, reps) for name, case in cases.items()}
        comparisons[period] = compare_schemes(draws, schemes, float(total), pays, potential=known, last=last)
    tables = {
        "cushions": _stacked({period: one.curve for period, one in choices.items()}),
        "schemes": _stacked({period: one.table for period, one in comparisons.items()}),
        "differences": _stacked({period: one.differences for period, one in comparisons.items()}),
        "overrides": quotas.overrides,
    }
    return {**tables, **({"nodes": quotas.nodes} if quotas.nodes is not None else {})}, choices, comparisons


def rival(
    keys: QuotaKeys, model: Model, forecast: Forecast, quotas: QuotaProposal, period: str, method: str
) -> tuple[str, Any]:
    """Split the same sum by another method within the same limits; who it cannot see (people to be hired) gets nothing.

    Where the others cannot carry that within limits, the name says that none are held. Levels are left out: their
    cushions are the proposal's own.
    """
    own = quotas.table[quotas.table["period"] == period]
    reps = [str(rep) for rep in own["rep_id"] if method in ON_DRAWS or rep != TO_BE_HIRED]
    fields = rep_fields(model, [period], keys.leave_out)
    total = {period: round(float(own["quota"].sum()), 2)}
    name = method
    try:
        found = propose_quotas(
            forecast,
            total,
            method,
            reps=reps,
            fields=fields,
            limits=limits_of(keys, model, next(iter(quotas.total))),
            figures=keys.figures,
            figures_as=keys.figures_as,
        )
    except InfeasibleError:
        found = propose_quotas(forecast, total, method, reps=reps, fields=fields)
        name = f"{method} (without limits)"
    by_rep = found.table.set_index("rep_id")["quota"]
    return name, by_rep.reindex(own["rep_id"].astype(str)).fillna(0.0).to_numpy(dtype=np.float64)


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    frames = [frame.assign(period=period) for period, frame in parts.items()]
    if not frames:
        return pd.DataFrame()
    out = pd.concat(frames, ignore_index=True)
    return out[["period", *(name for name in out.columns if name != "period")]]


def study_run(result: RunResult, place: Path, report: Callable[[Path], object] = lambda _: None) -> list[str]:
    """Write the run folder of a scenario with its study of quotas, and say in lines what came out.

    Parameters
    ----------
    result : RunResult
        With quotas.
    place : Path
        Run folder; beside the files of a run it gets ``cushions.csv``, ``schemes.csv``, ``differences.csv``,
        ``overrides.csv``, with a hierarchy ``nodes.csv``, and for each period the picture ``frontier-….svg``.
    report : callable
        Writes the page into the folder.

    Returns
    -------
    list of str
        For the screen.
    """
    assert result.quotas is not None
    tables, choices, comparisons = study(result.scenario, result.model, result.forecast, result.quotas)
    with new_folder(place, result.scenario.keys.name) as draft:
        result.write(draft)
        for name, table in tables.items():
            path = draft / f"{name}.csv"
            defused(rounded(table)).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        for period, one in comparisons.items():
            _picture(one, draft / f"frontier-{period}.svg")
        report(draft)
    lines = [line for period in result.quotas.total for line in _lines(result, period, choices, comparisons)]
    return [*lines, f"Report: {place / 'report.html'}"]


def _picture(comparison: SchemeComparison, path: Path) -> None:
    """Write the frontier, the same bytes for the same figures."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "spmforecast", "svg.fonttype": "none", "text.parse_math": False}):
        comparison.frontier().savefig(path, metadata={"Date": None, "Creator": None})


def _lines(
    result: RunResult,
    period: str,
    choices: Mapping[str, CushionChoice],
    comparisons: Mapping[str, SchemeComparison],
) -> list[str]:
    """Tell the quotas of one period: their sum and chances, the cushion that would do, and the other schemes."""
    assert result.quotas is not None
    own = result.quotas.table[result.quotas.table["period"] == period]
    attained, plan = own["p_attain"], money(float(result.quotas.total[period]))
    out = [
        f"{period}: {len(own)} quotas sum to {money(float(own['quota'].sum()))}; plan {plan}; "
        f"P(attain) {chance(attained.min())} to {chance(attained.max())}"
    ]
    proof = result.quotas.proof
    if len(proof):
        row = proof[proof["period"] == period].iloc[0]
        out.append(
            f"  stated objective {money(row['objective'])}; no quotas with this sum and these limits go below "
            f"{money(row['bound'])}: {100 * row['gap']:.2f} % above the bound"
        )
    if period in choices:
        named = choices[period].cushion
        out.append(f"  cushion: {'' if named is None else f'{percent(named)}: '}{choices[period].told}")
    return out + [_scheme(row) for row in comparisons[period].table.to_dict("records")]


def _scheme(row: Mapping[Any, Any]) -> str:
    paid = "payout_mean" in row
    pay = f", pay {money(row['payout_mean'])} (P90 {money(row['payout_p90'])})" if paid else ""
    return (
        f"  {row['scheme']}{', ' + row['pay'] if paid else ''}: plan carried {chance(row['p_carried'])}, reps "
        f"at quota {percent(row['reps_at_quota'])}, spread of P(attain) {percent(row['p_attain_range'])}{pay}"
    )
