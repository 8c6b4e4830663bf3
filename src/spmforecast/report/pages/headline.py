"""What was asked and the answer, in plain sentences."""

from __future__ import annotations

import math

from spmforecast.report.blocks import Block, Facts, Listing, Section, Text, Verdict, Verdicts
from spmforecast.report.folder import Row, Run
from spmforecast.report.periods import is_year
from spmforecast.report.wording import amount, between, count, plan_chance

__all__ = ["section"]

_SHOWN = 4  # periods that stand open; a year by month would fill the screen


def section(run: Run) -> Section:
    """Make the headline."""
    blocks: list[Block] = [Facts(_asked(run)), *_answers(run)]
    warnings = _warnings(run)
    if warnings:
        blocks.append(Listing(warnings, tone="warn", title="Before you rely on it"))
    return Section("answer", "Answer", f"Sales forecast: {run.fact('name') or 'unnamed run'}", tuple(blocks))


def _asked(run: Run) -> tuple[tuple[str, str], ...]:
    method = run.fact("method")
    trials = f"{run.trials:,}" if run.trials else ""
    facts = (
        ("Known as of", run.fact("as_of")[:10]),
        ("Forecast until", run.fact("until")[:10]),
        ("By", run.fact("period")),
        ("Currency", run.currency),
        ("Method", {"monte-carlo": "simulation", "exact": "simulation, with exact laws"}.get(method, method)),
        ("Trials", trials),
        ("Seed", run.fact("seed") if trials else ""),
    )
    return tuple((name, value) for name, value in facts if value)


def _answers(run: Run) -> list[Block]:
    ahead = [row for row in run.company if not run.is_past(row)]
    years = [_verdict(run, row) for row in ahead if is_year(row.text("period"))]
    periods = [_verdict(run, row) for row in ahead if not is_year(row.text("period"))]
    if not ahead:
        return [Text("Every period of this run was over at its date: nothing in it is uncertain.")]
    blocks: list[Block] = [Verdicts((*periods[:_SHOWN], *years))]
    if periods[_SHOWN:]:
        later = periods[_SHOWN:]
        several = f"The later periods, {later[0].period} to {later[-1].period}"
        blocks.append(Verdicts(tuple(later), several if len(later) > 1 else f"The later period, {later[0].period}"))
    if not any(math.isfinite(row.number("plan")) for row in ahead):
        blocks.append(
            Text("The run was given no plan for these periods, so no probability of reaching one is stated.", "note")
        )
    return blocks


def _verdict(run: Run, row: Row) -> Verdict:
    period, plan, chance = row.text("period"), row.number("plan"), row.number("p_plan")
    partial = run.is_partial(period)
    sentence = f"expected, 80 % {between(row.number('p10'), row.number('p90'))}"
    if row.number("booked"):
        sentence += f", of which {amount(row.number('booked'))} is booked"
    if math.isfinite(plan) and not partial:
        sentence += f"; plan {amount(plan)}"
    told = ""
    if math.isfinite(plan) and not partial and math.isfinite(chance):
        sentence += ":"
        told = f"{plan_chance(chance, row.number('sd'), row.number('booked'), plan)} likely"
    if partial:
        sentence += f"; up to {run.fact('until')[:10]} only"
        sentence += ", not comparable with its plan" if math.isfinite(plan) else ""
    return Verdict(
        f"{period} (part)" if partial else period,
        amount(row.number("mean"), run.currency),
        sentence,
        told,
        100 * chance if told else None,
    )


def _warnings(run: Run) -> tuple[str, ...]:
    told = list(run.strings("warnings"))
    for record in run.records("counts"):
        rejected, read = record.get("rejected"), record.get("read")
        if isinstance(rejected, int) and isinstance(read, int) and rejected > 0:
            told.append(
                f"{count(rejected)} of {count(read)} rows of {record.get('table', '')} "
                f"({record.get('file', '')}) could not be used; see Data."
            )
    return tuple(told)
