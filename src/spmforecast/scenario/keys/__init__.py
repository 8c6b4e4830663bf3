"""The keys of a scenario file, each group in a module of its own; `schema` puts them together."""

from spmforecast.scenario.keys.base import Strict
from spmforecast.scenario.keys.history import ExampleSpec, FolderSpec, history_of
from spmforecast.scenario.keys.model import BacktestKeys, ModelKeys, SimulateKeys
from spmforecast.scenario.keys.quotas import CushionKeys, LimitKeys, LockKeys, QuotaKeys

__all__ = [
    "BacktestKeys",
    "CushionKeys",
    "ExampleSpec",
    "FolderSpec",
    "LimitKeys",
    "LockKeys",
    "ModelKeys",
    "QuotaKeys",
    "SimulateKeys",
    "Strict",
    "history_of",
]
