"""What a forecast would score against the oracle if the model were exactly right.

An oracle knows what a record leaves in doubt: rates, how good the reps are, where the market stands. Even a model
that is true in all its parts has to lose something to it. How much, the model itself can say: its own law is held
against futures whose hidden state is one of those it thinks possible, while the luck of deals, leavers and markets to
come goes its own way. No company's truth is looked at; the score is that of ``oracle.py``, which makes the companies:

    python benchmarks/attainable.py --first-seed 1 --companies 16
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import oracle
import pandas as pd

import spmforecast as spm
from spmforecast.models import FittedPipeline
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.inputs import WORLDS, SimulationInputs
from spmforecast.simulate.run import Run
from spmforecast.simulate.trials import Trials

Array = npt.NDArray[np.float64]

HIDDEN = {"law", "mean", "level", "creating", "winning", "leaving"}  # purposes of draws of what is so already
STATES, FUTURES, TRIALS = 24, 256, 1024
FIRST_STATE = 10_000  # trials whose hidden states are taken; the forecast's own trials lie before


class Held(Trials):
    """Trials that differ in their luck alone: what is hidden is that of one trial of another seed."""

    state = (0, 0)  # seed and trial

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        seed, trial = self.state
        self.one = Trials(seed, trial - trial % 4, trial - trial % 4 + 4, WORLDS)
        self.place = trial % 4
        self.world = np.full(self.count, self.one.world[self.place])

    def spread(self, table: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(np.repeat(table[..., [int(self.world[0])]], self.count, axis=-1))

    def uniform(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        if kind != "market" or purpose not in HIDDEN:  # the day of leaving is luck, the rate of leaving is not
            return super().uniform(kind, entity, purpose, lane)
        return np.full(self.count, self.one.uniform(kind, entity, purpose, lane)[self.place])

    def normal(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        if purpose not in HIDDEN or kind == "team":  # quarters of teams are still to come
            return super().normal(kind, entity, purpose, lane)
        return np.full(self.count, self.one.normal(kind, entity, purpose, lane)[self.place])


def attainable(seed: int) -> dict[str, float | str]:
    """Score the model's law against its own futures, averaged over hidden states that it thinks possible."""
    character, size = oracle.kind(seed)
    history = spm.read_history(spm.ExampleCompany(seed=seed, size=size, character=character).tables())
    model = spm.PipelineModel().fit(history, as_of=oracle.AS_OF)
    horizon = build_horizon(model.as_of, oracle.UNTIL, "quarter", model.calendar)
    inputs = build_inputs(model, horizon, ("region", "segment"), seed, WORLDS)
    case = _case(model, inputs, seed)
    law = _cells(inputs, TRIALS, case)
    ratios, misses = [], []
    with mock.patch("spmforecast.simulate.block.Trials", Held):
        for state in range(STATES):
            Held.state = seed, FIRST_STATE + 81 * state  # a step that meets another world each time
            truth = _cells(replace(inputs, seed=100_000 + state), FUTURES, case)
            scored = oracle.score(replace(case, truth=truth), "itself", law).groupby("level")
            sums = scored[["score", "oracle", "mean", "true mean"]].sum()
            ratios.append(sums["score"] / sums["oracle"])
            misses.append(np.log(sums.loc["company", "mean"] / sums.loc["company", "true mean"]))
    return {"character": character, "size": size, **pd.concat(ratios, axis=1).mean(axis=1), "sd": float(np.std(misses))}


def _case(model: FittedPipeline, inputs: SimulationInputs, seed: int) -> oracle.Case:
    """A company whose truth holds the names of the cells only."""
    known = model.history.current_reps()
    reps = tuple(sorted(str(rep) for rep in known.index[known["end_date"].isna()]))
    regions = sorted(set(inputs.plan.frame["region"].astype(str)))
    by_region = tuple(f"{region} {quarter}" for region in regions for quarter in oracle.coming("quarter"))
    nodes = {"company": oracle.coming("quarter"), "region": by_region, "rep-year": reps}
    none = {level: (names, np.zeros((0, len(names)))) for level, names in nodes.items()}
    return oracle.Case(seed, *oracle.kind(seed), model.history, none)


def _cells(inputs: SimulationInputs, trials: int, case: oracle.Case) -> oracle.Cells:
    run = Run(inputs, 1, None, None, False)
    run.extend(trials)
    return oracle.cells_of(spm.Forecast(run.draws, inputs.plan.frame), case)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--companies", type=int, default=16)
    args = parser.parse_args()
    rows = pd.DataFrame([attainable(seed) for seed in range(args.first_seed, args.first_seed + args.companies)])
    by_kind = rows.groupby(["character", "size"]).mean()
    print(by_kind.round(3).to_string())
    print(by_kind.groupby("character").mean().mean().round(3).to_string())


if __name__ == "__main__":
    main()
