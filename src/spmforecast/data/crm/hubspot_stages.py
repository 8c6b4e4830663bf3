"""HubSpot's pipelines and stages: from its table of pipelines, else from what the deals themselves tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pandas as pd

from spmforecast.data.crm.hubspot_deals import property_names, truth
from spmforecast.data.crm.jsonfiles import JsonRecords
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.stages import Stages

__all__ = ["bare_labels", "read_stages", "stage_of_property"]

_STAGE_NAMES: Mapping[str, tuple[str, ...]] = {
    "stage_id": ("id",),
    "label": ("name", "stage"),
    "pipeline_id": ("pipeline",),
    "display_order": ("displayorder", "order"),
    "is_closed": ("isclosed", "closed"),
    "closed_won": ("is_closed_won", "closedwon"),
    "probability": (),
    "archived": ("_fivetran_deleted", "deleted"),
}
_PIPELINE_NAMES: Mapping[str, tuple[str, ...]] = {"pipeline_id": ("id",), "label": ("name", "pipeline")}
_OPEN = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent")
_DEFAULT = {"closedwon": "won", "closedlost": "lost", **dict.fromkeys(_OPEN, "open")}
_COLUMNS = ["id", "label", "pipeline", "status"]


def read_stages(export: Export, deals: pd.DataFrame, named: pd.Series | None) -> tuple[Stages, tuple[str, ...]]:
    """Read the stages of every pipeline.

    Parameters
    ----------
    export : Export
        Where ``pipelines`` (answers of the API) or ``deal_pipeline_stage`` and ``deal_pipeline`` (warehouse) may be.
    deals : pandas.DataFrame
        The deals, under HubSpot's names.
    named : pandas.Series, optional
        Stages that the deals' history names.

    Returns
    -------
    stages : Stages
        Those of the table first, in its order; then those that only deals or their history name.
    notes : tuple of str
        What nothing told.
    """
    table, pipelines = _from_export(export)
    known = set(table["id"]) | set(table["label"].str.casefold())
    told = _from_deals(deals[~(deals["dealstage"].isin(known) | deals["dealstage"].str.casefold().isin(known))])
    others = [
        word
        for word in dict.fromkeys(() if named is None else named)
        if word and word not in known and word not in set(told["id"])
    ]
    rest = pd.DataFrame({"id": others, "label": "", "pipeline": "", "status": [_by_name(word) for word in others]})
    stages = Stages.of(
        pd.concat([table, told, rest.astype("str")], ignore_index=True).itertuples(index=False), pipelines
    )
    return stages, _notes(stages, known)


def _notes(stages: Stages, known: set[str]) -> tuple[str, ...]:
    unknown = stages.table.index[(stages.table["status"] == "").to_numpy()]
    notes = []
    if len(unknown):
        notes.append(
            f"nothing tells whether {len(unknown):,} stages close a deal (first: {unknown[0]}); deals are taken as "
            "open in them. The table of pipelines would tell"
        )
    strange = stages.table["pipeline"][~stages.table["pipeline"].isin(["", *stages.pipelines])]
    if stages.pipelines and len(strange):
        lost = strange.drop_duplicates().size
        notes.append(f"{len(strange):,} stages lie in {lost:,} pipelines that the table of pipelines does not have")
    beside = [word for word in stages.table.index if word not in known]
    if known and beside:
        notes.append(f"{len(beside):,} stages of deals are not in the table of pipelines (first: {beside[0]})")
    return tuple(notes)


def _from_export(export: Export) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the table of stages and the names of pipelines."""
    dump = export.dump(("pipelines", "deal_pipelines"), "stage_history")
    if dump is not None:
        return _from_dump(dump)
    pipes = export.table(("deal_pipelines", "pipelines"), "stage_history")
    names: dict[str, str] = {}
    if pipes is not None:
        frame = property_names(pipes.frame, _PIPELINE_NAMES)
        names = dict(zip(frame["pipeline_id"], frame["label"], strict=True))
    raw = export.table(("deal_pipeline_stages", "pipeline_stages", "deal_stages_labels"), "stage_history")
    frame = pd.DataFrame() if raw is None else raw.frame
    return _in_order(property_names(frame, _STAGE_NAMES)), names


def _from_dump(dump: JsonRecords) -> tuple[pd.DataFrame, dict[str, str]]:
    rows, names = [], {}
    for record in dump.records:
        pipeline = str(record.value.get("id") or record.value.get("pipelineId") or "")
        names[pipeline] = str(record.value.get("label") or "")
        rows += list(_stages_of(record.value.get("stages"), pipeline))
    return _in_order(property_names(pd.DataFrame(rows, dtype="str"), _STAGE_NAMES)), names


def _stages_of(stages: object, pipeline: str) -> Iterator[dict[str, str]]:
    for stage in stages if isinstance(stages, list) else []:
        if isinstance(stage, dict):
            metadata = stage.get("metadata")
            cells = {**stage, **(metadata if isinstance(metadata, dict) else {}), "pipeline_id": pipeline}
            cells.setdefault("stage_id", stage.get("id") or stage.get("stageId"))
            cells.pop("id", None)
            yield {name: _word(cell) for name, cell in cells.items()}


def _word(cell: object) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell)


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring rows of stages to the columns of :class:`Stages`, pipeline by pipeline, archived stages last."""
    place = pd.to_numeric(frame["display_order"], errors="coerce").fillna(0.0)
    gone = truth(frame["archived"]) == "true"
    pipeline = pd.Series(pd.factorize(frame["pipeline_id"])[0], index=frame.index)
    order = pd.DataFrame({"gone": gone, "pipeline": pipeline, "place": place})
    frame = frame.loc[order.sort_values(["gone", "pipeline", "place"], kind="stable").index]
    closed, won = truth(frame["is_closed"]), truth(frame["closed_won"])
    chance = pd.to_numeric(frame["probability"], errors="coerce")
    # A stage may have probability 0 and yet be open, so that counts only where nothing says whether it closes.
    status = _by_chance(chance).where(closed == "", "open")
    status = status.mask(closed == "true", "lost").mask((closed == "true") & ((won == "true") | (chance >= 1)), "won")
    told = {"id": frame["stage_id"], "label": frame["label"], "pipeline": frame["pipeline_id"], "status": status}
    return pd.DataFrame(told).reset_index(drop=True)


def _by_chance(chance: pd.Series) -> pd.Series:
    words = pd.Series("open", index=chance.index, dtype="str")
    return words.mask(chance >= 1, "won").mask(chance <= 0, "lost").mask(chance.isna(), "")


def _from_deals(deals: pd.DataFrame) -> pd.DataFrame:
    """Tell what stages do from the flags of the deals in them, their probability, or HubSpot's own stage names."""
    deals = deals[deals["dealstage"] != ""]
    closed, won = truth(deals["hs_is_closed"]), truth(deals["hs_is_closed_won"])
    chance = pd.to_numeric(deals["hs_deal_stage_probability"], errors="coerce")
    flagged = pd.Series("", index=deals.index, dtype="str").mask(closed == "false", "open")
    flagged = flagged.mask(closed == "true", "lost").mask(won == "true", "won")
    # UI exports write percentages; 100 and 1 both mean certain.
    chanced = _by_chance(chance)
    frame = pd.DataFrame({"id": deals["dealstage"], "flagged": flagged, "chanced": chanced})
    rows = []
    for stage, group in frame.groupby("id", sort=False):
        name = str(stage)
        status = _agreed(group["flagged"]) or _agreed(group["chanced"]) or _by_name(name)
        rows.append((name, "", "", status))
    return pd.DataFrame(rows, columns=_COLUMNS, dtype="str")


def _agreed(words: pd.Series) -> str:
    """Return the one word that filled cells agree on."""
    said = set(words[words != ""])
    return said.pop() if len(said) == 1 else ""


def _by_name(word: str) -> str:
    return _DEFAULT.get("".join(letter for letter in word.casefold() if letter.isalnum()), "")


def bare_labels(stages: pd.Series, pipelines: pd.Series) -> pd.Series:
    """Take the pipeline off stages that exports write as ``Closed won (Sales Pipeline)``.

    Parameters
    ----------
    stages, pipelines : pandas.Series, shape (n,)
        Labels of the deals' stages and pipelines.
    """
    parts = stages.str.extract(r"^(.+?) \((.+)\)$")
    same = (parts[1].fillna("") == pipelines) & (pipelines != "")
    return stages.mask(same, parts[0].fillna("").astype("str"))


def stage_of_property(words: pd.Series, pipelines: pd.Series, stages: Stages) -> pd.Series:
    """Return the stages that properties such as ``hs_v2_date_entered_<stage>`` are called after.

    Parameters
    ----------
    words, pipelines : pandas.Series, shape (n,)
        Stage as the property's name has it (an id with ``_`` for other marks, perhaps with digits behind it; or
        ``Stage (Pipeline)``), and the name of the deal's pipeline.
    stages : Stages
        The stages.

    Returns
    -------
    pandas.Series
        Ids, shape (n,); a word that names no stage stays as it is.
    """
    plain = {_folded(key): str(key) for key in reversed(stages.table.index)}
    out: dict[str, str] = {}
    for word in dict.fromkeys(words):
        folded = _folded(word)
        out[word] = plain.get(folded) or plain.get(re.sub(r"_[0-9]+$", "", folded)) or word
    found = words.map(out).astype("str")
    parts = found.str.extract(r"^(.+?) \((.+)\)$").fillna("").astype("str")
    labelled = (parts[0] != "") & ~found.isin(stages.table.index)
    found, pipelines = found.mask(labelled, parts[0]), pipelines.mask(labelled, parts[1])
    return stages.ids(found, pipelines)


def _folded(word: str) -> str:
    return re.sub(r"[^0-9a-z]", "_", word.casefold())
