"""Great-circle distances, and the reps that are near enough to be candidates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.optimize.territory.problem import Floats, Ints

__all__ = ["great_circle", "near_reps"]

_EARTH = 6371.0088  # mean radius, km (IUGG)


def great_circle(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Distances between places on the Earth, by the haversine formula.

    Parameters
    ----------
    a : array-like of float, shape (n, 2)
        Latitude and longitude in degrees.
    b : array-like of float, shape (m, 2)

    Returns
    -------
    array of float, shape (n, m)
        Kilometres; missing where a place is missing.
    """
    here, there = (np.radians(np.asarray(place, dtype=np.float64)) for place in (a, b))
    half_lat = np.sin((here[:, None, 0] - there[None, :, 0]) / 2.0) ** 2
    half_lon = np.sin((here[:, None, 1] - there[None, :, 1]) / 2.0) ** 2
    root = half_lat + np.cos(here[:, None, 0]) * np.cos(there[None, :, 0]) * half_lon
    return np.asarray(2.0 * _EARTH * np.arcsin(np.sqrt(np.clip(root, 0.0, 1.0))))


def near_reps(distance: Floats, today: Ints, count: int) -> Ints:
    """Nearest reps of each account, today's owner among them.

    Parameters
    ----------
    distance : array of float, shape (A, R)
    today : array of int, shape (A,)
        -1 where there is none.
    count : int
        Candidates of each account.

    Returns
    -------
    array of int, shape (A, min(count, R))
    """
    reps = distance.shape[1]
    if reps <= count:
        return np.broadcast_to(np.arange(reps), distance.shape).copy()
    order = np.argsort(np.nan_to_num(distance, nan=0.0), axis=1, kind="stable")[:, :count]
    missing = np.flatnonzero((today >= 0) & ~(order == today[:, None]).any(axis=1))
    order[missing, -1] = today[missing]
    return order
