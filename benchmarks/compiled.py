"""What a compiled kernel would bring at W3: the engine against itself with its inner loops compiled by numba.

    python benchmarks/compiled.py                       # in an environment that has numba beside spmforecast
    python benchmarks/simulator.py --numba PYTHON       # the same from another one

Words of open deals, points of deals to come, the market, multipliers and what sellers create are drawn as they are now.
What follows is done by three kernels (kernels.py): open deals from the word to the booked win; wins expected of deals
to come; their points from the word to the booked win. They read the arrays that the engine reads and book where it
books, so that its tables can be compared with theirs trial by trial. One thread; processor time; the engine and the
kernels in turn.

W3 alone is played: deals without partners, with a known amount, a clock of losing, and answers that do not bend.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from kernels import INF, WIDE, WORLDS, F, expected, play_open, play_points

from spmforecast.simulate import arrivals, block, bounds, new
from spmforecast.simulate.expected import MovedWins
from spmforecast.simulate.luck import draw_words
from spmforecast.simulate.run import Run
from spmforecast.simulate.widths import LENGTH
from workloads import workload

ROWS = 128  # deals whose words are drawn together, as the engine does


def open_deals(inputs, trials, shocks, effects, tally) -> None:
    """Play the open deals; in the place of the engine's function."""
    deals, periods = inputs.open_deals, inputs.periods
    assert not deals.shared.any()
    assert not deals.bend.any()
    assert not deals.law.any()
    assert len(deals.lose) == 1
    assert len(deals.win) == WORLDS
    assert trials.start % WORLDS == 0
    filled = -(-trials.count // WORLDS) * WORLDS
    level = np.zeros((filled, periods), dtype=np.float32)
    level[: trials.count] = shocks.level[0].T
    levels = wide(level), level.min(axis=1), level.max(axis=1)
    response, lose = wide(deals.response), wide(deals.lose[0])
    effect_of = np.ones((len(inputs.owners), filled), dtype=np.float32)
    effect_of[:, : trials.count] = [effects[owner] for owner in range(len(inputs.owners))]
    order = np.lexsort((deals.state, deals.column))
    for first in range(0, len(order), ROWS):
        rows = order[first : first + ROWS]
        state = deals.state[rows]
        words = SPENT.in_words(draw_words, trials.streams, inputs.deal_keys[rows], trials.start, trials.start + filled)
        out = np.zeros((len(rows), periods)), np.zeros((len(rows), periods)), np.zeros(len(rows))
        tally.booked += SPENT.in_open(
            play_open,
            trials.count,
            words,
            deals.whole[state],
            wide(deals.win[:, state].transpose(1, 0, 2)),
            response[state],
            lose[state],
            levels,
            (effect_of, deals.owner[rows]),
            bounds._share_in_time(deals.share[state], deals.kept[state]),
            inputs.money.atoms,
            inputs.deal_cents[rows],
            tally.sums,
            tally.stride,
            deals.column[rows],
            out,
        )
        tally.deal_wins[rows], tally.deal_cents[rows], tally.deal_squares[rows] = out


def wide(table) -> np.ndarray:
    """Fill the last axis up to 16 with zeros, in single precision."""
    out = np.zeros((*table.shape[:-1], WIDE), dtype=np.float32)
    out[..., : table.shape[-1]] = table
    return out


def new_deals(inputs, trials, shocks, effects, tally) -> None:
    """Play the deals to come; in the place of the engine's function."""
    coming, cells, periods = inputs.new_deals, inputs.new_deals.cells, inputs.periods
    assert coming.resize is None
    assert cells.tilt is None
    assert not inputs.nothing.any()
    assert trials.start % LENGTH == 0
    sellers = new._Sellers(inputs, trials, shocks, effects)
    chances = MovedWins(inputs, trials, shocks, new._of_sellers(inputs, effects))
    market, moved = np.empty(0), None
    scratch = np.empty(LENGTH, F), np.empty(1 << 16, np.int32), np.empty(1 << 16, np.int32)
    steps = np.zeros((-(-trials.count // LENGTH) * LENGTH, WIDE), dtype=np.float32)
    steps[:, periods:] = INF
    for k in np.lexsort((cells.seller, cells.segment, cells.seller // new._SELLERS)).tolist():
        seller, segment = int(cells.seller[k]), int(cells.segment[k])
        if moved is not chances._market(segment):
            moved = chances.moved
            market = by_worlds(moved)
        widths = sellers.widths(seller)
        SPENT.in_expected(
            expected,
            sellers.made(seller),
            F(cells.share[k]),
            np.ascontiguousarray(coming.win[:, segment][:, *chances.pairs].T),
            np.maximum(coming.lose[0, segment][chances.pairs], F(1e-30)),
            market,
            chances.effects[seller],
            np.concatenate([one.height for one in widths]),
            steps,
        )
        row, start = segment + 1, int(cells.column[k]) * tally.stride
        money = inputs.money.atoms[inputs.money.shape[row] :], inputs.money.base[row], inputs.money._lift[:, row].copy()
        key = trials.streams.key("stream", cells.ids[k], "winner")
        for own, width in enumerate(widths):
            process = arrivals._Process.of(trials.streams, key, trials.start // LENGTH + own)
            below = steps[own * LENGTH : (own + 1) * LENGTH]
            for words, height in points(process, below[:, periods - 1].max()):
                tally.booked += SPENT.in_points(
                    play_points,
                    words,
                    height,
                    width.trial,
                    below,
                    periods,
                    *money,
                    tally.sums,
                    tally.stride,
                    start + own * LENGTH,
                    *scratch,
                )


def by_worlds(moved) -> np.ndarray:
    """Lay what the market multiplies hazards by, (pairs, trials), out by 64 trials, pair and trial."""
    pairs, trials = moved.shape
    out = np.zeros((pairs, -(-trials // WORLDS) * WORLDS), dtype=np.float32)
    out[:, :trials] = moved
    return np.ascontiguousarray(out.reshape(pairs, -1, WORLDS).transpose(1, 0, 2))


def points(process, limit) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw the points up to a height as the engine does: words of slots and amounts, and heights."""
    last = int(process.below(limit * arrivals._A_LITTLE_MORE))
    for first in range(0, last, arrivals._TOGETHER):
        stop = min(first + arrivals._TOGETHER, last)
        begin, tiles = arrivals._HEAD + first // arrivals._TILE * arrivals._TILE_WORDS, -(-(stop - first) // 256)
        words = SPENT.in_words(
            process.streams.words, process.key, begin, begin + tiles * arrivals._TILE_WORDS, process.block
        )
        yield words.view(np.uint16).reshape(tiles, 2, 256), process.heights(first, stop)


class Spent:
    """Processor time by what it went to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __getattr__(self, name):
        def call(function, *arguments):
            start = time.process_time()
            out = function(*arguments)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
            return out

        return call


SPENT = Spent()
PARTS = {
    "in_words": "words, drawn by NumPy",
    "in_open": "kernel of open deals",
    "in_expected": "kernel of wins expected",
    "in_points": "kernel of points",
}


def play(inputs, trials: int, compiled: bool) -> tuple[Run, float]:
    """Run W3 as `spmforecast` does, its inner functions exchanged or not; return the processor time, too."""
    run = Run(inputs)
    other = {"play_open_deals": open_deals, "play_new_deals": new_deals} if compiled else {}
    SPENT.seconds.clear()
    start = time.process_time()
    with patch.multiple(block, **other) if other else nullcontext():
        run.extend(trials)
    return run, time.process_time() - start


def compare(inputs, trials: int) -> None:
    """Play the same trials both ways, which compiles the kernels; tell how they differ."""
    (run, _), (other, _) = (play(inputs, trials, compiled) for compiled in (False, True))
    wins, apart = run.counts.sum(dtype=np.float64), np.abs(run.counts - other.counts).sum(dtype=np.float64)
    alike = np.mean(run.draws == other.draws)
    deals = np.abs(run.open_deals.wins - other.open_deals.wins).sum()
    money = abs(other.draws.sum() / run.draws.sum() - 1)
    print(f"{trials:,} trials, {wins:,.0f} wins: {apart:,.0f} counted in another cell and trial,")
    print(f"{deals:,.0f} by deal; {alike:.6f} of all bookings the same to the cent, all together to {money:.1e}")
    assert apart + deals < 1e-4 * wins, "the kernels do not do what the engine does"
    assert money < 1e-5, "the kernels do not book what the engine books"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    inputs = workload(periods=12, shocks=True, dispersion=0.1)
    compare(inputs, min(options.trials, 4096))
    best: dict[str, float] = {}
    parts: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, compiled in (("engine", False), ("kernels", True)):
            run, spent = play(inputs, options.trials, compiled)
            winners = float(run.counts.sum(dtype=np.float64))
            del run  # its tables are large
            print(f"{name:10} {spent:8.2f} s", flush=True)
            if spent < best.get(name, np.inf):
                best[name] = spent
                parts = dict(SPENT.seconds) if compiled else parts
    for name, spent in best.items():
        print(f"{name:24} {spent:8.2f} s {spent / winners * 1e9:7.1f} ns a winner")
    for name, told in PARTS.items():
        print(f"  {told:22} {parts[name]:8.2f} s {parts[name] / winners * 1e9:7.1f} ns a winner")
    rest = best["kernels"] - sum(parts.values())
    print(f"  {'all else':22} {rest:8.2f} s {rest / winners * 1e9:7.1f} ns a winner")
    print(f"W3 / W3 with kernels: {best['engine'] / best['kernels']:.2f} times; winners: {winners:,.0f}")


if __name__ == "__main__":
    main()
