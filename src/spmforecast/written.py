"""Text that people write: YAML read with the line of every key, and what is wrong with it told in their terms."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from spmforecast.errors import InputError, Problem
from spmforecast.known_keys import every_key, homes, known_keys, misplaced_keys

__all__ = ["UNKNOWN_KEY", "Loc", "Written", "nearest", "read_file", "read_yaml"]

Loc = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_SURE = 0.8
"""Likeness from which a key of another place is meant, or one of this place though the word is right elsewhere."""

UNKNOWN_KEY = "unknown key"
"""What is said of a key that may not stand at its place."""

_MOST_NODES = 200_000

_LEAST_STEM, _LEAST_SHARE = 3, 0.6
"""Letters that a stem has at least, and its least share of the shorter of two words."""

_WRONG_KIND = {
    "model_type": ("keys are expected here", "Write key: value, indented, on the lines below."),
    "dict_type": ("keys are expected here", "Write key: value, indented, on the lines below."),
    "list_type": ("a list is expected here", "Write [a, b]."),
    "tuple_type": ("a list is expected here", "Write [a, b]."),
    "string_type": ("a single text is expected here", "Write one value; quote it if it holds a colon."),
    "bool_parsing": ("true or false is expected here", "Write true or false."),
    "bool_type": ("true or false is expected here", "Write true or false."),
    "int_type": ("a whole number is expected here", "Write it in digits."),
    "int_parsing": ("a whole number is expected here", "Write it in digits."),
    "int_from_float": ("a whole number is expected here", "Write it without decimals."),
    "float_type": ("a number is expected here", "Write it in digits, with a point for decimals."),
    "float_parsing": ("a number is expected here", "Write it in digits, with a point for decimals."),
    "finite_number": ("a finite number is expected here", "Write it in digits."),
    "date_type": ("not a date", "Write it as YYYY-MM-DD."),
    "date_parsing": ("not a date", "Write it as YYYY-MM-DD."),
    "date_from_datetime_parsing": ("not a date", "Write it as YYYY-MM-DD."),
    "date_from_datetime_inexact": ("not a date", "Write it as YYYY-MM-DD, without a time."),
    "string_pattern_mismatch": (
        "holds characters that cannot stand here",
        "Use letters, digits, blanks, points, hyphens and underscores, a letter or digit first.",
    ),
    "string_too_short": ("this is empty", "Write it out."),
    "too_short": ("this is empty", "Name at least one."),
}

_BOUNDS = {
    "greater_than_equal": ("must be at least", "ge"),
    "greater_than": ("must be above", "gt"),
    "less_than_equal": ("must be at most", "le"),
    "less_than": ("must be below", "lt"),
}


def nearest(word: str, known: Iterable[str], cutoff: float = 0.65, stems: bool = True) -> str | None:
    """Return the known name that a misspelt word most likely means, or None.

    Names are compared by their letters; one that begins as the word does (``assume`` and ``assumptions``, ``sim`` and
    ``simulate``) is taken before one that only shares letters with it (``name``).

    Parameters
    ----------
    word : str
        What was written; letter case, and whether blanks, hyphens or underscores part it, do not count.
    known : iterable of str
        Names to choose from.
    cutoff : float
        Likeness between 0 and 1 below which nothing is proposed (:func:`difflib.get_close_matches`).
    stems : bool
        Whether a common beginning counts for more than its letters.
    """
    plain = {_plain(name): name for name in reversed(list(known))}
    sought = _plain(word)
    found = {name: _likeness(sought, name) for name in difflib.get_close_matches(sought, plain, n=1, cutoff=cutoff)}
    for name in plain if stems else ():
        share = _shared_stem(sought, name)
        if share:
            like = _likeness(sought, name)
            found[name] = like + (1 - like) * share / 2
    best = max(found, key=lambda name: found[name], default=None)
    return None if best is None or found[best] < cutoff else plain[best]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _likeness(word: str, name: str) -> float:
    return difflib.SequenceMatcher(None, name, word).ratio()


def _shared_stem(word: str, name: str) -> float:
    """Return how much of the shorter word both begin with, or 0 if it is too little to tell a stem.

    Ids and periods begin alike without meaning the same, so a word with figures has no stem.
    """
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, name, strict=False)))
    share = common / max(min(len(word), len(name)), 1)
    told = common >= _LEAST_STEM and share >= _LEAST_SHARE
    return share if told and not any(letter.isdigit() for letter in word + name) else 0.0


@dataclass(frozen=True)
class Written:
    """A YAML text, read.

    Parameters
    ----------
    name : str
        File, as the user named it.
    table : str
        What it is: ``scenario`` or ``map``.
    tree : object
        Nested dicts with text keys, lists and scalars.
    lines : mapping
        Line of every place in the tree.
    twice : tuple
        Keys that stand twice.
    files : mapping
        File of every place that stands in another one than `name`.
    """

    name: str
    table: str
    tree: Any
    lines: Mapping[Loc, int]
    twice: tuple[Loc, ...]
    files: Mapping[Loc, str] = field(default_factory=dict)

    def problem(self, loc: Loc, reason: str, mend: str = "", value: str = "") -> Problem:
        """Say what is wrong at a place of the tree."""
        words = [str(step) for step in loc if isinstance(step, str)]
        file, line = self._place(loc)
        return Problem(self.table, reason, mend, file, line, ".".join(words), value)

    def line(self, loc: Loc) -> int | None:
        """Find the line of a place, or of what holds it."""
        return self._place(loc)[1]

    def _place(self, loc: Loc) -> tuple[str, int | None]:
        """Find the file and line of a place, or of what holds it."""
        for end in range(len(loc), -1, -1):
            for candidate in (loc[:end], *_without_zeros(loc[:end])):
                if candidate in self.lines:
                    return self.files.get(candidate, self.name), self.lines[candidate]
        return self.name, None

    def validate(self, model: type[_Model]) -> _Model:
        """Check the tree against a pydantic model.

        Raises
        ------
        InputError
            With every key that is unknown, missing, doubled or of the wrong kind.
        """
        checked, wrong = self.examined(model)
        if checked is None:
            raise InputError([problem for _, problem in wrong])
        return checked

    def examined(self, model: type[_Model]) -> tuple[_Model | None, list[tuple[Loc, Problem]]]:
        """Check the tree against a pydantic model.

        Returns
        -------
        tuple of model or None, and list of (Loc, Problem)
            What it says if nothing is wrong, else None; and each place where something is, with what it is.
        """
        wrong = [(loc, self.problem(loc, "the key stands here twice", "Keep one of them.")) for loc in self.twice]
        try:
            checked = model.model_validate(self.tree)
        except ValidationError as error:
            return None, [*wrong, *self._all_told(model, error.errors(include_url=False))]
        return (None if wrong else checked), wrong

    def _all_told(self, model: type[BaseModel], errors: Iterable[Any]) -> list[tuple[Loc, Problem]]:
        """Say each thing once: where several kinds may stand, pydantic tells what is wrong with each of them."""
        several: dict[Loc, list[tuple[Loc, Any]]] = {}
        out: list[tuple[Loc, Problem]] = []
        for found in errors:
            if found["type"] == "missing":
                loc, _ = self._untagged(tuple(found["loc"])[:-1])
                out.append((loc, self._told(model, loc, found)))
                continue
            loc, union = self._untagged(tuple(found["loc"]))
            several.setdefault(loc if union is None else union, []).append((loc, found))
        for place, told in several.items():
            deeper = {loc: found for loc, found in told if len(loc) > len(place)}
            here = [found for loc, found in told if loc == place]
            if deeper:  # one kind was meant, and something is wrong inside
                out += [(loc, self._told(model, loc, found)) for loc, found in deeper.items()]
            else:
                out += self._one_of(place, [self._told(model, place, found) for found in here], here)
        return out

    def _one_of(self, loc: Loc, told: list[Problem], found: list[Any]) -> list[tuple[Loc, Problem]]:
        """Join what is wrong with each of the kinds that may stand at a place."""
        if any(one["type"] == "extra_forbidden" for one in found):
            return [(loc, problem) for problem in told]
        bounds = [problem for problem, one in zip(told, found, strict=True) if one["type"] in _BOUNDS]
        if bounds:
            return [(loc, bounds[0])]
        reasons = " or ".join(dict.fromkeys(problem.reason for problem in told))
        mends = [problem.mend for problem in told if problem.mend]
        return [(loc, replace(told[0], reason=reasons, mend=" Or: ".join(dict.fromkeys(mends))))]

    def _untagged(self, loc: Loc) -> tuple[Loc, Loc | None]:
        """Take out of a place what pydantic adds to tell kinds apart; where it did, also the place of the choice."""
        node, union = self.tree, None
        out: list[str | int] = []
        for step in loc:
            inside = isinstance(node, dict) and step in node
            if inside or (isinstance(node, list) and isinstance(step, int) and step < len(node)):
                node = node[step]
            elif isinstance(step, str):
                union = tuple(out) if union is None else union
                continue
            out.append(step)
        return tuple(out), union

    def _told(self, model: type[BaseModel], loc: Loc, found: Any) -> Problem:
        key = str(found["loc"][-1]) if found["loc"] else ""
        if found["type"] == "extra_forbidden":
            return self.problem(loc, UNKNOWN_KEY, self._meant(model, tuple(found["loc"])[:-1], key), key)
        if found["type"] == "missing":
            return self.problem(loc, f"the key {key} is missing", f"Add {key}.")
        given = found["input"]
        value = str(given) if isinstance(given, str | int | float) else ""
        if found["type"] == "value_error":
            told, _, advice = str(found["ctx"]["error"]).partition(": ")
            return self.problem(loc, told, advice, value)
        if found["type"] == "literal_error":
            near = nearest(value, re.findall("'([^']*)'", found["ctx"]["expected"]))
            mend = f"Did you mean {near}?" if near else f"Use {found['ctx']['expected']}."
            return self.problem(loc, "this word is not known here", mend, value)
        if found["type"] in _BOUNDS:
            told, bound = _BOUNDS[found["type"]]
            return self.problem(loc, f"{told} {found['ctx'][bound]:g}", "Write another number.", value)
        told, mend = _WRONG_KIND.get(found["type"], (_lower(str(found["msg"])), ""))
        return self.problem(loc, told, mend, value)

    def _meant(self, model: type[BaseModel], place: Loc, key: str) -> str:
        """Say which key was meant by one that is not known at a place, or where it belongs."""
        known, misplaced = known_keys(model, place), misplaced_keys(model, place, self.tree)
        elsewhere = homes(model, key, place)
        near = nearest(key, [*known, *misplaced], _SURE if elsewhere else 0.65)
        if near is not None:
            return f"Did you mean {near}?" if near in known else misplaced[near]
        if elsewhere:
            return f"It belongs {' or '.join(elsewhere)}."
        far = nearest(key, every_key(model), _SURE, stems=False)
        elsewhere = [] if far is None else homes(model, far, place)
        return f"Did you mean {far} {' or '.join(elsewhere)}?" if elsewhere else f"Known here: {', '.join(known)}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _without_zeros(loc: Loc) -> Iterator[Loc]:
    """Give a place without the index of a lone thing that stands for a list of one."""
    zeros = [place for place, step in enumerate(loc) if step == 0]
    for place in zeros:
        yield loc[:place] + loc[place + 1 :]
    if len(zeros) > 1:
        yield tuple(step for step in loc if step != 0)


def read_file(path: Path | str, table: str) -> str:
    """Read a text file that a person wrote.

    Raises
    ------
    InputError
        If it cannot be read or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        told = f"the {table} cannot be read ({error.strerror})"
        raise InputError(Problem(table, told, "Give the path of a YAML file.", file=str(path))) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(Problem(table, "the text is not UTF-8", "Save it as UTF-8.", str(path), line)) from error


def read_yaml(text: str, name: str, table: str, typed: bool = True) -> Written:
    """Read YAML with the line of every key.

    Parameters
    ----------
    text : str
        YAML.
    name : str
        File to name in messages.
    table : str
        What it is, for messages.
    typed : bool
        Read scalars as numbers, dates and truth values as YAML does; otherwise as the text that stands there, so that
        ``No`` stays ``No`` and ``007`` stays ``007``. Keys are always text.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If it is empty or not YAML.
    """
    lines: dict[Loc, int] = {}
    twice: list[Loc] = []
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise InputError(Problem(table, f"the {table} is empty", "Write its keys.", file=name, line=1))
        tree = _tree(node, (), lines, twice, loader if typed else None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = f"this is not YAML: {getattr(error, 'problem', None) or 'a character that cannot stand here'}"
        line = None if mark is None else mark.line + 1
        raise InputError(Problem(table, told, "Look at indentation, colons and quotes.", name, line)) from error
    except RecursionError as error:
        raise InputError(Problem(table, f"the {table} is nested without end", "Take out the anchors.", name)) from error
    return Written(name, table, tree, lines, tuple(twice))


def _tree(node: yaml.Node, loc: Loc, lines: dict[Loc, int], twice: list[Loc], loader: yaml.SafeLoader | None) -> Any:
    """Turn YAML's nodes into dicts, lists and scalars, and note the lines."""
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
            out[key] = _tree(value_node, here, lines, twice, loader)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_tree(item, (*loc, place), lines, twice, loader) for place, item in enumerate(node.value)]
    if loader is not None:
        return _scalar(node, loader)
    # `key:` with nothing behind it, and `~`, mean the empty text.
    return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)


def _scalar(node: yaml.Node, loader: yaml.SafeLoader) -> Any:
    """Construct a scalar as YAML does; what looks like a date and is none stays text, for a message of our own."""
    try:
        return loader.construct_object(node)
    except (ValueError, yaml.YAMLError):
        return str(node.value)
