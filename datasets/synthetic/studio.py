"""Takes written by as many processes as pay; what they write does not depend on how many there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from datasets.synthetic.film import Take, film, use_one_thread

FRAMES_WORTH_A_PROCESS, MOST_PROCESSES = 150, 32


def film_all(takes: Sequence[Take], progress: Callable[[int, int], None]) -> None:
    """Write every take, in other processes where that pays; `progress` hears (written, in all) after each.

    Raises:
        OSError: a frame could not be written.
    """
    frames = sum(len(take.frames) for take in takes)
    workers = min(os.cpu_count() or 1, frames // FRAMES_WORTH_A_PROCESS, MOST_PROCESSES)
    if workers < 2:
        for done, take in enumerate(takes, start=1):
            film(take)
            progress(done, len(takes))
        return
    # Drawing is thousands of small calls, so threads would wait for one another.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=use_one_thread) as pool:
        writing = [pool.submit(film, take) for take in takes]
        try:
            for done, written in enumerate(as_completed(writing), start=1):
                written.result()
                progress(done, len(takes))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
