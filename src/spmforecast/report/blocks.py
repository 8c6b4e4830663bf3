"""What a page is made of: sections of text, tables and figures, without any markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from spmforecast.report.wording import MISSING

__all__ = [
    "Block", "Card", "Cell", "Code", "Column", "Drawing", "Facts", "Heading", "Listing", "Section", "Table", "Text",
    "Verdict", "Verdicts", "tabulate",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: its text and, optionally, a bar behind it (start and length in per cent of the cell)."""

    text: str
    bar: tuple[float, float] | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: heading, alignment, and whether long text may be cut by the style sheet."""

    title: str
    numeric: bool = True
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; with ``folded`` it is hidden under that line until it is opened.

    ``total`` sets the last row apart, ``dense`` draws many columns closer together.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    folded: str = ""
    total: bool = False
    dense: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``tone`` is empty, ``note`` or ``warn``."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar[str] = "heading"
    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A bulleted list."""

    kind: ClassVar[str] = "list"
    items: tuple[str, ...]
    tone: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Commands to type."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as inline SVG that this package drew."""

    kind: ClassVar[str] = "figure"
    svg: str
    caption: str
    width: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one period: what is expected, the rest of the sentence, and the probability of the plan."""

    period: str
    expected: str
    sentence: str
    chance: str = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A list of answers, folded under a line where one is given."""

    kind: ClassVar[str] = "verdicts"
    items: tuple[Verdict, ...]
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What belongs to one person or thing: a title, a line below it, and blocks side by side in columns."""

    kind: ClassVar[str] = "card"
    title: str
    note: str
    columns: tuple[tuple[Table | Text | Listing | Facts, ...], ...]
    anchor: str = ""


Block: TypeAlias = Table | Text | Heading | Listing | Facts | Code | Drawing | Verdicts | Card


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its anchor, its name in the navigation, its title and what it holds."""

    anchor: str
    nav: str
    title: str
    blocks: tuple[Block, ...]


def tabulate(
    columns: Sequence[tuple[Column, Callable[[int], Cell | str]]],
    length: int,
    *,
    caption: str = "",
    folded: str = "",
    total: bool = False,
    dense: bool = False,
) -> Table:
    """Build a table column by column, leaving out columns in which nothing is known.

    Parameters
    ----------
    columns : sequence of (Column, function)
        The function gives the cell of a row by the row's number.
    length : int
        Number of rows.
    caption, folded, total, dense
        As in :class:`Table`.

    Returns
    -------
    Table
    """
    kept: list[Column] = []
    cells: list[list[Cell]] = []
    for column, write in columns:
        made = [_cell(write(index)) for index in range(length)]
        if any(cell.text not in {"", MISSING} or cell.bar is not None for cell in made):
            kept.append(column)
            cells.append([Cell(MISSING) if column.numeric and cell == Cell("") else cell for cell in made])
    return Table(tuple(kept), tuple(zip(*cells, strict=True)), caption, folded, total, dense)


def _cell(value: Cell | str) -> Cell:
    return Cell(value) if isinstance(value, str) else value
