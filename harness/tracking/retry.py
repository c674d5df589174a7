"""Retries while the tracking store is unavailable, so that no write is lost."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from harness.errors import HarnessError, StudyAborted, UserError, is_full_disk
from harness.progress import format_duration

T = TypeVar("T")

DEFAULT_TIMEOUT = 900.0
"""Default of HARNESS_PATIENCE: seconds to wait for a store."""

FIRST_PAUSE, MAX_PAUSE = 0.5, 15.0

FINAL_ERROR_CODES = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")
"""MLflow error codes of a store that is available: retrying would not help."""


class StoreUnavailable(StudyAborted):
    """The store did not become available in time."""


class RetryPolicy:
    """Calls a function of a store and retries it while the store is unavailable.

    `is_reachable` returns whether the store is available; an error of an available store is raised to the
    caller. `notify` is called with a message when the store becomes unavailable and when it is back.
    """

    def __init__(self, store_uri: str, *, is_reachable: Callable[[], bool]) -> None:
        self.store_uri, self.is_reachable = store_uri, is_reachable
        self.notify: Callable[[str], None] = lambda _: None
        self._stop_event, self._is_down = threading.Event(), False

    def __call__(self, call: Callable[[], T]) -> T:
        """Return the value of `call()`.

        Raises:
            StoreUnavailable: the store was unavailable for too long.
            Exception: the error of `call`, if the store is available.
        """
        if self._is_down and self._stop_event.is_set():
            raise StoreUnavailable(f"the tracking store {self.store_uri} is unavailable")
        try:
            return call()
        except Exception as error:
            if is_full_disk(error) or getattr(error, "error_code", "") in FINAL_ERROR_CODES:
                raise
            return self._retry(call, error)

    def stop(self) -> None:
        """Stop waiting in all threads; do not call an unavailable store again."""
        self._stop_event.set()

    def _retry(self, call: Callable[[], T], error: Exception) -> T:
        pause, timeout = FIRST_PAUSE, get_timeout()
        # Monotonic: setting the system clock must not end or prolong the wait.
        start = time.monotonic()
        while True:
            # Check this first: if the store is available and the call fails, the error is the call's own.
            reachable = self.is_reachable()
            if not reachable and not self._is_down:
                self._is_down = True
                self.notify(
                    f"the tracking store {self.store_uri} is unavailable ({type(error).__name__}): writes "
                    f"are held for up to {format_duration(timeout)} and sent when it answers"
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
                        self.notify(f"the tracking store {self.store_uri} is back: sending the held writes")
                    return result
            if time.monotonic() - start > timeout or self._stop_event.wait(pause):
                self.stop()  # calls during exit must not wait again
                duration = format_duration(time.monotonic() - start)
                raise StoreUnavailable(
                    f"the tracking store {self.store_uri} has been unavailable for {duration} "
                    f"({type(error).__name__}): when it is back, start the same command again to resume from "
                    "the last checkpoint. HARNESS_PATIENCE sets the seconds to wait"
                ) from error
            pause = min(2 * pause, MAX_PAUSE)


class RetryingClient:
    """An MLflow client with retries in each of its methods."""

    def __init__(self, client: object, retry_policy: RetryPolicy) -> None:
        self._client, self._retry_policy = client, retry_policy

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call_with_retry(*args: Any, **kwargs: Any) -> Any:
            try:
                return self._retry_policy(lambda: method(*args, **kwargs))
            except Exception as error:
                if getattr(error, "error_code", "") != "PERMISSION_DENIED":
                    raise
                raise UserError(
                    f"the tracking server {self._retry_policy.store_uri} denied the request: its "
                    "administrator must grant this login EDIT on the experiment, or set default_permission "
                    "to EDIT",
                    code="tracking-server.permission-denied",
                ) from error

        return call_with_retry


def get_timeout() -> float:
    """Return the seconds to wait for a store: HARNESS_PATIENCE, or `DEFAULT_TIMEOUT`.

    Raises:
        HarnessError: HARNESS_PATIENCE is not a number of seconds.
    """
    text = os.environ.get("HARNESS_PATIENCE") or str(DEFAULT_TIMEOUT)
    try:
        timeout = float(text)
    except ValueError:
        timeout = math.nan
    if not 0 <= timeout < math.inf:
        raise HarnessError(
            "patience.invalid",
            f"HARNESS_PATIENCE must be a number of seconds, 0 or more; got {text!r}; unset it for "
            f"{DEFAULT_TIMEOUT:.0f}",
        )
    return timeout


class AsyncLogger:
    """Executes calls in order on a background thread, so that the caller does not wait for the store."""

    def __init__(self) -> None:
        self._thread_pool: ThreadPoolExecutor | None = None
        self._futures: list[Future[Any]] = []

    def submit(self, call: Callable[[], object]) -> None:
        """Queue `call` for execution."""
        if self._thread_pool is None:
            self._thread_pool = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self._futures.append(self._thread_pool.submit(call))

    def flush(self) -> None:
        """Wait until all queued calls have been executed; raise the error of the first that failed."""
        futures, self._futures = self._futures, []
        wait(futures)
        for future in futures:
            future.result()

    def cancel(self) -> None:
        """Drop the calls that have not started."""
        for future in self._futures:
            future.cancel()
        self._futures = []
