"""Choice among model specs by out-of-time score: nested within the as-of date, in doubt the simpler.

Source of the rule: Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, section 3.4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast import scores
from spmforecast.data import NONE, History
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.backtest.gather import gather
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin, origins_of
from spmforecast.evaluate.backtest.predict import Told
from spmforecast.evaluate.backtest.run import truth_of
from spmforecast.models import ModelSpec
from spmforecast.models.spec import attributes

__all__ = ["Choice", "candidates", "choose_spec", "describe"]

Array = npt.NDArray[np.float64]

_ATTRIBUTES = ("segment", "type", "region", "product", "lead_source")
_MOST_CANDIDATES = 6
_COLUMNS = ["candidate", "score", "behind", "standard_error", "origins", "chosen"]


@dataclass(frozen=True)
class Choice:
    """The spec that was chosen, and how the others did.

    Parameters
    ----------
    spec : ModelSpec
        To be fitted.
    table : pandas.DataFrame
        A row for each candidate, simplest first: ``candidate, score, behind, standard_error, origins, chosen``. The
        score is the CRPS in shares of what came, averaged over levels and origins; ``behind`` is its distance from the
        best, with the standard error of that distance over origins.
    """

    spec: ModelSpec
    table: pd.DataFrame

    @property
    def note(self) -> str:
        """The choice in words."""
        chosen = self.table[self.table["chosen"]].iloc[0]
        best = self.table["score"].min()
        return (
            f"of {len(self.table)} specifications, '{chosen['candidate']}' was chosen, the simplest within one "
            f"standard error of the best on {int(chosen['origins'])} past forecasts (score {chosen['score']:.3f}, "
            f"best {best:.3f})"
        )


def choose_spec(
    history: History,
    specs: Sequence[ModelSpec],
    settings: BacktestSettings,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Choice:
    """Choose among specs by the CRPS of what each would have forecast in the past.

    Parameters
    ----------
    history : History
        Cut at the as-of date: the choice is part of the fit and may not look beyond it.
    specs : sequence of ModelSpec
        Candidates, simplest first.
    settings : BacktestSettings
        Weeks, periods and trials to look back on; its own spec is not used.
    jobs : int
        Processes; they change no figure.
    progress : callable, optional
        Called with forecasts done and wanted.

    Returns
    -------
    Choice
        The simplest spec whose mean score lies within one standard error of the best; the standard error is that of the
        difference to the best, over origins.

    Raises
    ------
    InputError
        If the history is not cut, there is no candidate, or the record is too short to look back on.
    """
    if history.known_at is None or not specs:
        told = "the history is not cut at a date" if specs else "there is no candidate"
        raise InputError(Problem("model", told, "Cut it with as_of, and name at least one spec."))
    origins = [one for one in origins_of(history, settings, history.known_at) if one.scored]
    every = []
    for number, spec in enumerate(specs):
        step = _step(progress, number * len(origins), len(specs) * len(origins))
        said = gather(history, origins, replace(settings, spec=spec, rivals=False), jobs, progress=step)
        every.append(_scores(history, said, origins))
    table = _ranked([describe(spec) for spec in specs], np.stack(every))
    return Choice(specs[int(np.flatnonzero(table["chosen"])[0])], table)


def candidates(history: History, base: ModelSpec) -> tuple[ModelSpec, ...]:
    """List specs worth trying, simplest first: other attributes, or two of them, with and without amount bands.

    Parameters
    ----------
    history : History
        Cut at the as-of date.
    base : ModelSpec
        What would be fitted otherwise.

    Returns
    -------
    tuple of ModelSpec
        At most six. An attribute takes part if at least two of its values have `min_level_deals` deals.
    """
    deals, own = history.deals(), attributes(base.segment_by)
    telling = [name for name in dict.fromkeys((*own, *_ATTRIBUTES)) if _separates(deals, name, base.min_level_deals)]
    ways: list[tuple[str, ...]] = [(name,) for name in telling] or [own]
    ways += [(telling[0], other) for other in telling[1:]] if telling else []
    out = [replace(base, segment_by=way[0] if len(way) == 1 else way) for way in ways]
    plain = [replace(base, amount_bands=(), segment_by=ways[0][0])] if base.amount_bands else []
    return tuple(dict.fromkeys([*plain, *out]))[:_MOST_CANDIDATES]


def describe(spec: ModelSpec) -> str:
    """Name a spec by what tells it from others."""
    bands = f"{len(spec.amount_bands) + 1} amount bands" if spec.amount_bands else "no amount bands"
    return f"by {' and '.join(attributes(spec.segment_by))}, {bands}"


def _separates(deals: pd.DataFrame, name: str, least: int) -> bool:
    if name not in deals:
        return False
    sizes = deals[name].astype(object).fillna(NONE).value_counts()
    return bool((sizes >= least).sum() >= 2)


def _scores(history: History, said: Sequence[Told], origins: Sequence[Origin]) -> Array:
    """CRPS of each origin in shares of what came, averaged over levels and closed targets, shape (origins,)."""
    assert history.known_at is not None
    closed = {t.label: t for origin in origins for t in origin.targets if t.end <= history.known_at}
    truth = truth_of(history, said, closed)
    out = np.zeros(len(said))
    for place, told in enumerate(said):
        shares = []
        for ahead, target in enumerate(told.targets):
            if target not in closed:
                continue
            came = np.array([truth[node, target] for node in told.nodes])
            crps = np.asarray(scores.crps(told.draws[:, :, ahead], came))
            whole = max(float(np.abs(came[0])), 1.0)
            level = np.array([node[0] for node in told.nodes])
            shares += [crps[level == name].sum() / whole for name in dict.fromkeys(level.tolist())]
        out[place] = np.mean(shares)
    return out


def _ranked(names: list[str], score: Array) -> pd.DataFrame:
    """Apply the rule to scores of shape (candidates, origins)."""
    best = int(score.mean(axis=1).argmin())
    off = score - score[best]
    n = score.shape[1]
    error = off.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(score), np.inf)
    chosen = int(np.flatnonzero(off.mean(axis=1) <= error)[0])
    return pd.DataFrame(
        {
            "candidate": names,
            "score": score.mean(axis=1),
            "behind": off.mean(axis=1),
            "standard_error": error if n > 1 else np.full(len(score), np.nan),
            "origins": n,
            "chosen": np.arange(len(score)) == chosen,
        },
        columns=_COLUMNS,
    )


def _step(progress: Callable[[int, int], None] | None, before: int, wanted: int) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, _: progress(before + done, wanted)
