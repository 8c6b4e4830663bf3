"""The keys of a scenario file, each group in a module of its own; `schema` puts them together."""

from spmforecast.scenario.keys.assumptions import AssumptionKeys
from spmforecast.scenario.keys.base import Strict
from spmforecast.scenario.keys.hiring import HiringKeys
from spmforecast.scenario.keys.history import ExampleSpec, FolderSpec, history_of
from spmforecast.scenario.keys.model import BacktestKeys, ModelKeys, SimulateKeys
from spmforecast.scenario.keys.pay import EffortKeys, PayKeys, pay_of
from spmforecast.scenario.keys.phasing import PhasingKeys
from spmforecast.scenario.keys.quotas import CushionKeys, LimitKeys, LockKeys, OutlierKeys, QuotaKeys
from spmforecast.scenario.keys.scorecards import PyramidKeys, ScorecardKeys, StageGoalKeys
from spmforecast.scenario.keys.territories import DisturbanceKeys, ProposeKeys, TerritoryKeys
from spmforecast.scenario.keys.update import ReliefKeys, UpdateKeys

__all__ = [
    "AssumptionKeys",
    "BacktestKeys",
    "CushionKeys",
    "DisturbanceKeys",
    "EffortKeys",
    "ExampleSpec",
    "FolderSpec",
    "HiringKeys",
    "LimitKeys",
    "LockKeys",
    "ModelKeys",
    "OutlierKeys",
    "PayKeys",
    "PhasingKeys",
    "ProposeKeys",
    "PyramidKeys",
    "QuotaKeys",
    "ReliefKeys",
    "ScorecardKeys",
    "SimulateKeys",
    "StageGoalKeys",
    "Strict",
    "TerritoryKeys",
    "UpdateKeys",
    "history_of",
    "pay_of",
]
