"""The exact engine: laws of totals by characteristic functions, without sampling error, at the fitted parameters."""

from spmforecast.simulate.exact.laws import LEFT_OUT, ExactForecast, exact_forecast
from spmforecast.simulate.exact.sums import SumLaw, law_of_transform, whole_pmf

__all__ = ["LEFT_OUT", "ExactForecast", "SumLaw", "exact_forecast", "law_of_transform", "whole_pmf"]
