"""Tests of waiting for an unavailable store: how long, on which errors, and with which messages."""

import threading
import time
from collections.abc import Callable

import pytest

from harness.tracking.retry import AsyncLogger, RetryPolicy, StoreUnavailable, get_timeout
from tests.error_codes import raises_code


class Fault(Exception):
    """An error like those of a store."""

    error_code = ""


def failing(times: int, error: Exception) -> Callable[[], str]:
    """A call that fails a number of times and then returns a value."""
    left = iter([True] * times)

    def call() -> str:
        if next(left, False):
            raise error
        return "answer"

    return call


def test_a_store_that_comes_back_is_asked_again_and_told_of() -> None:
    away = iter([False, False, True])
    told: list[str] = []
    patience = RetryPolicy("x", is_reachable=lambda: next(away))
    patience.notify = told.append
    assert patience(failing(1, Fault())) == "answer"
    assert ["is unavailable" in told[0], "is back" in told[1], len(told)] == [True, True, 2]


def test_an_error_of_a_store_that_is_there_is_the_callers() -> None:
    patience = RetryPolicy("x", is_reachable=lambda: True)
    assert patience(failing(1, Fault())) == "answer", "it may have been away just then"
    with pytest.raises(Fault):
        patience(failing(2, Fault()))


def test_an_answer_that_asking_again_does_not_change_is_raised_at_once() -> None:
    error = Fault()
    error.error_code = "RESOURCE_DOES_NOT_EXIST"
    asked: list[bool] = []
    patience = RetryPolicy("x", is_reachable=lambda: bool(asked.append(True)))
    for final in (error, OSError(28, "No space left on device")):
        with pytest.raises(type(final)):
            patience(failing(1, final))
    assert asked == []


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", "0")
    patience = RetryPolicy("x", is_reachable=lambda: False)
    with pytest.raises(
        StoreUnavailable, match=r"the tracking store x has been unavailable for 0 s .Fault.: when it is back"
    ):
        patience(failing(9, Fault()))
    monkeypatch.setenv("HARNESS_PATIENCE", "900")
    with pytest.raises(StoreUnavailable):
        patience(failing(9, Fault()))  # no further wait: the waiting time is used up
    patience = RetryPolicy("x", is_reachable=lambda: False)
    threading.Timer(0.2, patience.stop).start()
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        patience(failing(9, Fault()))
    assert time.monotonic() - start < 60, "not the 15 minutes"


@pytest.mark.parametrize(("given", "meant"), [("5", 5.0), ("0", 0.0), ("", 900.0)])
def test_a_number_of_seconds_or_the_usual(monkeypatch: pytest.MonkeyPatch, given: str, meant: float) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", given)
    assert get_timeout() == meant


@pytest.mark.parametrize("given", ["soon", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", given)
    with raises_code("patience.invalid", repr(given)):
        get_timeout()


def test_an_outbox_makes_calls_in_order_beside_its_caller() -> None:
    outbox, done, gate = AsyncLogger(), list[int](), threading.Event()
    outbox.flush()
    outbox.submit(gate.wait)
    for number in range(5):
        outbox.submit(lambda number=number: done.append(number))
    assert done == []
    gate.set()
    outbox.flush()
    assert done == [0, 1, 2, 3, 4]


def test_what_a_call_raises_is_raised_when_the_outbox_is_emptied() -> None:
    outbox, done = AsyncLogger(), list[int]()
    outbox.submit(lambda: 1 // 0)
    outbox.submit(lambda: done.append(1))
    with pytest.raises(ZeroDivisionError):
        outbox.flush()
    outbox.flush()
    assert done == [1]


def test_a_dropped_call_is_not_made() -> None:
    outbox, done, gate = AsyncLogger(), list[int](), threading.Event()
    outbox.submit(gate.wait)
    outbox.submit(lambda: done.append(1))
    outbox.cancel()
    gate.set()
    outbox.flush()
    outbox.submit(lambda: done.append(2))
    outbox.flush()
    assert done == [2]
