"""Nonparametric estimators against R's mstate, an independent Aalen-Johansen, and their own invariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spmforecast.errors import InputError
from spmforecast.models.counting import Visits, count_risks
from spmforecast.models.nonparametric import CumulativeHazard, aalen_johansen, nelson_aalen, transition_probabilities
from spmforecast.models.renewal import SemiMarkov

STATES = ["Tx", "Rec", "AE", "Rec+AE", "Rel", "Death"]
HORIZONS = [100, 365, 1000, 1826]
AGES = [15, 30, 60, 90, 120, 138]


def ebmt_visits(long, entry, exit):
    """Join mstate's row for each possible move to a row for each visit."""
    kept = long.assign(begin=entry, end=exit, dest=np.where(long["status"] == 1, long["to"] - 1, -1))
    rows = kept.groupby(["id", "from", "Tstart"], as_index=False).agg(
        begin=("begin", "first"), end=("end", "first"), dest=("dest", "max")
    )
    return Visits.of(rows["begin"], rows["end"], rows["from"] - 1, rows["dest"], states=6)


def moves_of(path):
    """List (from, to) by mstate's transition number."""
    matrix = pd.read_csv(path / "tmat.csv").to_numpy()
    return {int(matrix[i, j]): (i, j) for i, j in np.argwhere(np.isfinite(matrix))}


def hazard_at(visits, origin, destination, time):
    return float(CumulativeHazard.of(visits.risks(origin)).at(time)[destination])


@pytest.fixture(scope="module")
def forward(reference):
    ref = reference("01_ebmt_aalen_johansen")
    long = pd.read_csv(ref.path / "ebmt_long_msprep.csv")
    return ref, long, ebmt_visits(long, long["Tstart"], long["Tstop"])


def test_clock_forward_reference(forward):
    ref, long, visits = forward
    counts = visits.counts()
    seen = []
    for row in ref.checks["transition_counts"]["expected"]:
        h = STATES.index(row["from"])
        special = {"no event": counts.stayed[h], "total entering": counts.entered[h]}
        n = special[row["to"]] if row["to"] in special else counts.moves[h, STATES.index(row["to"])]
        seen.append({"from": row["from"], "to": row["to"], "n": int(n)})
    whole, landmark = transition_probabilities(visits), transition_probabilities(visits, start=100)
    got = {
        "n_subjects": long["id"].nunique(),
        "n_long_rows": len(long),
        "transition_counts": seen,
        "ELOS from state 1, tau=1826": whole.length_of_stay(1826)[0].tolist(),
    }
    for t in HORIZONS:
        got[f"AJ P(1->.; 0,{t})"] = whole.at(t)[0].tolist()
        got[f"AJ Greenwood se P(1->.;0,{t})"] = whole.standard_error(t)[0].tolist()
    for h in range(4):
        got[f"AJ P({h + 1}->.;100,1826)"] = landmark.at(1826)[h].tolist()
    for number, (h, j) in moves_of(ref.path).items():
        got[f"Nelson-Aalen cum.hazard trans {number} at 1000 d"] = hazard_at(visits, h, j, 1000)
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


def test_clock_reset_reference(reference, forward):
    ref = reference("02_ebmt_clock_reset_semi_markov")
    long = pd.read_csv(ref.path / "ebmt_long_msprep.csv")
    visits = ebmt_visits(long, 0.0, long["time"])
    occupied = SemiMarkov.fit(visits).occupation(HORIZONS, origin=0)
    got = {f"clock-reset state occupation from state 1 at t={t}": occupied[i].tolist() for i, t in enumerate(HORIZONS)}
    got["mstate::mssample check (M=20000, Monte Carlo)"] = occupied.tolist()
    for number, (h, j) in moves_of(forward[0].path).items():
        got[f"clock-reset NA cum.hazard trans {number} at sojourn 365 d"] = hazard_at(visits, h, j, 365)
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


def maven_rows(deals, as_of):
    """Days since engagement and outcome (0 open, 1 won, 2 lost), with nothing seen from `as_of` on."""
    seen = deals[deals["engage_date"] < as_of]
    closed = seen["close_date"] < as_of
    end = seen["close_date"].where(closed, as_of)
    cause = seen["deal_stage"].map({"Won": 1, "Lost": 2}).where(closed, 0).fillna(0)
    return (end - seen["engage_date"]).dt.days.to_numpy(), cause.to_numpy()


def test_maven_reference(reference):
    ref = reference("54_maven_crm_pipeline")
    deals = pd.read_csv(ref.path / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    n = deals["deal_stage"].value_counts()
    value = deals.loc[deals["deal_stage"] == "Won", "close_value"]
    # Counted to the close of the year's last day; open deals are censored on that day.
    days, cause = maven_rows(deals, pd.Timestamp("2018-01-01"))
    full = aalen_johansen(0, np.where(cause == 0, days - 1, days), cause)
    past, outcome = maven_rows(deals, pd.Timestamp("2017-07-01"))
    won, lost = int((outcome == 1).sum()), int((outcome == 2).sum())
    curve, then = "A-J [S,CIF won,CIF lost] at 15,30,60,90,120,138 days since engage", "same as of 2017-07-01"
    got = {
        "rows; Won,Lost,Engaging,Prospecting": [
            len(deals),
            *(int(n[stage]) for stage in ("Won", "Lost", "Engaging", "Prospecting")),
        ],
        "closed-only win rate (the naive number)": n["Won"] / (n["Won"] + n["Lost"]),
        "won value sum; mean won value": [value.sum(), value.mean()],
        f"{curve}, open censored at 2017-12-31": full.at(AGES).tolist(),
        f"{then} (events on or after that day hidden, open censored at that day)": aalen_johansen(0, past, outcome)
        .at(AGES)
        .tolist(),
        "as of 2017-07-01: n deals, n won, n lost, closed-only win rate": [len(past), won, lost, won / (won + lost)],
    }
    assert set(got) == set(ref.checks)
    for name, result in got.items():
        ref.compare(name, result)


ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 9), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40
)


def columns(rows):
    entry, stay, event, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return entry, entry + stay, event, weight


@given(ROWS)
def test_probabilities_sum_to_one_and_curves_rise(rows):
    entry, exit, event, weight = columns(rows)
    curve = aalen_johansen(entry, exit, event, weight)
    total = curve.survival + curve.incidence.sum(axis=1)
    assert total == pytest.approx(np.ones_like(total))
    assert np.all(np.diff(curve.incidence, axis=0) >= 0)
    assert np.all(np.diff(curve.survival) <= 1e-15)


@given(ROWS)
def test_weights_are_repeated_rows(rows):
    entry, exit, event, weight = columns(rows)
    again = np.repeat(np.arange(len(rows)), weight.astype(int))
    assume(len(again) and event[again].any())
    one = aalen_johansen(entry, exit, event, weight)
    two = aalen_johansen(entry[again], exit[again], event[again])
    grid = np.arange(20)
    k = min(one.incidence.shape[1], two.incidence.shape[1])
    assert one.at(grid)[:, : k + 1] == pytest.approx(two.at(grid)[:, : k + 1])
    assert one.survival_se == pytest.approx(two.survival_se)


@given(ROWS, st.floats(0.01, 0.99))
def test_cutting_a_row_in_two_changes_nothing(rows, share):
    entry, exit, event, weight = columns(rows)
    cut = entry + share * (exit - entry)
    whole = nelson_aalen(entry, exit, event, weight)
    parts = nelson_aalen(
        np.append(entry, cut), np.append(cut, exit), np.append(np.zeros_like(event), event), np.append(weight, weight)
    )
    assert np.array_equal(whole.time, parts.time)
    assert whole.value == pytest.approx(parts.value)
    assert whole.variance == pytest.approx(parts.variance)


def test_one_cause_is_kaplan_meier_with_greenwood_error():
    generator = np.random.default_rng(11)
    exit, event = generator.integers(1, 40, 300), generator.random(300) < 0.6
    curve = aalen_johansen(0, exit, event)
    survival, greenwood = 1.0, 0.0
    for i, t in enumerate(curve.time):
        d, y = np.sum(event & (exit == t)), np.sum(exit >= t)
        survival *= 1 - d / y
        assert curve.survival[i] == pytest.approx(survival)
        if d < y:
            greenwood += d / (y * (y - d))
            assert curve.survival_se[i] == pytest.approx(survival * np.sqrt(greenwood))
    assert curve.incidence[:, 0] == pytest.approx(1 - curve.survival)


def test_risk_set_excludes_rows_that_enter_at_the_event():
    table = count_risks([0, 5, 4], [5, 9, 9], [1, 2, 0])
    assert table.time.tolist() == [5, 9]
    assert table.at_risk.tolist() == [2, 2]
    assert table.events.tolist() == [[1, 0], [0, 1]]


def test_left_truncation_recovers_the_law_where_dropping_it_does_not():
    generator = np.random.default_rng(12)
    length = np.ceil(generator.exponential(30, 40_000))
    late = generator.integers(0, 40, 40_000).astype(float)
    seen = length > late
    truth = np.exp(-20 / 30)
    honest = aalen_johansen(late[seen], length[seen], 1).at(20)[0]
    naive = aalen_johansen(0, length[seen], 1).at(20)[0]
    assert honest == pytest.approx(truth, abs=0.02)
    assert naive > truth + 0.05


def test_landmark_is_the_conditional_curve():
    generator = np.random.default_rng(13)
    exit, event = generator.integers(1, 30, 400), generator.integers(0, 3, 400)
    whole, later = aalen_johansen(0, exit, event), aalen_johansen(0, exit, event, start=10)
    at_10, at_25 = whole.at(10), whole.at(25)
    assert later.at(25)[0] == pytest.approx(at_25[0] / at_10[0])
    assert later.at(25)[1:] == pytest.approx((at_25[1:] - at_10[1:]) / at_10[0])


def test_two_causes_by_the_multistate_product():
    generator = np.random.default_rng(14)
    exit, event = generator.integers(1, 30, 200), generator.integers(0, 3, 200)
    states = np.where(event > 0, event, -1)
    many = transition_probabilities(Visits.of(0, exit, 0, states, states=3))
    one = aalen_johansen(0, exit, event)
    assert many.at(12)[0] == pytest.approx(one.at(12))
    at = np.searchsorted(one.time, 12, side="right") - 1
    assert many.standard_error(12)[0] == pytest.approx([one.survival_se[at], *one.incidence_se[at]])


def looping_visits():
    """Two working stages with a way back, then won (2) or lost (3)."""
    generator = np.random.default_rng(15)
    origin = generator.integers(0, 2, 500)
    destination = np.where(
        origin == 0, generator.choice([1, 3, -1], 500), generator.choice([0, 2, 3, -1], 500, p=[0.2, 0.4, 0.2, 0.2])
    )
    return Visits.of(0, generator.integers(1, 12, 500), origin, destination, states=4)


def test_convolution_with_loops_is_a_brute_force_simulation_of_mass():
    model = SemiMarkov.fit(looping_visits())
    horizon = 20
    live = {(0, 0, 0): 1.0}  # (state, age, time) -> mass, one day at a time by the hazards
    hazards = []
    for law in model.laws:
        before = np.concatenate([[1.0], law.survival[:-1]]) if law.time.size else law.survival
        hazards.append({int(t): law.kernel[i] / before[i] for i, t in enumerate(law.time) if before[i] > 0})
    for _ in range(horizon):
        after = {}
        for (state, age, time), mass in live.items():
            leave = hazards[state].get(age + 1, np.zeros(4))
            after[state, age + 1, time + 1] = after.get((state, age + 1, time + 1), 0) + mass * (1 - leave.sum())
            for to in np.flatnonzero(leave):
                after[int(to), 0, time + 1] = after.get((int(to), 0, time + 1), 0) + mass * leave[to]
        live = after
    expected = np.zeros(4)
    for (state, _, _), mass in live.items():
        expected[state] += mass
    assert model.occupation([horizon], origin=0)[0] == pytest.approx(expected, abs=1e-12)


def test_convolution_sums_to_one_and_starts_where_it_is():
    model = SemiMarkov.fit(looping_visits())
    out = model.occupation(np.arange(60), origin=1)
    assert out[0].tolist() == [0, 1, 0, 0]
    assert out.sum(axis=1) == pytest.approx(np.ones(60))
    assert np.all(np.diff(out[:, 2:], axis=0) >= -1e-12)


def test_age_conditions_the_first_sojourn_only():
    visits = Visits.of(0, [2, 6, 6, 5], [0, 0, 0, 1], [2, 1, 1, 2], states=3)
    model = SemiMarkov.fit(visits)
    assert model.occupation([3, 4, 9], origin=0, age=2.0).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_convolution_takes_half_days():
    visits = Visits.of(0, [0.5, 2, 1.5], [0, 0, 1], [1, 1, 2], states=3)
    out = SemiMarkov.fit(visits).occupation([0.4, 0.5, 1.9, 2.0, 3.5], origin=0)
    assert out.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]]


def test_no_events_leave_everybody_in_place():
    visits = Visits.of(0, [3, 4], [0, 1], [-1, -1], states=2)
    assert SemiMarkov.fit(visits).occupation([10], origin=0).tolist() == [[1, 0]]
    assert transition_probabilities(visits).at(10).tolist() == [[1, 0], [0, 1]]
    assert aalen_johansen(0, [3, 4], [0, 0]).at([5]).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nelson_aalen([0, 3], [2, 3], [1, 0]), "1 of 2 rows last no time .found 'row 1'."),
        (lambda: nelson_aalen(0, [1, np.nan], [1, 0]), "1 of 2 rows have no finite time"),
        (lambda: nelson_aalen(0, [1, 2], [1, -1]), "no whole number from 0 to inf"),
        (lambda: nelson_aalen(0, [1, 2], [1, 0], [1, -1]), "weight that is missing or negative"),
        (lambda: nelson_aalen([0, 0, 0], [1, 2], [1, 0]), "of one length"),
        (lambda: nelson_aalen(0, [[1, 2]], [1, 0]), "one dimension"),
        (lambda: Visits.of(0, [1, 2], [0, 2], [1, -1], states=2), "origin: 1 of 2 rows"),
        (lambda: Visits.of(0, [1, 2], [0, 1], [1, 1], states=2), "move from a stage to itself"),
        (lambda: SemiMarkov.fit(looping_visits()).occupation([-1], origin=0), "times must be 0 or more"),
        (lambda: SemiMarkov.fit(Visits.of(0, [2], 0, 1, states=2)).occupation([1], 0, age=5), "nobody is still there"),
        (
            lambda: SemiMarkov.fit(Visits.of(0, [1.000001, 2], 0, 1, states=2)).occupation([900], 0),
            "too fine for an exact grid",
        ),
        (lambda: transition_probabilities(looping_visits(), start=3).at(2), "before the start"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
