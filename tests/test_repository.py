"""The repository itself: sizes of files, nothing of anybody's machine in it, tests that say what they expect."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".ipynb", ".html", ".j2", ".css", ".cfg", ".txt", ""}
SKIPPED = {".git", ".venv", "runs", "build", "dist", "__pycache__", ".hypothesis", ".benchmarks"}
# Written so that this file does not hold them itself.
MACHINE = ["/" + "work/", "/" + "home/", "/" + "root/", "/" + "Users/", "C:" + "\\\\"]
BESIDE = ".." + "/shared"


def _files() -> Iterator[Path]:
    """Files under version control, or all that are not plainly made by tools where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        made = {path for path in ROOT.rglob("*") if SKIPPED & set(path.parts) or any("cache" in x for x in path.parts)}
        paths = [path for path in ROOT.rglob("*") if path not in made]
    return (path for path in paths if path.is_file() and path.suffix in TEXT)


FILES = sorted(_files())
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def test_the_files_are_found() -> None:
    assert ROOT / "README.md" in FILES
    assert len(SOURCES) > 50
    assert Path(__file__).resolve() in TESTS


def test_no_path_of_a_machine_stands_anywhere() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in FILES
        for mark in MACHINE
        if re.search(rf"(?<![\w.]){re.escape(mark)}", path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_only_tests_and_benchmarks_look_beside_the_checkout() -> None:
    allowed = {"tests", ".ci", "benchmarks"}
    found = [
        str(path.relative_to(ROOT))
        for path in FILES
        if path.relative_to(ROOT).parts[0] not in allowed and BESIDE in path.read_text(encoding="utf-8")
    ]
    assert not found


def test_source_files_are_short() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in long.items() if lines >= 400} == {}


def _raises_without_match(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("raises", "warns")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "pytest"
        and "match" not in {keyword.arg for keyword in node.keywords}
    ]


def test_the_finder_of_bare_raises_finds_them() -> None:
    assert _raises_without_match(ast.parse("with pytest.raises(ValueError):\n    f()\n")) == [1]
    assert _raises_without_match(ast.parse("with pytest.raises(ValueError, match='x'):\n    f()\n")) == []


def test_every_raises_says_which_message_it_expects() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in TESTS
        for line in _raises_without_match(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def test_tests_have_names_of_their_own_and_no_packages() -> None:
    names = [path.name for path in TESTS if path.name != "conftest.py"]
    assert "__init__.py" not in names
    assert len(names) == len(set(names))


def test_every_source_file_says_what_it_is() -> None:
    bare = [str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not bare


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_continuous_integration_runs_the_two_commands_of_the_readme() -> None:
    script, readme = (ROOT / ".ci" / "run").read_text(), (ROOT / "README.md").read_text()
    for command in (
        "python -m pip install -e . && spmforecast run scenarios/baseline.yaml",
        'python -m pip install -e ".[dev]" && pytest',
    ):
        assert f"\n{command}\n" in readme
        assert command in script
