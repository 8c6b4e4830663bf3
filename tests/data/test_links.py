"""Links in a folder of data that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from spmforecast.data import read_history
from spmforecast.errors import InputError

DEAL = "opportunity_id,owner_id,created_date,status\nA,R,2024-01-01,open\n"


def test_a_link_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "reps.csv").symlink_to(tmp_path.parent / "nowhere.csv")
    (tmp_path / "opportunities.csv").write_text(DEAL)
    with pytest.raises(InputError, match=r"reps\.csv: the file is a link to something that is not there"):
        read_history(tmp_path)
    (tmp_path / "reps.csv").rename(tmp_path / "others.csv")
    warnings = read_history(tmp_path).warnings
    assert "others.csv is not read: it is a link to something that is not there" in warnings
