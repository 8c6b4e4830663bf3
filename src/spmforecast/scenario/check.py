"""Checking a scenario or a folder without running: every problem at once, none mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import CrmOptions, History, read_history
from spmforecast.data.quality import Finding, repair
from spmforecast.data.quality.findings import find
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.monitors import alerts, monitor
from spmforecast.models import BookingsModel, FittedBookings, FittedPipeline, PipelineModel
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.moves import moves_of
from spmforecast.models.pipeline import last_recorded
from spmforecast.scenario.assuming import adjustments_of, hire_names
from spmforecast.scenario.card_names import wrong_card_names
from spmforecast.scenario.fitting import named_spec, without_deals
from spmforecast.scenario.keys import FolderSpec
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.periods import wrong_periods
from spmforecast.scenario.phasing import phased_plan
from spmforecast.scenario.prepare import (
    load_history,
    load_plan,
    no_plan_for_quotas,
    quota_totals,
    unknown_amounts,
    wrong_attributes,
)
from spmforecast.scenario.quality import QualityKeys
from spmforecast.scenario.quota_names import reps_named, wrong_reps
from spmforecast.scenario.schema import Scenario, load_scenario
from spmforecast.written import read_file, read_yaml

__all__ = ["Reading", "check_source", "drift_of", "findings_of"]


@dataclass(frozen=True, eq=False)
class Reading:
    """How to read data that no scenario speaks of, as :func:`spmforecast.data.read_history` takes it."""

    map: str | None = None
    crm: str | None = None
    options: CrmOptions = field(default_factory=CrmOptions)
    timezone: str = "UTC"
    max_rejected_share: float = 0.05

    def given(self) -> list[str]:
        """Name what differs from the usual, as the command line calls it."""
        own, plain = self.options, CrmOptions()
        changed = {
            "--map": self.map is not None,
            "--crm": self.crm is not None,
            "--currency": own.currency != plain.currency,
            "--rates": own.rates is not None,
            "--pipeline": own.pipelines != plain.pipelines,
            "--deleted": own.deleted != plain.deleted,
            "--timezone": self.timezone != "UTC",
            "--max-rejected": self.max_rejected_share != 0.05,
        }
        return [name for name, told in changed.items() if told]

    def read(self, source: str | Path, strict: bool) -> History:
        """Read it.

        Raises
        ------
        InputError
            As :func:`spmforecast.data.read_history`, and where options of a CRM are given without one.
        """
        idle = [name for name in self.given() if name in ("--pipeline", "--deleted")] if self.crm is None else []
        idle += ["--rates"] if self.options.rates is not None and self.crm is None and self.map is None else []
        if idle:
            told = f"{' and '.join(idle)} without --crm"
            raise InputError(Problem("command line", told, "Say which CRM the data come from.", file=str(source)))
        return read_history(
            source,
            map=self.map,
            timezone=self.timezone,
            strict=strict,
            max_rejected_share=self.max_rejected_share,
            crm=self.crm,
            crm_options=self.options,
        )


def check_source(
    source: str | Path, strict: bool = False, reading: Reading | None = None
) -> tuple[History | None, list[Problem]]:
    """Check a scenario file with the data it names, or a source of tables.

    Parameters
    ----------
    source : path or str
        Scenario file (.yaml, .yml); anything else is a source: folder, file, or URL of a database.
    strict : bool
        Bear no rejected row.
    reading : Reading, optional
        Map file, CRM whose export the source is, and the like; a scenario says all of that itself.

    Returns
    -------
    tuple of History or None, and list of Problem
        The history where it can be read, and what would keep a run from going on.
    """
    how = reading or Reading()
    if not _is_scenario(source):
        try:
            return how.read(source, strict), []
        except InputError as error:
            return None, list(error.problems)
    if how.given():
        told = f"a scenario says its map and its CRM itself, and with them {', '.join(how.given())}"
        mend = "Write them in the scenario, or check the data alone."
        raise InputError(Problem("command line", told, mend, file=str(source)))
    try:
        scenario = load_scenario(source)
    except InputError as error:
        return None, [*error.problems, *_history_problems(Path(source), strict)]
    return _check_scenario(scenario, strict)


def _is_scenario(source: str | Path) -> bool:
    return Path(source).suffix.lower() in (".yaml", ".yml")


def findings_of(source: str | Path, history: History) -> tuple[Finding, ...]:
    """Find what is odd about a history that was checked, by the scenario's own rules where there is one.

    Parameters
    ----------
    source : path or str
        Scenario file or folder that the history was read by.
    history : History
        What :func:`check_source` returned.

    Returns
    -------
    tuple of Finding
        Most telling first; rows that were rejected or left out, which are told apart, are not among them.
    """
    keys = QualityKeys() if not _is_scenario(source) else load_scenario(source).keys.quality
    told = find(history, keys.rules.limits(), files=True)
    return tuple(one for one in told if one.rule not in ("rejected_rows", "duplicate_ids", "left_out_rows"))


def drift_of(source: str | Path, history: History) -> tuple[str, ...]:
    """Look for drift in a history that was checked, in the scenario's fiscal year where there is one.

    Parameters
    ----------
    source : path or str
        Scenario file or folder that the history was read by.
    history : History
        What :func:`check_source` returned.

    Returns
    -------
    tuple of str
        What the monitors that alert have to say.
    """
    calendar = load_scenario(source).calendar if _is_scenario(source) else FiscalCalendar()
    if history.opportunities.empty:
        return ()
    known = history if history.known_at is not None else history.as_of(last_recorded(history))
    return alerts(monitor(known, calendar))


def _check_scenario(scenario: Scenario, strict: bool) -> tuple[History | None, list[Problem]]:
    problems: list[Problem] = []
    try:
        history = load_history(scenario, strict)
    except InputError as error:
        return None, list(error.problems)
    known = history.as_of(scenario.keys.as_of)
    plan = None
    try:
        plan, _ = phased_plan(scenario, load_plan(scenario, history), known)
    except InputError as error:
        problems += error.problems
    if known.opportunities.empty and not without_deals(known):
        told = "no deal is known at this date"
        problems.append(scenario.written.problem(("as_of",), told, "Choose a later day.", str(scenario.keys.as_of)))
    try:
        pay_plans(scenario)
    except InputError as error:
        problems += error.problems
    problems += wrong_attributes(scenario, known)
    problems += unknown_amounts(scenario, known)
    problems += wrong_periods(history, scenario.calendar, scenario.keys.as_of)
    if plan is not None and scenario.keys.quotas is not None and not quota_totals(scenario, plan):
        problems.append(no_plan_for_quotas(scenario))
    if not problems:
        problems += _unknown_to_fit(scenario, known)
    stages = None if known.opportunities.empty else _stages_of(scenario, known)
    return known, [*problems, *wrong_card_names(scenario, stages)]


def _stages_of(scenario: Scenario, known: History) -> tuple[str, ...]:
    """Name the stages that a fit would tell apart, after the repairs that the scenario asks for."""
    keys = scenario.keys.quality
    mended = repair(known, keys.repairs, keys.rules.limits())
    return moves_of(mended.deals(), mended.events).stages


def _unknown_to_fit(scenario: Scenario, known: History) -> list[Problem]:
    """Find what assumptions and keys of quotas name but only a fit can tell to be there, such as who sells."""
    keys = scenario.keys.quotas
    names_reps = keys is not None and next(reps_named(keys), None) is not None
    if not names_reps and not scenario.keys.assumptions:
        return []
    if without_deals(known):
        model: FittedPipeline | FittedBookings = BookingsModel(calendar=scenario.calendar).fit(known)
    else:
        model = PipelineModel(named_spec(scenario), calendar=scenario.calendar).fit(known)
    problems: list[Problem] = []
    try:
        adjustments_of(scenario, model)
    except InputError as error:
        problems += error.problems
    if keys is None:
        return problems
    hired = [name for names in hire_names(scenario.every).values() for name in names]
    return problems + wrong_reps(scenario, keys, [*model.roster.owners, *hired, TO_BE_HIRED])


def _history_problems(path: Path, strict: bool) -> list[Problem]:
    """Look at the data too, as far as a wrong scenario still says where they are."""
    try:
        tree = read_yaml(read_file(path, "scenario"), str(path), "scenario").tree
        named = tree["history"]
        spec = FolderSpec(folder=named) if isinstance(named, str) else FolderSpec.model_validate(named)
        chart = None if spec.map is None else path.parent / spec.map
        options = spec.options(path.parent, str(tree.get("currency", "")), FiscalCalendar())
        share = spec.max_rejected_share
        read_history(
            spec.source(path.parent), chart, strict=strict, max_rejected_share=share, crm=spec.crm, crm_options=options
        )
    except InputError as error:
        return [problem for problem in error.problems if problem.table != "scenario"]
    except (KeyError, TypeError, ValidationError):
        return []
    return []
