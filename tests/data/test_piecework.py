"""Work in threads: the same results, in the same order, however many there are."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from spmforecast.data.threads import ahead, in_line


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_what_comes_of_items_is_put_in_their_order(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    held, most, put = 0, 0, []
    lock = threading.Lock()

    def items() -> Iterator[int]:
        nonlocal held, most
        for item in range(60):
            with lock:
                held += 1
                most = max(most, held)
            yield item

    def slowly(item: int) -> int:
        time.sleep(0.001 * (item * 7 % 4))
        return item * item

    def away(square: int) -> None:
        nonlocal held
        with lock:
            held -= 1
        put.append(square)

    in_line(items(), slowly, away)
    assert put == [item * item for item in range(60)]
    assert most <= cores


@pytest.mark.parametrize("cores", [1, 3])
def test_of_items_that_fail_the_first_one_is_told(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    def fail(item: int) -> int:
        time.sleep(0.02 * (item == 4))  # the fifth fails after the sixth
        if item >= 4:
            raise ValueError(f"item {item}")
        return item

    for _ in range(5):
        put: list[int] = []
        with pytest.raises(ValueError, match=r"^item 4$"):
            in_line(range(20), fail, put.append)
        assert put == [0, 1, 2, 3][: len(put)]


def test_an_error_in_the_items_themselves_is_raised() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        in_line(items(), lambda item: item, lambda item: None)


def test_the_next_item_is_made_while_one_is_used() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in ahead(items()):
        assert made[min(number + 1, 3)].wait(10)
        assert not any(event.is_set() for event in made[number + 2 :])
    assert list(ahead(iter(()))) == []


def test_an_error_in_what_is_to_come_is_raised_behind_what_came() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(OSError, match="gone"):
        next(coming)


@pytest.mark.parametrize("cores", [1, 3])
def test_a_source_that_fails_is_told_after_items_that_failed_before(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("no more")

    def fail(item: int) -> int:
        time.sleep(0.02 * (item == 3))
        if item == 3:
            raise ValueError("item 3")
        return item

    with pytest.raises(ValueError, match=r"^item 3$"):
        in_line(items(), fail, lambda _: None)
    with pytest.raises(OSError, match=r"^no more$"):
        in_line(items(), abs, lambda _: None)


def test_an_interruption_lets_nobody_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    told: list[str] = []

    def interrupted(item: int | None) -> None:
        time.sleep(0.01)
        if item is None:
            raise KeyboardInterrupt("stop")

    def line() -> None:
        with pytest.raises(KeyboardInterrupt, match=r"^stop$"):
            in_line([1, 2, None, 3, 4, 5], interrupted, lambda _: None)
        told.append("ended")

    worker = threading.Thread(target=line, daemon=True)
    worker.start()
    worker.join(timeout=30.0)
    assert told == ["ended"]
