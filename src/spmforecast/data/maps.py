"""Maps: a YAML file that says how any export becomes canonical tables. This module reads and checks it.

Every scalar is read as the text that stands in the file, so that ``No`` stays ``No`` and ``007`` stays ``007``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spmforecast.data.tables import TABLES, nearest
from spmforecast.errors import InputError, Problem

__all__ = ["Condition", "Exclude", "Join", "Loc", "Map", "TableMap", "load_map", "parse_map"]

Loc = tuple[str | int, ...]

_MOST_NODES = 200_000

_WRONG_KIND = {
    "model_type": ("keys are expected here", "Write key: value, indented, on the lines below."),
    "dict_type": ("keys are expected here", "Write key: value, indented, on the lines below."),
    "string_type": ("a single text is expected here", "Write one value; quote it if it holds a colon."),
    "bool_parsing": ("true or false is expected here", "Write true or false."),
    "string_too_short": ("this is empty", "Write it out."),
    "too_short": ("this is empty", "Name at least one."),
}


def _listed(value: Any) -> Any:
    """Let a single thing stand for a list of one."""
    return value if isinstance(value, list) else [value]


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """What a column must hold: one of a list (``equals``), none of a list (``not``), or nothing at all (``empty``)."""

    equals: Texts | None = None
    none_of: Texts | None = Field(default=None, alias="not")
    empty: bool | None = None


def _condition(value: Any) -> Any:
    """Let a scalar or a list stand for ``equals``."""
    return value if isinstance(value, dict) else {"equals": value}


Where = dict[str, Annotated[Condition, BeforeValidator(_condition)]]


class Join(_Strict):
    """Columns looked up in another file: ``on`` and ``take`` name a column here or there as the map shows."""

    file: str
    on: dict[str, str] = Field(min_length=1)
    """Column of this file: column of the other."""
    take: dict[str, str] = Field(min_length=1)
    """Column of the other file: its name here."""


class Exclude(_Strict):
    """Rows left out on purpose, with the reason."""

    where: Where = Field(min_length=1)
    reason: str = Field(min_length=1)


class TableMap(_Strict):
    """How one file gives rows of one table.

    ``join``, ``where``, ``exclude`` and ``drop`` name the file's columns, ``rename`` leads from these to the table's,
    all others name the table's columns.
    """

    file: str
    rename: dict[str, Texts] = {}
    constant: dict[str, str] = {}
    default: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    dates: dict[str, str] = {}
    join: Annotated[tuple[Join, ...], BeforeValidator(_listed)] = ()
    where: Where = {}
    exclude: Annotated[tuple[Exclude, ...], BeforeValidator(_listed)] = ()
    drop: Texts = ()
    observed_from: str | None = None


class _MapModel(_Strict):
    tables: dict[str, Annotated[tuple[TableMap, ...], BeforeValidator(_listed)]] = Field(min_length=1)


@dataclass(frozen=True)
class Map:
    """A checked map.

    Parameters
    ----------
    name : str
        The file as the user named it.
    tables : mapping of str to tuple of TableMap
        By canonical table; several mappings of one table are stacked.
    lines : mapping of tuple to int
        Line of each key, by its path from the top (``("tables", "opportunities", "rename")``; list items by index).
    text : str
        The file's text.
    """

    name: str
    tables: Mapping[str, tuple[TableMap, ...]]
    lines: Mapping[Loc, int] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)

    def problem(self, loc: Loc, reason: str, mend: str = "", value: str = "") -> Problem:
        """Make a problem of this file out of a place in it."""
        return _problem(self.name, self.lines, loc, reason, mend, value)

    @property
    def observed_from(self) -> pd.Timestamp | None:
        """When tracking began, as the deals' own mapping says, else the first that says anything."""
        order = sorted(self.tables, key=lambda table: table != "opportunities")
        said = [one.observed_from for table in order for one in self.tables[table] if one.observed_from]
        return pd.Timestamp(said[0]).normalize().as_unit("s") if said else None


def load_map(path: Path | str) -> Map:
    """Read a map file.

    Parameters
    ----------
    path : path or str
        A YAML file.

    Returns
    -------
    Map

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, or says something that no map can say; every problem at once, with file,
        line and the nearest right key.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        told = f"the map cannot be read ({error.strerror})"
        raise InputError(Problem("map", told, "Give the path of a YAML file.", file=str(path))) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("map", "the text is not UTF-8", "Save it as UTF-8.", str(path), line)) from error
    return parse_map(text, str(path))


def parse_map(text: str, name: str = "map.yaml") -> Map:
    """Check a map's text (see :func:`load_map`).

    Raises
    ------
    InputError
        As :func:`load_map`.
    """
    tree, lines, twice = _read_yaml(text, name)
    problems = [_problem(name, lines, loc, "the key stands here twice", "Keep one of them.") for loc in twice]
    try:
        model = _MapModel.model_validate(tree)
    except ValidationError as error:
        problems += [_from_pydantic(name, lines, found) for found in error.errors(include_url=False)]
        raise InputError(problems) from error
    checked = Map(name, model.tables, lines, text)
    problems += list(_wrong_words(checked))
    if problems:
        raise InputError(problems)
    return checked


def _wrong_words(checked: Map) -> Iterator[Problem]:
    """Find names of tables, dates and date formats that cannot be right."""
    for table, mappings in checked.tables.items():
        if table not in TABLES:
            near = nearest(table, TABLES)
            mend = f"Did you mean {near}?" if near else f"The tables are {', '.join(TABLES)}."
            yield checked.problem(("tables", table), "there is no such table", mend, table)
        for place, one in enumerate(mappings):
            top: Loc = ("tables", table, place)
            if one.observed_from is not None and _not_a_date(one.observed_from):
                mend = "Write it as YYYY-MM-DD."
                yield checked.problem((*top, "observed_from"), "not a date", mend, one.observed_from)
            for column, pattern in one.dates.items():
                if _not_a_format(pattern):
                    mend = "Write it with strptime's codes, for instance %d.%m.%Y."
                    yield checked.problem((*top, "dates", column), "not a date format", mend, pattern)


def _not_a_date(text: str) -> bool:
    try:
        return bool(pd.isna(pd.Timestamp(datetime.fromisoformat(text))))
    except ValueError:
        return True


def _not_a_format(pattern: str) -> bool:
    try:
        pd.to_datetime(pd.Series(["x"], dtype="str"), format=pattern, errors="coerce")
    except ValueError:
        return True
    return "%" not in pattern


def _from_pydantic(name: str, lines: Mapping[Loc, int], found: Any) -> Problem:
    loc: Loc = tuple(found["loc"])
    key = str(loc[-1]) if loc else ""
    if found["type"] == "extra_forbidden":
        known = _known_keys(loc)
        near = nearest(key, known)
        mend = f"Did you mean {near}?" if near else f"Known here: {', '.join(known)}."
        return _problem(name, lines, loc, "unknown key", mend, key)
    if found["type"] == "missing":
        return _problem(name, lines, loc[:-1], f"the key {key} is missing", f"Add {key}.")
    given = found["input"] if isinstance(found["input"], str) else ""
    reason, mend = _WRONG_KIND.get(found["type"], (str(found["msg"]), "Write it as the description of maps shows."))
    return _problem(name, lines, loc, reason, mend, given)


def _known_keys(loc: Loc) -> list[str]:
    words = [step for step in loc[:-1] if isinstance(step, str)]
    model: type[BaseModel] = _MapModel
    if len(words) >= 2:
        inner = words[2] if len(words) > 2 else ""
        models: dict[str, type[BaseModel]] = {"join": Join, "exclude": Exclude, "where": Condition}
        model = models.get(inner, TableMap)
        if inner == "exclude" and len(words) > 4:
            model = Condition
    return [info.alias or key for key, info in model.model_fields.items()]


def _problem(name: str, lines: Mapping[Loc, int], loc: Loc, reason: str, mend: str, value: str = "") -> Problem:
    words = [str(step) for step in loc if isinstance(step, str)]
    return Problem("map", reason, mend, name, _line_of(lines, loc), ".".join(words), value)


def _line_of(lines: Mapping[Loc, int], loc: Loc) -> int | None:
    """Find the line of a place, or of what holds it; a lone thing may stand for a list of one, without its index."""
    for end in range(len(loc), -1, -1):
        for candidate in (loc[:end], *_without_zeros(loc[:end])):
            if candidate in lines:
                return lines[candidate]
    return None


def _without_zeros(loc: Loc) -> Iterator[Loc]:
    zeros = [place for place, step in enumerate(loc) if step == 0]
    for place in zeros:
        yield loc[:place] + loc[place + 1 :]
    if len(zeros) > 1:
        yield tuple(step for step in loc if step != 0)


def _read_yaml(text: str, name: str) -> tuple[Any, dict[Loc, int], list[Loc]]:
    """Read YAML as nested dicts, lists and text, with the line of every key and the keys that stand twice."""
    lines: dict[Loc, int] = {}
    twice: list[Loc] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise InputError(Problem("map", "the map is empty", "Begin with the key tables.", file=name, line=1))
        tree = _plain(node, (), lines, twice)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = f"this is not YAML: {getattr(error, 'problem', None) or 'a character that cannot stand here'}"
        line = None if mark is None else mark.line + 1
        raise InputError(Problem("map", told, "Look at indentation, colons and quotes.", name, line)) from error
    except RecursionError as error:
        raise InputError(Problem("map", "the map is nested without end", "Take out the anchors.", name)) from error
    return tree, lines, twice


def _plain(node: yaml.Node, loc: Loc, lines: dict[Loc, int], twice: list[Loc]) -> Any:
    lines.setdefault(loc, node.start_mark.line + 1)
    if len(lines) > _MOST_NODES:
        raise RecursionError
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*loc, key)
            lines[here] = key_node.start_mark.line + 1
            if key in out:
                twice.append(here)
            out[key] = _plain(value_node, here, lines, twice)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*loc, place), lines, twice) for place, item in enumerate(node.value)]
    # `key:` with nothing behind it, and `~`, mean the empty text.
    return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)
