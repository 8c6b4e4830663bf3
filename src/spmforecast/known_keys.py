"""Which keys a place of a text may hold, as its pydantic model says, and where others belong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

__all__ = ["every_key", "homes", "known_keys", "misplaced_keys"]

_MOST_HOMES = 3


def known_keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """List the keys that a place of the tree may hold."""
    here = _models_at(model, loc)
    return list(dict.fromkeys(info.alias or name for one in here for name, info in one.model_fields.items()))


def misplaced_keys(model: type[BaseModel], loc: tuple[str | int, ...], tree: Any) -> dict[str, str]:
    """Give keys that people write at a place and that belong elsewhere, each with where.

    A model tells them by a class method ``misplaced``, where it has one, which is given the whole tree.
    """
    asked = [getattr(one, "misplaced", None) for one in _models_at(model, loc)]
    return {key: told for ask in asked if ask is not None for key, told in ask(tree).items()}


def homes(model: type[BaseModel], key: str, loc: tuple[str | int, ...] = ()) -> list[str]:
    """Say where a key is known that may not stand at a place: at the top, or under which keys.

    The homes nearest to the top count. Where there are many, the keys at the top that hold them are named; none, where
    that tells no more than the place itself does.
    """
    places = _places(model).get(key, ())
    top = min(map(len, places), default=0)
    nearest = [place for place in places if len(place) == top]
    if len(nearest) > _MOST_HOMES:
        nearest = [place for place in dict.fromkeys(place[:1] for place in nearest) if place != loc[:1]]
    return [f"under {'.'.join(place)}" if place else "at the top" for place in nearest]


def every_key(model: type[BaseModel]) -> list[str]:
    """List all keys of a text, wherever they stand."""
    return list(_places(model))


@cache
def _places(model: type[BaseModel]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Find the places of each key: the keys above it, from the top."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for place, keys in _blocks(model, ()):
        for key in keys:
            found.setdefault(key, {})[place] = None
    return {key: tuple(places) for key, places in found.items()}


def _blocks(model: type[BaseModel], place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Go through a model and all within it, each with its place and keys."""
    yield place, known_keys(model, ())
    for name, info in model.model_fields.items():
        for inner in _models(info.annotation):
            yield from _blocks(inner, (*place, info.alias or name))


def _models_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """Find the models of what may stand at a place of the tree."""
    here = [model]
    for step in loc:
        named = [
            info.annotation for one in here for name, info in one.model_fields.items() if (info.alias or name) == step
        ]
        # Else a tag of a union of models, or an index or key of a container: pydantic names the model it tried.
        tried = [one for one in _models_within(model) if one.__name__ == step]
        here = [one for annotation in named for one in _models(annotation)] or tried[:1] or here
    return here


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Find the models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _models_within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for info in model.model_fields.values():
        for inner in _models(info.annotation):
            yield inner
            yield from _models_within(inner)
