"""First and last names for invented people."""

from __future__ import annotations

__all__ = ["FIRST", "LAST"]

# fmt: off
FIRST = (
    "Ada", "Ben", "Cara", "Dan", "Ella", "Finn", "Greta", "Hugo", "Ida", "Jan", "Kira", "Liam", "Mara", "Nils",
    "Olga", "Paul", "Rosa", "Sven", "Tara", "Udo", "Vera", "Will", "Yara", "Zeno", "Anna", "Bela", "Clara",
    "David", "Eva", "Felix",
)
LAST = (
    "Abel", "Berg", "Conti", "Dahl", "Ebner", "Falk", "Graf", "Holm", "Iversen", "Jansen", "Keller", "Lang",
    "Meyer", "Novak", "Olsen", "Peters", "Quist", "Roth", "Sand", "Thoma", "Ulrich", "Vogel", "Weber", "Young",
    "Zimmer", "Brandt", "Fuchs", "Haas", "Koch", "Lind",
)
# fmt: on
