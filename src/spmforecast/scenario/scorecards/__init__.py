"""Scorecards: the process as a river, each rep's figures, leaderboards and weekly reviews, from one scenario."""

from spmforecast.scenario.scorecards.answer import FACTS, Scorecards, scorecards

__all__ = ["FACTS", "Scorecards", "scorecards"]
