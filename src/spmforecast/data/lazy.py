"""Tables of a view as of a day, of which the large ones are made only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

__all__ = ["Tables"]


class Tables(Mapping[str, pd.DataFrame]):
    """A mapping of tables that does not change; some are made when they are first asked for, and kept.

    Parameters
    ----------
    ready : mapping of str to pandas.DataFrame
        Those that are there.
    later : mapping of str to callable
        What makes the others, the same whenever it is called.
    names : sequence of str
        Names of all, in order.
    """

    def __init__(
        self, ready: Mapping[str, pd.DataFrame], later: Mapping[str, Callable[[], pd.DataFrame]], names: Sequence[str]
    ) -> None:
        self._ready, self._later, self._names = dict(ready), dict(later), tuple(names)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._ready and name in self._later:
            # Two threads may both make it; what they make is the same, and the first one stays.
            self._ready.setdefault(name, self._later[name]())
            self._later.pop(name, None)
        return self._ready[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Tables({', '.join(self._names)})"
