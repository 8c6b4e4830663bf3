from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from spmforecast.data import read_history
from spmforecast.data.sources import FolderSource, FrameSource, open_source
from spmforecast.errors import InputError

ROWS = "opportunity_id,owner_id,created_date,status\nA,R1,2024-01-01,open\n"


def test_one_file_is_a_source_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "Opportunities.csv").write_text(ROWS)
    (tmp_path / "reps.csv").write_text("rep_id\nR1\n")
    history = read_history(tmp_path / "Opportunities.csv")
    assert list(history.tables) == ["opportunities"]
    assert not any("reps.csv" in note for note in history.warnings)
    assert list(read_history(tmp_path).tables) == ["opportunities", "reps"]


def test_a_file_of_another_name_needs_a_map(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(ROWS)
    (tmp_path / "map.yaml").write_text("tables: {opportunities: {file: export.csv}}\n")
    with pytest.raises(InputError, match="neither an opportunities nor a bookings table"):
        read_history(tmp_path / "export.csv")
    assert len(read_history(tmp_path / "export.csv", map=tmp_path / "map.yaml").opportunities) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("export.xls", "Save it as .xlsx"),
        ("export.zip", "Unpack it, and name the folder"),
        ("scenario.yaml", "This looks like a scenario"),
        ("image.png", "Export it as CSV"),
        ("noname", "this is no folder, workbook"),
    ],
)
def test_files_of_other_kinds_are_refused_with_a_mend(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(InputError, match=told):
        open_source(tmp_path / name)


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    with pytest.raises(InputError, match=r"there is no such folder. Did you mean company\?"):
        open_source("compny", base=tmp_path)
    with pytest.raises(InputError, match=r"x\.csv: this cannot be read: there is no such file"):
        open_source(tmp_path / "x.csv")


def test_a_schema_belongs_to_a_database(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("period,target\n2025,1\n")
    for where in (tmp_path, tmp_path / "plan.csv", {"plan": pd.DataFrame()}):
        with pytest.raises(InputError, match=r"only databases have schemas \(found 'crm'\)"):
            open_source(where, schema="crm")


def test_frames_and_sources_are_taken_as_they_are(tmp_path: Path) -> None:
    assert isinstance(open_source({"plan": pd.DataFrame()}), FrameSource)
    folder = FolderSource(tmp_path)
    assert open_source(folder) is folder


def test_a_frame_that_names_a_column_twice_is_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["period", "period"])
    with pytest.raises(InputError, match="plan, line 1, period: two columns have the same name"):
        open_source({"plan": frame}).read("plan", "plan")
