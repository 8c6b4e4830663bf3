"""Which keys a place of a text may hold, as its pydantic model says, and where others belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

__all__ = ["homes", "known_keys", "misplaced_keys"]


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


def homes(model: type[BaseModel], key: str) -> list[str]:
    """Say where else a key is known: at the top, or under which of the keys there."""
    under = [
        f"under {info.alias or name}"
        for name, info in model.model_fields.items()
        if any(key in known_keys(inner, ()) for inner in _models(info.annotation))
    ]
    return [*(["at the top"] if key in known_keys(model, ()) else []), *under]


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
