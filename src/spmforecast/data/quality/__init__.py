"""The quality report: what is odd about a company's records, what it does to the forecast, and repairs on request.

Rules are small pure functions of one :class:`~spmforecast.data.quality.records.Records`, listed in
:mod:`~spmforecast.data.quality.registry`. Nothing is repaired unless it is asked for, and every repair is recorded.
"""

from __future__ import annotations

from spmforecast.data.quality.cleanups import clean_up_days
from spmforecast.data.quality.findings import Finding, quality_report
from spmforecast.data.quality.limits import QualityRules
from spmforecast.data.quality.registry import RULES
from spmforecast.data.quality.repairs import REPAIRS, repair

__all__ = ["REPAIRS", "RULES", "Finding", "QualityRules", "clean_up_days", "quality_report", "repair"]
