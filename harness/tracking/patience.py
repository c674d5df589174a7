"""Waiting for a tracking store that is away, so that nothing meant for it is lost."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from harness.errors import StudyAborted, is_full_disk
from harness.progress import format_duration

T = TypeVar("T")

DEFAULT_TIMEOUT = 900.0
"""So long a store is waited for, unless HARNESS_PATIENCE says otherwise."""

FIRST_PAUSE, MAX_PAUSE = 0.5, 15.0

FINAL_ERROR_CODES = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")
"""Answers, in MLflow's words, that a store gives when it is there: asking again changes nothing."""


class StoreUnavailable(StudyAborted):
    """A store did not come back in time."""


class RetryPolicy:
    """Calls a store, again and again while it is away; `tell` is told when that begins and ends.

    `answers` says whether the store is there: an error of a store that is there is the caller's.
    """

    def __init__(self, store_uri: str, *, is_reachable: Callable[[], bool]) -> None:
        self.store_uri, self.is_reachable = store_uri, is_reachable
        self.notify: Callable[[str], None] = lambda _: None
        self._stop_event, self._is_down = threading.Event(), False

    def __call__(self, call: Callable[[], T]) -> T:
        """What `call` returns.

        Raises:
            Away: the store was away for too long.
            Exception: whatever `call` raised although the store answers.
        """
        if self._is_down and self._stop_event.is_set():
            raise StoreUnavailable(f"the tracking store {self.store_uri} is away")
        try:
            return call()
        except Exception as error:
            if is_full_disk(error) or getattr(error, "error_code", "") in FINAL_ERROR_CODES:
                raise
            return self._retry(call, error)

    def stop(self) -> None:
        """Wait no longer, in whatever thread; a store that is away is not even asked again."""
        self._stop_event.set()

    def _retry(self, call: Callable[[], T], error: Exception) -> T:
        pause, timeout = FIRST_PAUSE, get_timeout()
        # Monotonic: a clock that is set anew in the meantime must not end or prolong the wait.
        start = time.monotonic()
        while True:
            # Asked first: where the store is there and the call still fails, the error is the call's own.
            reachable = self.is_reachable()
            if not reachable and not self._is_down:
                self._is_down = True
                self.notify(
                    f"the tracking store {self.store_uri} is away ({type(error).__name__}): what is meant for it "
                    f"is held and sent when it answers, for up to {format_duration(timeout)}"
                )
            if reachable:
                try:
                    result = call()
                except Exception:
                    if self.is_reachable():
                        raise
                else:
                    if self._is_down:
                        self._is_down = False
                        self.notify(f"the tracking store {self.store_uri} is back: what was held is sent")
                    return result
            if time.monotonic() - start > timeout or self._stop_event.wait(pause):
                self.stop()  # what is called on the way out need not wait as long again
                raise StoreUnavailable(
                    f"the tracking store {self.store_uri} has been away for {format_duration(time.monotonic() - start)} "
                    f"({type(error).__name__}): when it is back, start the same command again: it goes on "
                    "from the last checkpoint. HARNESS_PATIENCE sets how many seconds are waited"
                ) from error
            pause = min(2 * pause, MAX_PAUSE)


def get_timeout() -> float:
    """How long a store is waited for: what HARNESS_PATIENCE says, or `SECONDS`.

    Raises:
        ValueError: it says no number of seconds.
    """
    text = os.environ.get("HARNESS_PATIENCE") or str(DEFAULT_TIMEOUT)
    try:
        timeout = float(text)
    except ValueError:
        timeout = math.nan
    if not 0 <= timeout < math.inf:
        raise ValueError(
            f"HARNESS_PATIENCE must be a number of seconds, 0 or more; got {text!r}; unset it for "
            f"{DEFAULT_TIMEOUT:.0f}"
        )
    return timeout


class AsyncLogger:
    """Calls made in order on a thread of their own: whoever puts one in does not wait for a store."""

    def __init__(self) -> None:
        self._thread_pool: ThreadPoolExecutor | None = None
        self._futures: list[Future[Any]] = []

    def submit(self, call: Callable[[], object]) -> None:
        """Have `call` made after those before it."""
        if self._thread_pool is None:
            self._thread_pool = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self._futures.append(self._thread_pool.submit(call))

    def flush(self) -> None:
        """Return when every call has been made; raises what the first that failed raised."""
        futures, self._futures = self._futures, []
        wait(futures)
        for future in futures:
            future.result()

    def cancel(self) -> None:
        """Make none of the calls that have not begun."""
        for future in self._futures:
            future.cancel()
        self._futures = []
