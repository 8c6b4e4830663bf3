"""The company's records: canonical tables, their checks, readers and maps, and the honest view as of a day.

This room knows what CRM tables look like and which rows can be used. It knows nothing of models.
"""

from __future__ import annotations

from spmforecast.data.crm import CRMS, CrmOptions
from spmforecast.data.example import ExampleCompany
from spmforecast.data.history import History, SourceFile
from spmforecast.data.load import read_history
from spmforecast.data.maps import Map, load_map
from spmforecast.data.tables import NONE, TABLES
from spmforecast.data.write import write_database, write_tables

__all__ = [
    "CRMS",
    "NONE",
    "TABLES",
    "CrmOptions",
    "ExampleCompany",
    "History",
    "Map",
    "SourceFile",
    "load_map",
    "read_history",
    "write_database",
    "write_tables",
]
