"""Every origin judged by what came: the model, each rival with the law of its past errors, and mixes of them.

Origins are gone through in order of time. What a rival (or a mix) has learned at an origin is what was over by then,
with the truth as it was known at that time; what an origin is judged by is the truth at the end of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast import scores
from spmforecast.evaluate.backtest.predict import Told
from spmforecast.evaluate.combination import inverse_score_weights, shrink_to_equal
from spmforecast.evaluate.mixing import PoolTerms, best_weight, pool_terms, stretch
from spmforecast.evaluate.rivals import LEVELS, Node
from spmforecast.evaluate.rivals.laws import Errors
from spmforecast.simulate.streams import Streams

__all__ = ["COMBINATION", "FORECAST", "MIX", "Judge", "Truth", "judge"]

Array = npt.NDArray[np.float64]

FORECAST, COMBINATION, MIX = "this forecast", "combination of rivals", "mix with a rival"
INTERVALS = (0.5, 0.8, 0.95)
_ENERGY_DRAWS = 500
_ENERGY_LEAST = 0.1

Truth = Mapping[tuple[Node, str], float]


@dataclass
class Judge:
    """What has been learned so far, and the rows written.

    Parameters
    ----------
    seed : int
        Of the draws that a mix picks by.
    errors : Errors
        What rivals said and what came.
    terms : dict
        For each rival, terms and sizes of the pools with the model that are over (company).
    waiting : list
        What was said and is not over.
    cells, joint : list of dict
        Scores of single cells, and of whole vectors of teams.
    partners : list of dict
        With whom, and how, the mix was made.
    """

    seed: int = 1
    errors: Errors = field(default_factory=Errors)
    terms: dict[str, list[tuple[PoolTerms, float]]] = field(default_factory=dict)
    waiting: list[tuple[Told, int, dict[str, Array], dict[str, Array]]] = field(default_factory=list)
    cells: list[dict[str, object]] = field(default_factory=list)
    joint: list[dict[str, object]] = field(default_factory=list)
    partners: list[dict[str, object]] = field(default_factory=list)

    def hear(self, told: Told, truth: Truth) -> None:
        """Learn what is over at an origin, put laws round what is said there, and judge what the truth is known of."""
        self._learn(told)
        points = {**told.points, COMBINATION: self.combined(told)}
        for ahead, target in enumerate(told.targets):
            laws = self.laws(told, points, ahead)
            company = {name: law[0][:, 0] for name, law in laws.items() if "company" in law[1]}
            if told.scored:
                mixed, partner = self.mixed(told, ahead, company)
                self.partners.append({"as_of": told.as_of, "ahead": ahead, **partner})
                self._score(told, ahead, target, laws, mixed, truth)
            self.waiting.append((told, ahead, points, company))

    def _learn(self, told: Told) -> None:
        """Compare what was said earlier with what is known to have come by now."""
        row, column = _places(told.ever), _places(told.past)
        still = []
        for earlier in self.waiting:
            said, ahead, points, company = earlier
            at = column.get(said.targets[ahead])
            if at is None:
                still.append(earlier)
                continue
            came = np.array([told.closed[row[node], at] if node in row else 0.0 for node in said.nodes])
            for level, rows in _levels(said.nodes):
                for name, point in points.items():
                    key = (name, level, ahead)
                    self.errors.learn(key, said.week, said.targets[ahead], point[rows, ahead], came[rows])
            if said.scored:
                for name, law in company.items():
                    term = pool_terms(said.draws[:, 0, ahead], law, float(came[0]))
                    self.terms.setdefault(name, []).append((term, max(float(np.abs(came[0])), 1.0)))
        self.waiting = still

    def combined(self, told: Told) -> Array:
        """Weigh the rivals by one over their mean squared error so far, half-way to equal; shape (nodes, targets)."""
        out = np.full(told.booked.shape, np.nan)
        for level, rows in _levels(told.nodes):
            for ahead in range(len(told.targets)):
                said = {name: point[rows, ahead] for name, point in told.points.items()}
                said = {name: point for name, point in said.items() if not np.isnan(point).any()}
                if said:
                    error = np.array([self.errors.squared((name, level, ahead), told.week) for name in said])
                    known = error[~np.isnan(error)]
                    error = np.where(np.isnan(error), known.mean() if len(known) else 1.0, error)
                    weight = shrink_to_equal(inverse_score_weights(error))
                    out[rows, ahead] = np.einsum("r,rn->n", weight, np.stack(list(said.values())))
        return out

    def laws(self, told: Told, points: Mapping[str, Array], ahead: int) -> dict[str, tuple[Array, dict[str, slice]]]:
        """Put past errors round every point of a target: for each rival its law and the levels of which it speaks."""
        out: dict[str, tuple[Array, dict[str, slice]]] = {}
        for name, point in points.items():
            parts, found, width = [], {}, 0
            for level, rows in _levels(told.nodes):
                if np.isnan(point[rows, ahead]).any():
                    continue
                law = self.errors.law((name, level, ahead), told.week, point[rows, ahead], told.booked[rows, ahead])
                found[level] = slice(width, width + law.shape[1])
                width += law.shape[1]
                parts.append(law)
            if parts:
                out[name] = (_side_by_side(parts), found)
        return out

    def mixed(self, told: Told, ahead: int, company: Mapping[str, Array]) -> tuple[Array, dict[str, object]]:
        """Mix the rival into the model that did best for the company so far, by the weight that did best with it."""
        partner, weight = self.partner(company)
        draws = told.draws[:, :, ahead]
        if not partner:
            return draws, {"rival": "", "weight": 1.0}
        uniform = Streams(self.seed).uniforms("mix", told.targets[ahead], "member", 0, len(draws))
        booked = told.booked[:, ahead]
        out = stretch(draws, booked, draws[:, 0], float(booked[0]), company[partner], uniform <= weight)
        return np.round(out, 2), {"rival": partner, "weight": weight}

    def partner(self, company: Mapping[str, Array]) -> tuple[str, float]:
        """Choose the rival for the mix and the model's weight in it, by what is over; nobody where nothing is."""
        known = {name: self.terms[name] for name in company if name in self.terms}
        most = max((len(of) for of in known.values()), default=0)
        known = {name: of for name, of in known.items() if len(of) == most}
        if not known:
            return "", 1.0
        best = min(known, key=lambda name: float(np.mean([term.crps(0.0) / size for term, size in known[name]])))
        terms, sizes = zip(*known[best], strict=True)
        return best, best_weight(terms, sizes)

    def _score(
        self,
        told: Told,
        ahead: int,
        target: str,
        laws: Mapping[str, tuple[Array, dict[str, slice]]],
        mixed: Array,
        truth: Truth,
    ) -> None:
        if (("company", "company"), target) not in truth:
            return
        everywhere = dict(_levels(told.nodes))
        every = {FORECAST: (told.draws[:, :, ahead], everywhere), MIX: (mixed, everywhere), **laws}
        for level, rows in everywhere.items():
            nodes = told.nodes[rows]
            came = np.array([truth.get((node, target), 0.0) for node in nodes])
            head = {"as_of": told.as_of, "week": told.week, "target": target, "ahead": ahead, "level": level}
            scale = _scale(told, nodes)
            for name, (draws, spoken) in every.items():
                if level not in spoken:
                    continue
                mine = draws[:, spoken[level]]
                self.cells += _cells({**head, "method": name}, [node[1] for node in nodes], mine, came, self.seed)
                if len(nodes) > 1:
                    vector = scores.energy(mine[:_ENERGY_DRAWS] / scale, came / scale)
                    self.joint.append({**head, "method": name, "energy": vector})


def judge(said: Iterable[Told], truth: Truth, seed: int = 1) -> Judge:
    """Go through what was said, in order of time.

    Parameters
    ----------
    said : iterable of Told
        In order of time.
    truth : mapping of (node, target) to float
        Bookings of the targets that are over, with every target's company.
    seed : int
        Of ties and mixes.

    Returns
    -------
    Judge
    """
    out = Judge(seed)
    for told in said:
        out.hear(told, truth)
    return out


def _cells(head: dict[str, object], names: list[str], draws: Array, came: Array, seed: int) -> list[dict[str, object]]:
    """Score a law of several nodes, one row each."""
    levels = np.array(INTERVALS)
    tails = np.concatenate([(1 - levels) / 2, [0.5], (1 + levels) / 2])
    quantile = np.quantile(draws, tails, axis=0)
    low, middle, high = quantile[:3], quantile[3], quantile[4:]
    columns = {
        "truth": came,
        "mean": draws.mean(axis=0),
        "median": middle,
        "crps": np.atleast_1d(scores.crps(draws, came)),
        "wis": np.atleast_1d(scores.weighted_interval(low, high, middle, came, levels)),
        "low_80": low[1],
        "high_80": high[1],
        "pit": np.atleast_1d(scores.pit(draws, came, seed)),
        **{f"held_{100 * level:.0f}": (came >= low[k]) & (came <= high[k]) for k, level in enumerate(INTERVALS)},
    }
    return [
        {**head, "node": name, **{key: value[row].item() for key, value in columns.items()}}
        for row, name in enumerate(names)
    ]


def _scale(told: Told, nodes: tuple[Node, ...]) -> Array:
    """Size of each team: its mean period of late, at least a tenth of the teams' mean."""
    row = _places(told.ever)
    recent = np.array([told.closed[row[node], -4:].mean() if node in row and told.past else 0.0 for node in nodes])
    usual = float(np.abs(recent).mean())
    return np.asarray(np.maximum(np.abs(recent), _ENERGY_LEAST * usual if usual > 0 else 1.0))


def _levels(nodes: tuple[Node, ...]) -> list[tuple[str, slice]]:
    """Rows of each level; nodes come grouped."""
    out = []
    for level in LEVELS:
        rows = [row for row, node in enumerate(nodes) if node[0] == level]
        if rows:
            out.append((level, slice(rows[0], rows[-1] + 1)))
    return out


def _places(names: tuple) -> dict:  # type: ignore[type-arg]
    return {name: place for place, name in enumerate(names)}


def _side_by_side(parts: list[Array]) -> Array:
    """Put laws of different numbers of atoms beside each other, by the quantiles of the longest."""
    most = max(len(part) for part in parts)
    q = (np.arange(most) + 0.5) / most
    same = [part if len(part) == most else np.quantile(part, q, axis=0, method="inverted_cdf") for part in parts]
    return np.concatenate(same, axis=1)
