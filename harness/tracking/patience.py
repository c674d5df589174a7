"""Waiting for a tracking store that is away, so that nothing meant for it is lost."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from harness.errors import Stopped, is_full_disk
from harness.progress import clock

T = TypeVar("T")

SECONDS = 900.0
"""So long a store is waited for, unless HARNESS_PATIENCE says otherwise."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0

FINAL = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")
"""Answers, in MLflow's words, that a store gives when it is there: asking again changes nothing."""


class Away(Stopped):
    """A store did not come back in time."""


class Patience:
    """Calls a store, again and again while it is away; `tell` is told when that begins and ends.

    `answers` says whether the store is there: an error of a store that is there is the caller's.
    """

    def __init__(self, store: str, *, answers: Callable[[], bool]) -> None:
        self.store, self.answers = store, answers
        self.tell: Callable[[str], None] = lambda _: None
        self._ended, self._away = threading.Event(), False

    def __call__(self, call: Callable[[], T]) -> T:
        """What `call` returns.

        Raises:
            Away: the store was away for too long.
            Exception: whatever `call` raised although the store answers.
        """
        if self._away and self._ended.is_set():
            raise Away(f"the tracking store {self.store} is away")
        try:
            return call()
        except Exception as error:
            if is_full_disk(error) or getattr(error, "error_code", "") in FINAL:
                raise
            return self._again(call, error)

    def end(self) -> None:
        """Wait no longer, in whatever thread; a store that is away is not even asked again."""
        self._ended.set()

    def _again(self, call: Callable[[], T], error: Exception) -> T:
        pause, limit = FIRST_PAUSE, seconds()
        # Monotonic: a clock that is set anew in the meantime must not end or prolong the wait.
        start = time.monotonic()
        while True:
            # Asked first: where the store is there and the call still fails, the error is the call's own.
            there = self.answers()
            if not there and not self._away:
                self._away = True
                self.tell(
                    f"the tracking store {self.store} is away ({type(error).__name__}): what is meant for it "
                    f"is held and sent when it answers, for up to {clock(limit)}"
                )
            if there:
                try:
                    result = call()
                except Exception:
                    if self.answers():
                        raise
                else:
                    if self._away:
                        self._away = False
                        self.tell(f"the tracking store {self.store} is back: what was held is sent")
                    return result
            if time.monotonic() - start > limit or self._ended.wait(pause):
                self.end()  # what is called on the way out need not wait as long again
                raise Away(
                    f"the tracking store {self.store} has been away for {clock(time.monotonic() - start)} "
                    f"({type(error).__name__}): when it is back, start the same command again: it goes on "
                    "from the last checkpoint. HARNESS_PATIENCE sets how many seconds are waited"
                ) from error
            pause = min(2 * pause, LONGEST_PAUSE)


def seconds() -> float:
    """How long a store is waited for: what HARNESS_PATIENCE says, or `SECONDS`.

    Raises:
        ValueError: it says no number of seconds.
    """
    given = os.environ.get("HARNESS_PATIENCE") or str(SECONDS)
    try:
        limit = float(given)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ValueError(
            f"HARNESS_PATIENCE must be a number of seconds, 0 or more; got {given!r}; unset it for "
            f"{SECONDS:.0f}"
        )
    return limit


class Outbox:
    """Calls made in order on a thread of their own: whoever puts one in does not wait for a store."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._sent: list[Future[Any]] = []

    def put(self, call: Callable[[], object]) -> None:
        """Have `call` made after those before it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self._sent.append(self._thread.submit(call))

    def flush(self) -> None:
        """Return when every call has been made; raises what the first that failed raised."""
        sent, self._sent = self._sent, []
        wait(sent)
        for future in sent:
            future.result()

    def drop(self) -> None:
        """Make none of the calls that have not begun."""
        for future in self._sent:
            future.cancel()
        self._sent = []
