"""Notebooks run from top to bottom, with nothing on standard error."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path

import pytest

import spmforecast as spm

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def code_of(path: Path) -> ast.Module:
    """Parse all code of a notebook, without the lines that speak to the notebook itself."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"]]
    return ast.parse("".join(line if line.endswith("\n") else f"{line}\n" for line in lines if line[0] != "%"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_uses_public_names_only(path: Path) -> None:
    tree = code_of(path)
    imported = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert [one.asname for one in imported if one.name.startswith("spmforecast")] == ["spm"]
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in froms if module.startswith("spmforecast")]
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    used = {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "spm"}
    assert used
    assert used <= set(spm.__all__)
    assert not [node.attr for node in attributes if node.attr.startswith("_")]


def test_every_notebook_has_a_line_in_the_readme() -> None:
    told = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS if f"({path.name})" not in told] == []


@pytest.mark.slow
# The machinery of notebooks warns of its own; what the notebook itself warns of ends in its outputs and is looked at.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_without_a_warning(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    # The kernel is this very interpreter, whatever kernels the machine has.
    spec = tmp_path / "share" / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        '{"argv": [%s, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Python 3", '
        '"language": "python"}' % ('"' + sys.executable.replace("\\", "\\\\") + '"')
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    # A copy of the two folders, so that what the notebook writes does not land in the checkout.
    for name in ("notebooks", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name)
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(tmp_path / "notebooks")}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    told = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    assert told == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
