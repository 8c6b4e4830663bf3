"""A scenario that builds on another one, and assumptions that put other keys in the place of its own.

All of it happens to the text as it is read, before it is checked, so that messages name the file and line in which a
key stands, whichever file that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spmforecast.errors import InputError, Problem
from spmforecast.written import Loc, Written, nearest, read_file, read_yaml

__all__ = ["OVERRIDES", "read_scenario", "supposing", "without"]

OVERRIDES = ("quotas", "territories", "compensation")
"""Assumptions that put other keys in the scenario's place instead of changing the forecast."""

_WHOLE = ("history", "plan", "compensation", "territories")
"""Keys of which a scenario takes all or nothing from the one it builds on."""

_DEEPEST = 20


def read_scenario(path: str | Path) -> tuple[Written, dict[str, str]]:
    """Read a scenario file and those it builds on.

    Parameters
    ----------
    path : path or str
        A YAML file.

    Returns
    -------
    tuple of Written and dict
        The keys of all of them, its own over those of its base; and the text of each file by its name.

    Raises
    ------
    InputError
        If one of them cannot be read, lies in another folder, or builds on itself.
    """
    if not Path(path).is_file():
        raise InputError(_no_file(Path(path)))
    text = read_file(path, "scenario")
    written, texts = read_yaml(text, str(path), "scenario"), {Path(path).name: text}
    for _ in range(_DEEPEST):
        if not isinstance(written.tree, dict) or "base" not in written.tree:
            return written, texts
        base = _base(written, Path(path).parent, texts)
        texts[Path(base.name).name] = read_file(base.name, "scenario")
        written = _upon(base, written)
    raise InputError(written.problem(("base",), f"more than {_DEEPEST} scenarios build on each other", "Join some."))


def _no_file(path: Path) -> Problem:
    """Say what is there in a scenario's place, and what was meant."""
    if path.is_dir():
        told, mend = "this is a folder", f"Write a scenario that names it (history: {path.name}) and give that file."
    else:
        near = nearest(path.name, sorted(one.name for one in path.parent.glob("*.y*ml")))
        told = "No such file or directory"
        mend = f"Did you mean {path.with_name(near)}?" if near else "Give the path of a YAML file."
    return Problem("scenario", f"the scenario cannot be read ({told})", mend, file=str(path))


def _base(written: Written, folder: Path, texts: Mapping[str, str]) -> Written:
    """Read the scenario that another one builds on."""
    name = written.tree["base"]
    if not isinstance(name, str) or not name.strip():
        mend = "Write the name of a file, for instance base: baseline.yaml."
        raise InputError(written.problem(("base",), "the scenario that this one builds on is not named", mend))
    if Path(name).name != name:
        # Paths in a scenario are relative to its own folder, so both must share it.
        told, mend = "must stand in the same folder", f"Put {Path(name).name} beside this file and name it alone."
        raise InputError(written.problem(("base",), told, mend, name))
    if name in texts:
        raise InputError(written.problem(("base",), "the scenario builds on itself", "Take one base out.", name))
    if not (folder / name).is_file():
        near = nearest(name, sorted(one.name for one in folder.glob("*.y*ml")))
        mend = f"Did you mean {near}?" if near else "Name a scenario file of the same folder."
        raise InputError(written.problem(("base",), "there is no such file", mend, name))
    return read_yaml(read_file(folder / name, "scenario"), str(folder / name), "scenario")


def _upon(base: Written, own: Written) -> Written:
    """Lay the keys of a scenario over those of its base."""
    under = base.tree if isinstance(base.tree, dict) else {}
    tree = _merged(under, {key: value for key, value in own.tree.items() if key != "base"})
    if "name" not in own.tree:
        tree.pop("name", None)  # an answer is called by the question that was asked
    if "base" in under:
        tree["base"] = under["base"]
    below = {loc: line for loc, line in base.lines.items() if loc not in own.lines and _reached(loc, tree)}
    if "base" in under:
        below["base",] = base.lines["base",]
    lines, files = {**own.lines, **below}, {**own.files, **dict.fromkeys(below, base.name)}
    return _with_assumptions(base, own, replace(own, tree=tree, lines=lines, files=files, twice=own.twice + base.twice))


def _with_assumptions(base: Written, own: Written, joined: Written) -> Written:
    """Let the base's assumptions come first, then its own."""
    first, then = (one.tree.get("assumptions") if isinstance(one.tree, dict) else None for one in (base, own))
    if not isinstance(first, list) or not isinstance(then, list):
        return joined
    lines = {loc: line for loc, line in joined.lines.items() if loc[:1] != ("assumptions",) or len(loc) == 1}
    files = {loc: name for loc, name in joined.files.items() if loc in lines}
    for one, ahead in ((base, 0), (own, len(first))):
        for loc, line in one.lines.items():
            if loc[:1] == ("assumptions",) and len(loc) > 1:
                moved = (loc[0], int(loc[1]) + ahead, *loc[2:])
                lines[moved], files[moved] = line, one.files.get(loc, one.name)
    return replace(joined, tree={**joined.tree, "assumptions": first + then}, lines=lines, files=files)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay keys over others: groups of keys are joined, all else is replaced; an empty key takes the base's out."""
    out = dict(under)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif key not in _WHOLE and isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = {**out[key], **value}
        else:
            out[key] = value
    return out


def _reached(loc: Loc, tree: Any) -> bool:
    """Tell whether a place is there in a tree."""
    for step in loc:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def without(tree: Mapping[str, Any], places: Iterable[Loc]) -> dict[str, Any]:
    """Copy nested keys without those at some places; a list that holds one of them goes as a whole."""
    out = dict(tree)
    for loc in places:
        node = out
        for depth, step in enumerate(loc, start=1):
            if step not in node:
                break
            if depth == len(loc) or not isinstance(node[step], dict):
                del node[step]
                break
            node[step] = dict(node[step])
            node = node[step]
    return out


def supposing(written: Written, chosen: frozenset[int] | None = None) -> Written:
    """Put what assumptions say of quotas, territories and compensation in the place of the scenario's own keys.

    Parameters
    ----------
    written : Written
        A scenario as it stands, its base laid under it.
    chosen : frozenset of int, optional
        Places of the assumptions that are made; all by default. The others are left out.

    Returns
    -------
    Written
    """
    tree = written.tree
    if not isinstance(tree, dict) or not isinstance(tree.get("assumptions"), list):
        return written
    kept = [index for index in range(len(tree["assumptions"])) if chosen is None or index in chosen]
    out = {**tree, "assumptions": [tree["assumptions"][index] for index in kept]}
    lines, files = dict(written.lines), dict(written.files)
    for index in kept:
        one = tree["assumptions"][index]
        for kind in OVERRIDES if isinstance(one, dict) else ():
            if one.get(kind) is None:
                continue
            out[kind] = _laid_over(kind, out.get(kind), one[kind])
            at: Loc = ("assumptions", index, kind)
            for loc, line in written.lines.items():
                if loc[:3] == at:
                    lines[kind, *loc[3:]] = line
                    if loc in written.files:
                        files[kind, *loc[3:]] = written.files[loc]
    return replace(written, tree=out, lines=lines, files=files)


def _laid_over(kind: str, own: Any, supposed: Any) -> Any:
    """Join keys of quotas, unless another method brings options of its own; replace the rest."""
    if kind in _WHOLE or not isinstance(own, dict) or not isinstance(supposed, dict):
        return supposed
    if supposed.get("method") not in (None, own.get("method")):
        own = {key: value for key, value in own.items() if key not in ("options", "figures", "figures_as")}
    return {**own, **supposed}
