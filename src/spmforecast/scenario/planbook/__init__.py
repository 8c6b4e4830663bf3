"""The planbook: plans, forecasts, quotas and territories as they were kept, version by version.

Nothing in it is ever changed or taken away: a version is added, approved, compared, or rolled back by a further one.
"""

from spmforecast.scenario.planbook.content import Content
from spmforecast.scenario.planbook.recording import record_run
from spmforecast.scenario.planbook.store import Planbook
from spmforecast.scenario.planbook.versions import Decision, Version

__all__ = ["Content", "Decision", "Planbook", "Version", "record_run"]
