"""Checking a scenario or a folder without running: every problem at once, none mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import CrmOptions, History, read_history
from spmforecast.data.quality import Finding
from spmforecast.data.quality.findings import find
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.monitors import alerts, monitor
from spmforecast.models.pipeline import last_recorded
from spmforecast.scenario.against_data import everything_wrong
from spmforecast.scenario.file_keys import ScenarioFile
from spmforecast.scenario.quality import QualityKeys
from spmforecast.scenario.schema import understood

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
        return everything_wrong(understood(source), strict)
    except InputError as error:
        return None, list(error.problems)


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
    keys = _keys_of(source)
    quality = QualityKeys() if keys is None else keys.quality
    told = find(history, quality.rules.limits(), files=True)
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
    keys = _keys_of(source)
    calendar = FiscalCalendar() if keys is None else keys.calendar
    if history.opportunities.empty:
        return ()
    known = history if history.known_at is not None else history.as_of(last_recorded(history))
    return alerts(monitor(known, calendar))


def _keys_of(source: str | Path) -> ScenarioFile | None:
    """Return the keys of a scenario as far as they are right."""
    read = understood(source).scenario if _is_scenario(source) else None
    return None if read is None else read.keys
