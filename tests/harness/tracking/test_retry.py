"""Tests of waiting for an unavailable store: how long, on which errors, and with which messages."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from harness.tracking.retry import AsyncLogger, RetryPolicy, StoreUnavailable, get_timeout
from tests.error_codes import raises_code


class Fault(Exception):
    """An error like those of a store."""

    error_code = ""


def make_failing_call(times: int, error: Exception) -> Callable[[], str]:
    """A call that fails a number of times and then returns a value."""
    left = iter([True] * times)

    def call() -> str:
        if next(left, False):
            raise error
        return "answer"

    return call


def test_recovered_store_is_retried_and_reported() -> None:
    states = iter([False, False, True])
    messages: list[str] = []
    policy = RetryPolicy("x", is_reachable=lambda: next(states))
    policy.notify = messages.append
    assert policy(make_failing_call(1, Fault())) == "answer"
    assert ["is unavailable" in messages[0], "is back" in messages[1], len(messages)] == [True, True, 2]


def test_error_of_an_available_store_is_raised() -> None:
    policy = RetryPolicy("x", is_reachable=lambda: True)
    assert policy(make_failing_call(1, Fault())) == "answer", "one error may be a short outage"
    with pytest.raises(Fault):
        policy(make_failing_call(2, Fault()))


def test_permanent_error_is_raised_without_retry() -> None:
    error = Fault()
    error.error_code = "RESOURCE_DOES_NOT_EXIST"
    calls: list[bool] = []

    def record_call() -> bool:
        calls.append(True)
        return False

    policy = RetryPolicy("x", is_reachable=record_call)
    for final in (error, OSError(28, "No space left on device")):
        with pytest.raises(type(final)):
            policy(make_failing_call(1, final))
    assert calls == []


def test_retry_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", "0")
    policy = RetryPolicy("x", is_reachable=lambda: False)
    with pytest.raises(
        StoreUnavailable, match=r"the tracking store x has been unavailable for 0 s .Fault.: when it is back"
    ):
        policy(make_failing_call(9, Fault()))
    monkeypatch.setenv("HARNESS_PATIENCE", "900")
    with pytest.raises(StoreUnavailable):
        policy(make_failing_call(9, Fault()))  # no further wait: the waiting time is used up
    policy = RetryPolicy("x", is_reachable=lambda: False)
    threading.Timer(0.2, policy.stop).start()
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        policy(make_failing_call(9, Fault()))
    assert time.monotonic() - start < 60, "not the 15 minutes"


@pytest.mark.parametrize(("text", "expected"), [("5", 5.0), ("0", 0.0), ("", 900.0)])
def test_timeout_is_a_number_of_seconds_or_the_default(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: float
) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", text)
    assert get_timeout() == expected


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_invalid_timeout_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HARNESS_PATIENCE", text)
    with raises_code("patience.invalid", repr(text)):
        get_timeout()


def test_async_logger_runs_calls_in_order_in_a_thread() -> None:
    logger, results, gate = AsyncLogger(), list[int](), threading.Event()
    logger.flush()
    logger.submit(gate.wait)
    for number in range(5):
        logger.submit(partial(results.append, number))
    assert results == []
    gate.set()
    logger.flush()
    assert results == [0, 1, 2, 3, 4]


def test_error_of_a_call_is_raised_by_flush() -> None:
    logger, results = AsyncLogger(), list[int]()
    logger.submit(lambda: 1 // 0)
    logger.submit(lambda: results.append(1))
    with pytest.raises(ZeroDivisionError):
        logger.flush()
    logger.flush()
    assert results == [1]


def test_dropped_call_does_not_run() -> None:
    logger, results, gate = AsyncLogger(), list[int](), threading.Event()
    logger.submit(gate.wait)
    logger.submit(lambda: results.append(1))
    logger.cancel()
    gate.set()
    logger.flush()
    logger.submit(lambda: results.append(2))
    logger.flush()
    assert results == [2]
