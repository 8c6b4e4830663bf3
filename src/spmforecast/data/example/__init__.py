"""The example company: records like life, and a true future that forecasts can be judged against."""

from __future__ import annotations

from spmforecast.data.example.company import ExampleCompany

__all__ = ["ExampleCompany"]
