"""Sources of raw tables: folders of files, frames in memory, workbooks and databases.

A source knows nothing of canonical columns. It finds tables by name and gives them as they stand there; whatever can be
read this way goes through the same maps and the same checks.
"""

from __future__ import annotations

from spmforecast.data.sources.addresses import is_address
from spmforecast.data.sources.base import RawTable, Source
from spmforecast.data.sources.csvtext import parse_csv
from spmforecast.data.sources.folder import FolderSource
from spmforecast.data.sources.frames import FrameSource
from spmforecast.data.sources.opening import open_source

__all__ = ["FolderSource", "FrameSource", "RawTable", "Source", "is_address", "open_source", "parse_csv"]
