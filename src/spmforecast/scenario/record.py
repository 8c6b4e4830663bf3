"""What ``run.json`` says of a run: versions, seed, hashes of every input, timings, warnings, and what was fitted."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from spmforecast.models import FittedBookings
from spmforecast.scenario.assuming import told_assumptions
from spmforecast.scenario.folder import bytes_hash
from spmforecast.scenario.notes import model_notes
from spmforecast.scenario.pay_run import pay_notes
from spmforecast.scenario.periods import period_dates
from spmforecast.scenario.territory_files import map_record

if TYPE_CHECKING:
    from spmforecast.scenario.run import RunResult

__all__ = ["run_record"]

_PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "scikit-learn")


def run_record(result: RunResult, timings: dict[str, float]) -> dict[str, Any]:
    """Collect what ``run.json`` says."""
    keys, history = result.scenario.keys, result.history
    return {
        "name": keys.name,
        "version": metadata.version("spmforecast"),
        "seed": keys.simulate.seed,
        "trials": result.forecast.trials,
        "method": keys.simulate.method,
        "as_of": str(keys.as_of),
        "until": str(keys.until),
        "period": keys.period,
        "fiscal_year_start": keys.fiscal_year_start,
        "fiscal_calendar": result.scenario.calendar.describe(),
        "periods": period_dates(result.forecast, result.targets),
        "currency": keys.currency,
        "timezone": keys.timezone,
        "levels": list(keys.levels),
        "basis": "bookings" if isinstance(result.model, FittedBookings) else "deals",
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
        "inputs": _inputs(result),
        "timings": timings,
        "warnings": list(result.warnings),
        "assumptions": told_assumptions(keys.assumptions),
        "counts": history.counts.to_dict("records"),
        "exclusions": history.exclusions.to_dict("records"),
        "translations": history.translations.to_dict("records"),
        "repairs": history.repairs.to_dict("records"),
        "model": model_notes(result.model, result.quotas, result.forecast.told),
        **map_record(result.territories),
        **result.measured.tables,
        **pay_notes(result.pay, result.pay_notes),
        **({"hiring": result.hiring.told()} if result.hiring is not None else {}),
    }


def _inputs(result: RunResult) -> list[dict[str, Any]]:
    """Name and hash everything that was read: the scenario, its plan and map, and the tables."""
    keys, scenario = result.scenario.keys, result.scenario
    named = [keys.plan if isinstance(keys.plan, str) else None, getattr(keys.history, "map", None)]
    if keys.compensation is not None:
        named += [keys.compensation.plan, *keys.compensation.compare]
    named.append(keys.territories.map)
    files = [(name, text.encode()) for name, text in scenario.texts.items()]
    files += [(name, scenario.resolve(name).read_bytes()) for name in named if name is not None]
    own = [{"name": name, "sha256": bytes_hash(data), "bytes": len(data)} for name, data in files]
    return own + [{"name": one.name, "sha256": one.sha256, "bytes": one.bytes} for one in result.history.sources]
