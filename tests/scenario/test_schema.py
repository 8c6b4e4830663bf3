"""Scenario files: what may stand in them, and what is said about what may not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import Scenario, load_scenario
from spmforecast.scenario.keys import ExampleSpec, FolderSpec

ROOT = Path(__file__).resolve().parents[2]
LEAST = "name: plain\nhistory: data\nas_of: 2025-06-30\nuntil: 2025-12-31\n"


def _load(tmp_path: Path, text: str, **overrides: object) -> Scenario:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, overrides)


def _problems(tmp_path: Path, text: str, **overrides: object) -> list[str]:
    with pytest.raises(InputError, match=r".") as caught:
        _load(tmp_path, text, **overrides)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_four_keys_are_enough(tmp_path: Path) -> None:
    scenario = _load(tmp_path, LEAST)
    keys = scenario.keys
    assert isinstance(keys.history, FolderSpec)
    assert (keys.as_of, keys.until) == (date(2025, 6, 30), date(2025, 12, 31))
    assert (keys.period, keys.fiscal_year_start, keys.timezone, keys.currency) == ("quarter", 1, "UTC", "")
    assert keys.levels == ("region", "segment")
    assert (keys.simulate.trials, keys.simulate.seed) == (10_000, 1)
    assert keys.quotas is None
    assert keys.plan is None
    assert scenario.resolve("data") == tmp_path / "data"


def test_the_example_scenario_of_the_repository_is_right() -> None:
    keys = load_scenario(ROOT / "scenarios" / "baseline.yaml").keys
    assert isinstance(keys.history, ExampleSpec)
    assert keys.quotas is not None


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "real").glob("*/scenario.yaml")), ids=lambda p: p.parent.name)
def test_the_scenarios_on_public_data_are_right(path: Path) -> None:
    assert load_scenario(path).keys.name == path.parent.name


def test_numbers_of_a_plan_may_hold_underscores_and_years(tmp_path: Path) -> None:
    plan = _load(tmp_path, LEAST + "plan: {2025Q3: 4_200_000, 2025: 16000000.5, 2025-07: 1}\n").keys.plan
    assert plan == {"2025Q3": 4_200_000.0, "2025": 16_000_000.5, "2025-07": 1.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST + "quota: {}\n", "scenario.yaml, line 5, quota: unknown key (found 'quota'). Did you mean quotas?"),
        (
            LEAST + "quotas:\n  over_asignment: 0.1\n",
            "scenario.yaml, line 6, quotas.over_asignment: unknown key (found 'over_asignment'). "
            "Did you mean over_assignment?",
        ),
        (
            LEAST + "period: quater\n",
            "line 5, period: this word is not known here (found 'quater'). Did you mean quarter?",
        ),
        (LEAST + "period: week\n", "line 5, period: this word is not known here"),
        (LEAST + "currency: EUR\ncurrency: USD\n", "line 6, currency: the key stands here twice"),
        (LEAST + "fiscal_year_start: 13\n", "line 5, fiscal_year_start: "),
        (LEAST + "simulate: {trials: 0}\n", "line 5, simulate.trials: must be at least 1"),
        (
            LEAST + "simulate: {trials: many}\n",
            "line 5, simulate.trials: must be a whole number or auto (found 'many')",
        ),
        (LEAST + "simulate: {method: guess}\n", "line 5, simulate.method: this word is not known here (found 'guess')"),
        (LEAST + "quotas: {over_assignment: 10}\n", "line 5, quotas.over_assignment: must be a share"),
        (LEAST + "quotas: {round_to: 0}\n", "line 5, quotas.round_to: "),
        (LEAST + "quotas: {method: equal-probabilty}\n", "Did you mean equal-probability?"),
        (LEAST + "quotas: {method: dice}\n", "Use one of: equal-probability, objective, proportional, even"),
        (LEAST + "compensation: plan.yaml\n", "line 5, compensation: pay is worked out against proposed quotas"),
        (
            LEAST + "quotas: {}\ncompensation: {plan: p.yaml, efort: {}}\n",
            "line 6, compensation.efort: unknown key (found 'efort'). Did you mean effort?",
        ),
        (
            LEAST + "quotas: {over_assignment: 0.1, cushion: {choose: true}}\n",
            "line 5, quotas.over_assignment: the cushion is both given and to be chosen",
        ),
        (
            LEAST + "quotas: {cushion: {most_payout: 5}}\n",
            "line 5, quotas.cushion.most_payout: pay is limited, and no plan says how it is worked out",
        ),
        (LEAST + "hiring: {starts: 2026-02-01}\n", "line 5, hiring.starts: must lie between as_of and until"),
        (LEAST + "territories: {keep: false}\n", "line 5, territories.keep: "),
        (LEAST + "plan: {2025Q5: 1}\n", "line 5, plan.2025Q5: not a fiscal period (found '2025Q5')"),
        (LEAST + "plan: {2025Q3: -1}\n", "line 5, plan.2025Q3: a target must be at least 0"),
        (LEAST + "plan: {2025Q3: .inf}\n", "line 5, plan.2025Q3: a target must be at least 0"),
        (LEAST + "plan: {2025Q3: .nan}\n", "line 5, plan.2025Q3: a target must be at least 0"),
        (LEAST.replace("2025-12-31", "2025-12-30"), "until: must be the last day of a quarter"),
        (LEAST.replace("2025-12-31", "2099-12-31"), "line 4, until: more than 255 periods (298)"),
        (LEAST.replace("2025-12-31", "2025-06-30"), "until: must be after as_of (2025-06-30)"),
        (LEAST.replace("2025-06-30", "2025-06-31"), "line 3, as_of: not a date (found '2025-06-31')"),
        (LEAST.replace("2025-06-30", "yesterday"), "line 3, as_of: not a date (found 'yesterday')"),
        (LEAST.replace("name: plain\n", ""), "the key name is missing. Add name."),
        (LEAST.replace("plain", "../up"), "line 1, name: "),
        (LEAST.replace("history: data", "history: {folder: data, mapp: m.yaml}"), "Did you mean map?"),
        (
            LEAST.replace("history: data", "history: {example: {size: huge}}"),
            "this word is not known here (found 'huge')",
        ),
        (LEAST.replace("history: data", "history: [a, b]"), "line 2, history: this names no history"),
        ("", "the scenario is empty"),
        ("- a\n- b\n", "keys are expected here"),
        ("name: [\n", "this is not YAML"),
        ("name: *x\n", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_remedy(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in line for line in _problems(tmp_path, text)), _problems(tmp_path, text)


def test_all_problems_of_the_keys_come_at_once(tmp_path: Path) -> None:
    text = LEAST + "levls: [region]\nsimulate: {trials: -5, sed: 3}\nperiod: day\n"
    told = "\n".join(_problems(tmp_path, text))
    for expected in ("levels?", "simulate.trials", "seed?", "period"):
        assert expected in told


def test_all_problems_of_the_answers_come_at_once(tmp_path: Path) -> None:
    text = (
        LEAST.replace("2025-12-31", "2025-06-29")
        + "quotas: {method: dice}\nplan: {Q3: 1, 2025Q3: -4}\ncompensation: x\n"
    )
    assert len(_problems(tmp_path, text)) == 5


def test_a_month_may_end_a_scenario_by_months(tmp_path: Path) -> None:
    text = LEAST.replace("2025-12-31", "2025-07-31")
    assert _load(tmp_path, text + "period: month\n").keys.until == date(2025, 7, 31)
    with pytest.raises(InputError, match="The quarter that holds it ends on 2025-09-30"):
        _load(tmp_path, text)


def test_fiscal_quarters_end_where_the_year_says(tmp_path: Path) -> None:
    text = LEAST.replace("2025-12-31", "2025-10-31")
    assert _load(tmp_path, text + "fiscal_year_start: 2\n").keys.until == date(2025, 10, 31)


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    text = LEAST + "simulate: {trials: 50, seed: 4}\n"
    keys = _load(tmp_path, text, as_of="2025-03-31", trials=7, seed=None).keys
    assert (keys.as_of, keys.simulate.trials, keys.simulate.seed) == (date(2025, 3, 31), 7, 4)


def test_a_wrong_override_is_told(tmp_path: Path) -> None:
    assert "not a date" in _problems(tmp_path, LEAST, as_of="soon")[0]
    assert "must be at least 1" in _problems(tmp_path, LEAST, trials=0)[0]
    assert "must be after as_of (2026-01-01)" in _problems(tmp_path, LEAST, as_of="2026-01-01")[0]


def test_a_scenario_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the scenario cannot be read"):
        load_scenario(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="the scenario cannot be read"):
        load_scenario(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: plän\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 1: the text is not UTF-8"):
        load_scenario(tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.encode())
    assert load_scenario(path).keys.name == "plain"


def test_a_billion_laughs_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="nested without end"):
        _load(tmp_path, "\n".join(lines) + "\n")


def test_wrong_keys_do_not_hide_what_is_wrong_with_the_others(tmp_path):
    path = tmp_path / "several.yaml"
    path.write_text(
        "name: several\nhistory: {example: {seed: 1, size: small}}\nas_of: 2025-06-30\nuntil: 2025-11-30\n"
        "plann: {2025Q3: 1}\nplan: {2025Q7: 5}\nsimulate: {trials: -5}\n"
    )
    with pytest.raises(InputError, match="Did you mean plan") as caught:
        load_scenario(path)
    assert {problem.line for problem in caught.value.problems} == {4, 5, 6, 7}
