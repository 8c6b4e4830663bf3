"""How it was made, and how to make it again."""

from __future__ import annotations

import shlex

from spmforecast.report.blocks import Block, Code, Column, Facts, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.folder import Run
from spmforecast.report.wording import MISSING, count, significant

__all__ = ["section"]


def section(run: Run) -> Section:
    """Make the section on method and reproduction."""
    blocks: list[Block] = [*_model(run), *_inputs(run), *_again(run), *_made(run)]
    return Section("method", "Method", "How it was made", tuple(blocks))


def _model(run: Run) -> list[Block]:
    model = run.mapping("model")
    blocks: list[Block] = []
    if model.get("title"):
        blocks.append(Text(str(model["title"])))
    notes = model.get("notes")
    if isinstance(notes, list) and notes:
        blocks.append(Listing(tuple(str(note) for note in notes)))
    market = model.get("market")
    if isinstance(market, dict) and market:
        blocks += [
            Heading("The market in common"),
            Facts(tuple((_words(name), _plain(value)) for name, value in market.items())),
        ]
    if run.strings("levels"):
        blocks.append(
            Text(f"The draws are kept by {', '.join(run.strings('levels'))}, beside owner, part and period.", "note")
        )
    return blocks


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _plain(value: object) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return significant(value)
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{_words(name)} {_plain(one)}" for name, one in value.items())
    return str(value)


def _inputs(run: Run) -> list[Block]:
    records = run.records("inputs")
    if not records:
        return []

    def size(index: int) -> str:
        value = records[index].get("bytes")
        return count(float(value)) if isinstance(value, int | float) else ""

    table: Table = tabulate(
        [
            (Column("Input", numeric=False, style="id"), lambda index: str(records[index].get("name", ""))),
            (Column("Bytes"), size),
            (Column("SHA-256", numeric=False, style="mono"), lambda index: str(records[index].get("sha256", ""))),
        ],
        len(records),
    )
    return [Heading("Inputs"), table]


def _again(run: Run) -> list[Block]:
    command = ["spmforecast run SCENARIO.yaml"]
    if run.fact("as_of"):
        command.append(f"--as-of {shlex.quote(run.fact('as_of')[:10])}")
    if run.trials:
        command.append(f"--trials {run.trials} --seed {shlex.quote(run.fact('seed'))}")
    return [
        Heading("To make it again"),
        Text(
            "From the same inputs, with the same version, the same commands give the same figures, to the last digit, "
            "on any number of cores. The page is made from the run folder alone."
        ),
        Code(f"{' '.join(command)} -o FOLDER\nspmforecast report FOLDER"),
    ]


def _made(run: Run) -> list[Block]:
    versions, timings = run.mapping("versions"), run.mapping("timings")
    facts = [("spmforecast", run.fact("version"))] if run.fact("version") and "spmforecast" not in versions else []
    facts += [(str(name), str(version)) for name, version in versions.items()]
    blocks: list[Block] = []
    if facts:
        blocks += [Heading("Versions"), Facts(tuple(facts))]
    took = [(_words(name), f"{_plain(value)} s") for name, value in timings.items()]
    if took:
        blocks += [Heading("Time it took"), Facts(tuple(took))]
    return blocks
