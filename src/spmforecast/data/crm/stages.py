"""Stages of a CRM's pipelines: what an id is called, whether it closes a deal, and in which order stages come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.crm.options import option_problem
from spmforecast.errors import InputError
from spmforecast.written import nearest

__all__ = ["Stages", "in_pipelines"]


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages of all pipelines.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a stage, indexed by its id (unique): ``label``, ``pipeline`` (id), ``status`` (``open``, ``won``,
        ``lost`` or empty where unknown) and ``order``.
    pipelines : mapping of str to str
        Name of each pipeline by id.
    """

    table: pd.DataFrame
    pipelines: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, str]], pipelines: Mapping[str, str]) -> Stages:
        """Make stages of ``id, label, pipeline, status`` in the order in which deals pass them.

        An id that stands in several rows means the first of them.
        """
        frame = pd.DataFrame(list(rows), columns=["id", "label", "pipeline", "status"], dtype="str")
        frame = frame.drop_duplicates("id").set_index("id")
        return cls(frame.assign(order=np.arange(len(frame))), dict(pipelines))

    def statuses(self, ids: pd.Series) -> pd.Series:
        """Return whether each stage is open, won or lost; empty text where nothing tells."""
        return _looked_up(self.table["status"], ids, None)

    def orders(self, ids: pd.Series) -> npt.NDArray[np.int64]:
        """Return each stage's place; -1 where the stage is unknown."""
        return self.table.index.get_indexer(pd.Index(ids)).astype(np.int64)

    def names(self, ids: pd.Series, pipelines: pd.Series | None = None) -> pd.Series:
        """Return what stages are called.

        Parameters
        ----------
        ids : pandas.Series, shape (n,)
            Ids.
        pipelines : pandas.Series, optional
            Name of the pipeline of each row, given where deals stand in several pipelines, whose stages must then be
            told apart: ``Pipeline: Stage``. A stage that the table lays into a pipeline is named after that one.

        Returns
        -------
        pandas.Series
            Shape (n,); an id that no table names stays as it is.
        """
        label = self.table["label"].where(self.table["label"] != "", self.table.index.to_series())
        named = _looked_up(label, ids, ids)
        if pipelines is None:
            return named
        own = self.pipeline_names(_looked_up(self.table["pipeline"], ids, None))
        pipeline = own.where(own != "", pipelines)
        return (pipeline + ": " + named).where((pipeline != "") & (named != ""), named)

    def pipeline_names(self, ids: pd.Series) -> pd.Series:
        """Return what pipelines are called; an id that no table names stays as it is."""
        return _looked_up(pd.Series(dict(self.pipelines), dtype="str"), ids, ids)

    def ids(self, words: pd.Series, pipelines: pd.Series) -> pd.Series:
        """Return the ids of stages given by id or label.

        Parameters
        ----------
        words, pipelines : pandas.Series, shape (n,)
            Ids or labels, and the name or id of the pipeline; a label that several pipelines have means the one of
            this pipeline, else the first.
        """
        rows = self.table[self.table["label"] != ""].reset_index()
        rows["label"] = rows["label"].str.casefold()
        rows["within"] = self.pipeline_names(rows["pipeline"]).str.casefold() + "\n" + rows["label"]
        folded = words.str.casefold()
        within = self.pipeline_names(pipelines).str.casefold() + "\n" + folded
        by_label = rows.drop_duplicates("label").set_index("label")["id"]
        by_both = rows.drop_duplicates("within").set_index("within")["id"]
        found = _looked_up(by_both, within, _looked_up(by_label, folded, words))
        return words.where(words.isin(self.table.index), found)


def _looked_up(table: pd.Series, keys: pd.Series, otherwise: pd.Series | None) -> pd.Series:
    found = keys.map(table).astype("str")
    return found.fillna("" if otherwise is None else otherwise)


def in_pipelines(stages: Stages, pipelines: pd.Series, wanted: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which deals stand in the pipelines to keep.

    Parameters
    ----------
    stages : Stages
        For the pipelines' names.
    pipelines : pandas.Series, shape (n,)
        Id or name of each deal's pipeline.
    wanted : sequence of str
        Ids or names; all pipelines where empty.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Raises
    ------
    InputError
        For each of `wanted` that is no pipeline of the export.
    """
    if not wanted:
        return np.ones(len(pipelines), dtype=bool)
    names = stages.pipeline_names(pipelines)
    known = {word.casefold(): word for word in [*stages.pipelines, *stages.pipelines.values(), *pipelines, *names]}
    problems = []
    for word in wanted:
        if word.casefold() not in known:
            near = nearest(word, [name for name in dict.fromkeys(names) if name])
            there = ", ".join(name for name in dict.fromkeys(names) if name) or "not told"
            mend = f"Did you mean {near}?" if near else f"The pipelines are {there}."
            told = "the export has no such pipeline"
            problems.append(option_problem("pipelines", told, mend, word))
    if problems:
        raise InputError(problems)
    folded = {word.casefold() for word in wanted}
    return (names.str.casefold().isin(folded) | pipelines.str.casefold().isin(folded)).to_numpy()
