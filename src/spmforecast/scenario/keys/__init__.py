"""The keys of a scenario file, each group in a module of its own; `schema` puts them together."""

from spmforecast.scenario.keys.base import Strict
from spmforecast.scenario.keys.history import ExampleSpec, FolderSpec, history_of
from spmforecast.scenario.keys.model import BacktestKeys, ModelKeys, SimulateKeys
from spmforecast.scenario.keys.quotas import CushionKeys, LimitKeys, LockKeys, QuotaKeys
from spmforecast.scenario.keys.territories import DisturbanceKeys, ProposeKeys, TerritoryKeys

__all__ = [
    "BacktestKeys",
    "CushionKeys",
    "DisturbanceKeys",
    "ExampleSpec",
    "FolderSpec",
    "LimitKeys",
    "LockKeys",
    "ModelKeys",
    "ProposeKeys",
    "QuotaKeys",
    "SimulateKeys",
    "Strict",
    "TerritoryKeys",
    "history_of",
]
