"""Writing of clips in several processes. The output does not depend on the number of processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from datasets.synthetic.clip_writer import RenderJob, use_one_thread, write_clip

MIN_FRAMES_PER_PROCESS, MAX_PROCESSES = 150, 32


def write_clips(jobs: Sequence[RenderJob], progress: Callable[[int, int], None]) -> None:
    """Write all clips, in worker processes if there are enough frames.

    Calls `progress` with (clips written, clips in total) after each clip.

    Raises:
        OSError: a frame could not be written.
    """
    frames = sum(len(job.frame_numbers) for job in jobs)
    workers = min(os.cpu_count() or 1, frames // MIN_FRAMES_PER_PROCESS, MAX_PROCESSES)
    if workers < 2:
        for clip_count, job in enumerate(jobs, start=1):
            write_clip(job)
            progress(clip_count, len(jobs))
        return
    # Rendering makes thousands of short calls, so threads would wait for the interpreter lock.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=use_one_thread) as pool:
        futures = [pool.submit(write_clip, job) for job in jobs]
        try:
            for clip_count, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(clip_count, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
