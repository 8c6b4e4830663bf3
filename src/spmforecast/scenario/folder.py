"""Run folders: they appear whole or not at all, and never take the place of something else."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem

__all__ = ["bytes_hash", "defused", "new_folder", "write_run"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def new_folder(target: str | Path, name: str, facts: str = "run.json") -> Iterator[Path]:
    """Give a folder to write into, and let it take its place when all is written.

    Parameters
    ----------
    target : path or str
        Where the folder is to stand.
    name : str
        Scenario; an existing run folder of the same scenario is replaced whole, anything else there is refused.
    facts : str
        File by which such a folder is known.

    Yields
    ------
    Path
        An empty folder beside the target; on an error it is removed and the target stays as it was.

    Raises
    ------
    InputError
        If something else stands there, or the place cannot be written to.
    """
    place = Path(target).resolve()
    _refuse_other(place, Path(target), name, facts)
    found = place.parent.exists()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    except OSError as error:
        told = f"the folder cannot be written to ({error.strerror})"
        raise InputError(Problem("scenario", told, "Choose another place with -o.", file=str(target))) from error
    try:
        yield draft
        draft.chmod(0o755)
        _swap(draft, place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if not found and not any(place.parent.iterdir()):
            place.parent.rmdir()
        raise


def _refuse_other(place: Path, shown: Path, name: str, facts: str) -> None:
    """Refuse a target that is not a run folder of this scenario (an empty folder is fine)."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    found = None
    if (place / facts).is_file():
        try:
            found = json.loads((place / facts).read_text(encoding="utf-8")).get("name")
        except (ValueError, AttributeError):
            found = None
    if found != name:
        told = f"a run of {found!r} stands there" if found else "something that is no run folder stands there"
        raise InputError(Problem("scenario", told, "Choose another place with -o, or remove it.", file=str(shown)))


def _swap(draft: Path, place: Path) -> None:
    """Put the finished folder in its place; an old run goes only after the new one stands."""
    if not place.exists():
        draft.rename(place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    place.rename(old / "run")
    try:
        draft.rename(place)
    except OSError:
        (old / "run").rename(place)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def write_run(
    folder: Path, run: Mapping[str, Any], draws: np.ndarray[Any, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Write the files of a run.

    Parameters
    ----------
    folder : Path
        Where to write.
    run : mapping
        What goes into ``run.json``.
    draws : array of float, shape (trials, cells)
        Goes into ``draws.npy``.
    tables : mapping of str to DataFrame
        Each goes into a CSV file of its name.
    """
    for name, table in tables.items():
        defused(rounded(table)).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    np.save(folder / "draws.npy", draws, allow_pickle=False)
    text = json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Cut the noise of floating point: eleven significant digits after nine decimals keep cents and chances exact."""
    return table.round(9)


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """Keep spreadsheets from running texts as formulas: those that begin like one get an apostrophe in front."""
    out = table.copy()
    for name in out.columns:
        if not (pd.api.types.is_object_dtype(out[name]) or pd.api.types.is_string_dtype(out[name])):
            continue
        out[name] = [
            f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in out[name]
        ]
    return out


def bytes_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
