"""The company's records: canonical tables, their checks, readers and maps, and the honest view as of a day.

This room knows what CRM tables look like and which rows can be used. It knows nothing of models.
"""

from __future__ import annotations

from spmforecast.data.history import History, SourceFile
from spmforecast.data.tables import NONE, TABLES

__all__ = ["NONE", "TABLES", "History", "SourceFile"]
