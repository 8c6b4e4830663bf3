"""The error family: messages a person can act on, carried whole."""

from __future__ import annotations

import pickle

import pytest

import spmforecast as spm
from spmforecast.errors import InfeasibleError, InputError, Problem, SpmError

FULL = Problem("opportunities", "not a date", "Write it as YYYY-MM-DD.", "deals.csv", 17, "close_date", "31/6/24")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (FULL, "deals.csv, line 17, close_date: not a date (found '31/6/24'). Write it as YYYY-MM-DD."),
        (Problem("plan", "no rows"), "plan: no rows"),
        (Problem("plan", "no rows", "Add some."), "plan: no rows. Add some."),
        (
            Problem("scenario", "unknown key", column="untill", value="untill"),
            "scenario, untill: unknown key (found 'untill')",
        ),
        (Problem("reps", "twice", line=0), "reps, line 0: twice"),
    ],
)
def test_a_problem_says_where_what_and_how_to_mend(problem, told):
    assert str(problem) == told


def test_an_input_error_tells_every_problem():
    other = Problem("plan", "no rows")
    error = InputError([FULL, other])
    assert error.problems == (FULL, other)
    assert str(error) == f"{FULL}\n{other}"
    assert InputError(other).problems == (other,)
    assert InputError(problem for problem in (FULL, other)).problems == (FULL, other)


def test_exit_statuses_are_those_of_the_contract():
    assert (SpmError.exit_status, InputError.exit_status, InfeasibleError.exit_status) == (1, 2, 3)
    assert issubclass(InputError, SpmError)
    assert issubclass(InfeasibleError, SpmError)
    assert spm.InputError is InputError


def test_errors_survive_the_way_back_from_a_worker():
    back = pickle.loads(pickle.dumps(InputError([FULL])))  # noqa: S301
    assert back.problems == (FULL,)
    assert str(back) == str(FULL)
    clash = pickle.loads(pickle.dumps(InfeasibleError("too little room", ["lower", "total"])))  # noqa: S301
    assert clash.limits == ("lower", "total")
    assert str(clash) == "too little room"


def test_infeasible_names_the_limits_that_clash():
    assert InfeasibleError("no room").limits == ()
    assert InfeasibleError("no room", (limit for limit in ("a", "b"))).limits == ("a", "b")


def test_what_was_found_is_cut_where_it_is_a_whole_file():
    told = str(Problem("scenario", "keys are expected here", value="a,b " * 10_000))
    assert len(told) < 200
    assert "a,b a,b" in told
    assert "…" in told
