"""Names that one export writes one way and the next another: files and columns found in spite of spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

__all__ = ["FILE_PREFIXES", "find_name", "fold_column", "fold_file"]

FILE_PREFIXES = ("salesforce", "sfdc", "sf", "hubspot", "dynamics365", "dynamics", "d365", "pipedrive")
"""What warehouses put before a table's name to say where it comes from."""

_SUFFIXES = (".gz", ".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xlsm", ".jsonl", ".json")


def fold_column(name: str) -> str:
    """Return a column's name without case, blanks, ``_`` and ``-``: ``Stage Name``, ``stage_name``, ``StageName``."""
    return "".join(character for character in name.casefold() if character not in " \t_-\u00a0")


def fold_file(name: str) -> str:
    """Return a file's name without suffix, warehouse prefix, ``_data``, plural, case, blanks, ``_`` and ``-``."""
    stem = _stem(name).casefold()
    words = "_".join(part for part in stem.replace("-", "_").replace(" ", "_").split("_") if part)
    for prefix in FILE_PREFIXES:
        if words.startswith(prefix + "_"):
            words = words.removeprefix(prefix + "_")
            break
    words = words.removesuffix("_data")
    return _singular(words.replace("_", ""))


def _stem(name: str) -> str:
    stem = name
    for suffix in _SUFFIXES:
        if stem.casefold().endswith(suffix):
            stem = stem[: -len(suffix)]
    return stem


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def find_name(wanted: Sequence[str], there: Iterable[str], fold: Callable[[str], str]) -> tuple[str, ...]:
    """Find which of several names is there.

    Parameters
    ----------
    wanted : sequence of str
        Candidates; the first that is there counts.
    there : iterable of str
        Names to choose from.
    fold : callable
        :func:`fold_file` or :func:`fold_column`.

    Returns
    -------
    tuple of str
        The one name, an empty tuple where none of the candidates is there, or all names among which the spelling
        does not tell: a name spelt as the candidate goes before one that is only like it.
    """
    names = list(there)
    folded = [fold(name) for name in names]
    for candidate in wanted:
        if candidate in names:
            return (candidate,)
        like = [name for name, key in zip(names, folded, strict=True) if key == fold(candidate)]
        nearer = [name for name in like if _stem(name).casefold() == _stem(candidate).casefold()]
        if like:
            return tuple(nearer) if len(nearer) == 1 else tuple(like)
    return ()
