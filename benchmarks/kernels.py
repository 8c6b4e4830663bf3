"""Kernels of W3 for compiled.py: what follows the random words and points, each in one pass, compiled by numba.

Loops are written so that they become vector code: over slices, without calls, and apart from loops that look things up.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

WIDE = 16  # periods, filled up to the width of a cache line
WORLDS = 64  # trials side by side: a trial of each world
F = np.float32
GOLDEN = np.uint32(2654435769)  # as in the engine: what turns words, the slack of bounds, what a win counts in a sum
SLACK = F(0.5 * (1 + 1e-4))
WIN = 2.0**40
INF = F(np.inf)
# Divisions that raise would keep loops from becoming vector code; products and sums may be rounded once.
kernel = numba.njit(error_model="numpy", fastmath={"contract"})


def _bitcast(source, target, llvm):
    @intrinsic
    def cast(_typing, _value):
        return target(source), lambda _context, builder, _signature, args: builder.bitcast(args[0], llvm)

    return cast


as_float = _bitcast(types.int32, types.float32, ir.FloatType())
as_int = _bitcast(types.float32, types.int32, ir.IntType(32))


@kernel
def exp32(x):
    """Exponential in single precision, to 1e-7 of itself, without a call: loops over it become vector code."""
    x = min(max(x, F(-87.0)), F(88.0))
    n = np.floor(x * F(1.44269504) + F(0.5))
    r = (x - n * F(0.693359375)) + n * F(2.12194440e-4)
    p = F(1.9875691500e-4)
    p = p * r + F(1.3981999507e-3)
    p = p * r + F(8.3334519073e-3)
    p = p * r + F(4.1665795894e-2)
    p = p * r + F(1.6666665459e-1)
    p = p * r + F(5.0000001201e-1)
    p = p * r * r + r + F(1.0)
    return p * as_float(np.int32(np.int32(n) + np.int32(127)) << np.int32(23))


@kernel
def log32(x):
    """Logarithm in single precision of a positive number, to 1e-7."""
    bits = as_int(x)
    n = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
    m = as_float(np.int32(bits - np.int32(n << np.int32(23)))) - F(1.0)
    p = F(7.0376836292e-2)
    p = p * m - F(1.1514610310e-1)
    p = p * m + F(1.1676998740e-1)
    p = p * m - F(1.2420140846e-1)
    p = p * m + F(1.4249322787e-1)
    p = p * m - F(1.6668057665e-1)
    p = p * m + F(2.0000714765e-1)
    p = p * m - F(2.4999993993e-1)
    p = p * m + F(3.3333331174e-1)
    e, z = F(n), m * m
    return m + (m * z * p - e * F(2.12194440e-4) - F(0.5) * z) + e * F(0.693359375)


@kernel
def candidates(word, whole, low, high, worst, best, effect, share, need, trial):
    """Find the trials in which a deal may be won, as the engine's bounds do; return how many."""
    for first in range(0, len(need), WORLDS):
        some = slice(first, first + WORLDS)
        luck, bad, good, own, out = word[some], worst[some], best[some], effect[some], need[some]
        for j in range(WORLDS):
            top = max(max(low * bad[j], high * bad[j]), max(low * good[j], high * good[j]))
            u = F(luck[j])
            out[j] = u / ((F(2.0**33) - u) * (whole[j] * SLACK * own[j] * exp32(top)))
    n = 0
    for t in range(len(trial) - 1):
        trial[n] = t
        n += need[t] <= share[np.uint32(word[t] * GOLDEN) >> np.uint32(24)]
    return n


@kernel
def hazards(trial, win, level, answer, out):
    """Hazard of each candidate and period as the market moves it."""
    for i in range(len(trial)):
        t = trial[i]
        world = t % WORLDS
        for p in range(out.shape[1]):
            out[i, p] = win[world, p] * exp32(level[t, p] * answer[p])


@kernel
def asked_of(trial, word, effect, luck, asked):
    """Collect the words of candidates, and the hazards they ask for before the owner's multiplier."""
    for i in range(len(trial)):
        luck[i], asked[i] = word[trial[i]], effect[trial[i]]
    for i in range(len(trial)):
        left = 4294967295.5 - luck[i]
        near = F(left)
        asked[i] = (F(left - near) / near - log32(near * F(2.0**-32))) / asked[i]


@kernel
def rings(n, hazard, asked, lose, before, period, kept):
    """Find the period in which each candidate's clock of winning rings; log of its chance not to be lost by then."""
    for i in range(n):
        # All periods for all: not to know when a clock rings costs more than to look at the rest.
        begin, reached, k = F(0.0), F(0.0), 0
        for p in range(len(before)):
            reached += hazard[i, p]
            passed = reached <= asked[i]
            begin = reached if passed else begin
            k += passed
        period[i] = min(k, len(before) - 1)
        part = (asked[i] - begin) / max(hazard[i, period[i]], F(1e-30))
        kept[i] = -INF if k == len(before) else before[period[i]] - lose[period[i]] * part


@kernel
def luck_left(n, luck, kept, bits):
    """Draw the bits of the amount from what is left of the luck; minus one where the deal is lost or stays open."""
    for i in range(n):
        chance, some = exp32(kept[i]) * F(2.0**32), F(np.uint32(luck[i] * GOLDEN))
        left = np.int32(min(some * F(2.0**16) / max(chance, F(1.0)), F(65535.0)))
        bits[i] = left if some < chance else np.int32(-1)


@kernel
def play_open(size, words, whole, win, response, lose, levels, effects, share, atoms, cents, sums, stride, column, out):
    """Play a few deals from their words to the wins booked; return how many wins.

    By deal: `whole` (worlds), `win` (worlds, 16), `response` and `lose` (16). By trial: `levels`, (16), the worst and
    the best. `effects` are those of all owners (owners, trials), and each deal's owner. Results go to `sums`, cells
    `stride` apart, and `out`: wins, cents and squares of each deal. There are `size` trials, filled up to whole blocks.
    """
    level, worst, best = levels
    effect_of, owner = effects
    wins, money, squares = out
    periods, booked = wins.shape[1], 0
    need, asked, kept = np.empty(len(worst), np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    trials, period, bits = np.empty(size + 1, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    hazard, luck, before = np.empty((size, WIDE), np.float32), np.empty(size, np.uint32), np.zeros(periods, np.float32)
    for i in range(len(words)):
        word, effect, answer, square = words[i], effect_of[owner[i]], response[i], 0.0
        low, high = answer[:periods].min(), answer[:periods].max()
        n = candidates(word, whole[i], low, high, worst, best, effect, share[i], need, trials)
        hazards(trials[:n], win[i], level, answer, hazard)
        asked_of(trials[:n], word, effect, luck, asked)
        for p in range(1, periods):
            before[p] = before[p - 1] - lose[i, p - 1]
        rings(n, hazard, asked, lose[i], before, period, kept)
        luck_left(n, luck, kept, bits)
        for c in range(n):
            if bits[c] >= 0:
                k = period[c]
                amount = np.rint(atoms[bits[c] >> 2] * cents[i])
                sums[(column[i] + k) * stride + trials[c]] += amount + WIN
                wins[i, k] += 1.0
                money[i, k] += amount
                square += amount * amount
                booked += 1
        squares[i] = square / 1e4
    return booked


@kernel
def expected(made, share, win, lose, market, effect, height, out):
    """Work out the wins expected by the end of each period, as heights of each trial's strip, shape (trials, 16).

    By pair of cohort and period, lag by lag: `win` (pairs, worlds), `lose` (pairs), `market` (64 trials together,
    pairs, 64).
    """
    periods, trials = made.shape
    alive, mean = np.empty((periods, WORLDS), np.float32), np.empty((periods, WORLDS), np.float32)
    for first in range(0, trials, WORLDS):
        some = min(WORLDS, trials - first)
        for c in range(periods):
            for j in range(some):
                alive[c, j] = made[c, first + j] * share
                mean[c, j] = F(0.0)
        q = 0
        for lag in range(periods):
            for c in range(periods - lag):
                for j in range(some):
                    speed = win[q, j] * market[first // WORLDS, q, j] * effect[first + j]
                    gone = speed + lose[q]
                    left = exp32(-gone) * alive[c, j]
                    mean[c + lag, j] += (alive[c, j] - left) * (speed / gone)
                    alive[c, j] = left
                q += 1
        for j in range(some):
            reached = F(0.0)
            for p in range(periods):
                reached += mean[p, j]
                out[first + j, p] = reached * height[first + j]


@kernel
def play_points(words, height, slots, steps, periods, atoms, base, lift, sums, stride, place, limit, at, trial):
    """Book the points that lie in their trial's strip; return how many do.

    `words` (tiles, 2, 256) hold slot and amount of each point, `slots` the trial of each slot, `steps` (trials, 16)
    the heights by the end of each period. Trials and periods are counted from `place` in `sums`.
    """
    n = 0
    for t in range(len(steps)):
        limit[t] = steps[t, periods - 1]
    for i in range(len(height)):
        t = slots[words[i >> 8, 0, i & 255] >> 2]
        at[n], trial[n] = i, t
        n += height[i] < limit[t]
    for i in range(n):
        point, t, k = at[i], np.int64(trial[i]), np.int32(0)
        row, high = steps[t], height[point]
        for p in range(WIDE):
            k += np.int32(1) if row[p] <= high else np.int32(0)
        amount = np.rint(atoms[words[point >> 8, 1, point & 255] >> 2] * base * lift[t % WORLDS])
        sums[place + k * stride + t] += amount + WIN
    return n
