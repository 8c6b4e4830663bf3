"""Territories that hang together: components, the check, and separators for cuts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from spmforecast.optimize.territory.problem import Ints

__all__ = ["Neighbours", "components", "is_contiguous", "separator"]

Mask = npt.NDArray[np.bool_]


class Neighbours:
    """Neighbour lists of n units.

    Parameters
    ----------
    edges : array of int, shape (E, 2)
    count : int
        Number of units, n.
    """

    def __init__(self, edges: Ints, count: int) -> None:
        self.count = count
        both = np.concatenate((edges, edges[:, ::-1]))
        both = both[both[:, 0] != both[:, 1]]
        ones = np.ones(len(both))
        self.matrix = sparse.csr_matrix((ones, (both[:, 0], both[:, 1])), shape=(count, count))
        self.matrix.sum_duplicates()

    def of(self, unit: int) -> Ints:
        """Neighbours of a unit."""
        return np.asarray(self.matrix.indices[self.matrix.indptr[unit] : self.matrix.indptr[unit + 1]], dtype=np.int64)

    def around(self, inside: Mask) -> Mask:
        """Units outside of a set that touch it."""
        return np.asarray((self.matrix @ inside.astype(np.float64) > 0) & ~inside)

    def pieces(self, inside: Mask) -> list[Ints]:
        """Return the connected pieces of a set of units, largest first, ties by first unit."""
        members = np.flatnonzero(inside)
        if not len(members):
            return []
        _, label = csgraph.connected_components(self.matrix[members][:, members], directed=False)
        pieces = [members[label == k] for k in range(int(label.max()) + 1)]
        return sorted(pieces, key=lambda piece: (-len(piece), int(piece[0])))

    def reach(self, start: Ints, inside: Mask) -> Mask:
        """Units of a set that can be reached from `start` within it."""
        found = np.zeros(self.count, dtype=np.bool_)
        for piece in self.pieces(inside):
            if np.isin(start, piece).any():
                found[piece] = True
        return found


def components(edges: npt.ArrayLike, owner: npt.ArrayLike) -> Ints:
    """Count the connected pieces that each territory falls into.

    Parameters
    ----------
    edges : array-like of int, shape (E, 2)
        Neighbouring units.
    owner : array-like of int, shape (n,)
        Territory of each unit, from 0; negative where it has none.

    Returns
    -------
    array of int, shape (territories,)
        0 for an empty territory, 1 for a contiguous one.
    """
    own = np.asarray(owner, dtype=np.int64)
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    same = pairs[(own[pairs[:, 0]] == own[pairs[:, 1]])]
    graph = sparse.coo_matrix((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(len(own), len(own)))
    _, label = csgraph.connected_components(graph, directed=False)
    held = own >= 0
    _, first = np.unique(label[held], return_index=True)
    return np.bincount(own[held][first], minlength=int(own.max(initial=-1)) + 1).astype(np.int64)


def is_contiguous(edges: npt.ArrayLike, owner: npt.ArrayLike) -> bool:
    """Whether every territory hangs together; an empty one does."""
    return bool((components(edges, owner) <= 1).all())


def separator(neighbours: Neighbours, piece: Ints, target: int, allowed: Mask) -> Ints:
    """Smallest set of allowed units around `piece` that every path from it to `target` must cross.

    Parameters
    ----------
    neighbours : Neighbours
    piece : array of int
        Connected units, not touching `target`.
    target : int
    allowed : array of bool, shape (n,)
        Units that the territory may hold.

    Returns
    -------
    array of int
        Empty where no path exists.
    """
    inside = np.zeros(neighbours.count, dtype=np.bool_)
    inside[piece] = True
    ring = neighbours.around(inside) & allowed
    beyond = neighbours.reach(np.array([target]), allowed & ~ring & ~inside)
    return np.flatnonzero(ring & neighbours.around(beyond))
