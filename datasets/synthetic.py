"""A synthetic CASME II: drawn faces in the released set's layout, to try things out without a licence.

`Cropped/sub01/EP02_01f/reg_img46.jpg` and the coding sheet are laid out as the licensees have them, so the
loader of the real set reads this one unchanged; with `raw` also `CASME2-RAW/sub01/EP02_01f/img1.jpg`. No
number obtained on it says anything about people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.drawing.identity import Identity
    from datasets.synthetic_film import Take
    from datasets.synthetic_plan import Clip

_REAL_SUBJECTS, _REAL_CLIPS = 26, 255
_BALANCED_CLASSES, _CLASSES = 6, 7
_STRONGEST, _MOST_DIFFERENT = 4.0, 2.0
_FRAMES_WORTH_A_PROCESS, _MOST_PROCESSES = 150, 32


_MOST_SUBJECTS = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSpec:
    """What to draw. The defaults give a set of the real one's size and imbalance.

    Attributes:
        subjects: How many people.
        clips: Rows of the sheet; None is the real set's 255 scaled to the subjects, or one clip a class and
            subject when balanced.
        frames: Frames of each clip, onset to offset; None draws lengths like the real ones, 24 to 141.
        balance: Every subject shows each of six classes equally often, none "others"; otherwise the classes
            are as rare as in the sheet of 2014, with at least one clip each.
        amplitude: How far an expression moves, 0 (not at all) to 4; 1 is subtle but visible at its apex.
        identity: How far subjects differ, 0 (one face for all) to 2.
        raw: Also write the whole recordings, 640 by 480.
        seed: Another seed draws other people and other clips.

    Raises:
        ValueError: a value outside its range, or clips that cannot be dealt as asked.
    """

    subjects: int = _REAL_SUBJECTS
    clips: int | None = None
    frames: int | None = None
    balance: bool = False
    amplitude: float = 1.0
    identity: float = 1.0
    raw: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.subjects <= _MOST_SUBJECTS:
            raise ValueError(
                f"a synthetic set needs from 1 to {_MOST_SUBJECTS} subjects, for whom the release's names "
                f"have two digits; got subjects={self.subjects}"
            )
        if self.frames is not None and self.frames < 3:
            raise ValueError(
                f"onset, apex and offset need at least 3 frames; got frames={self.frames} "
                "(None draws lengths like the real ones)"
            )
        for name, value, most in (
            ("amplitude", self.amplitude, _STRONGEST),
            ("identity", self.identity, _MOST_DIFFERENT),
        ):
            if not (math.isfinite(value) and 0 <= value <= most):
                raise ValueError(f"{name} is accepted from 0 to {most:g}; got {value}")
        if self.seed < 0:
            raise ValueError(f"a seed is 0 or above; got seed={self.seed}")
        self._check_clips()

    @property
    def clip_count(self) -> int:
        """Rows of the sheet."""
        if self.clips is not None:
            return self.clips
        if self.balance:
            return self.subjects * _BALANCED_CLASSES
        return max(_CLASSES, round(_REAL_CLIPS * self.subjects / _REAL_SUBJECTS))

    def _check_clips(self) -> None:
        share = self.subjects * _BALANCED_CLASSES
        if self.balance and (self.clip_count < share or self.clip_count % share):
            raise ValueError(
                f"balance=True gives each of {self.subjects} subjects each of {_BALANCED_CLASSES} classes "
                f"equally often, so clips must be a multiple of {share}; got clips={self.clip_count}"
            )
        if not self.balance and self.clip_count < max(_CLASSES, self.subjects):
            raise ValueError(
                f"every class ({_CLASSES}) and every subject ({self.subjects}) needs a clip, so clips must "
                f"be at least {max(_CLASSES, self.subjects)}; got clips={self.clip_count}"
            )


EDITION = 1
"""Raised when the drawing changes, so that no older set in a cache stands for the new one."""

# Two clips a class and subject: with one, a held-out clip would be of the one class its subject never showed
# in training, and a network that has learned the person would do worse than chance.
DEMO = SyntheticSpec(subjects=8, clips=96, frames=7, balance=True, amplitude=4.0)


def synthesize(spec: SyntheticSpec, out: Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Draw the set into `out`, on all cores, and return `out`; the same spec gives the same bytes.

    The tree grows in a hidden folder beside `out` and is renamed when whole, so what stands at `out` is
    never half a set. `progress` is called with (takes written, takes in all) after each; a raw set has two
    takes a clip.

    Raises:
        ValueError: `out` is a file or a folder that holds something.
        OSError: the disk is full or `out` cannot be written.
    """
    from tempfile import TemporaryDirectory

    from datasets.synthetic_plan import plan_clips
    from datasets.synthetic_sheet import write_sheet

    out = out.absolute()
    if any(parent.is_file() for parent in out.parents):
        raise ValueError(f"{out} cannot be made: a part of its path is a file; name another")
    if out == Path.cwd():
        raise ValueError("a synthetic set cannot replace the working folder; name a folder in it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"a synthetic set is written into a new or empty folder; {out} is taken: "
            "name another or remove it"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    clips = plan_clips(
        subjects=spec.subjects,
        clips=spec.clip_count,
        frames=spec.frames,
        balance=spec.balance,
        seed=spec.seed,
    )
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as hidden:
        tree = Path(hidden) / out.name
        tree.mkdir()
        write_sheet(clips, tree)
        _film_all(tuple(_takes(spec, clips, tree)), progress or _silent)
        if out.exists():
            out.rmdir()
        tree.rename(out)
    return out


def _silent(done: int, total: int) -> None:
    """A progress nobody watches."""


def _film_all(takes: Sequence[Take], progress: Callable[[int, int], None]) -> None:
    """Write every take, in other processes where that pays."""
    import os
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    from datasets.synthetic_film import film, use_one_thread

    frames = sum(len(take.frames) for take in takes)
    workers = min(os.cpu_count() or 1, frames // _FRAMES_WORTH_A_PROCESS, _MOST_PROCESSES)
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


def _takes(spec: SyntheticSpec, clips: tuple[Clip, ...], tree: Path) -> Iterator[Take]:
    from datasets.drawing.identity import draw_identity
    from datasets.synthetic_film import Take, cropped_view, raw_view

    people: dict[int, Identity] = {
        subject: draw_identity((spec.seed, 1, subject), spread=spec.identity)
        for subject in range(1, spec.subjects + 1)
    }
    for row, clip in enumerate(clips):
        person, inside = people[clip.subject], Path(f"sub{clip.subject:02d}") / clip.name
        yield Take(
            clip=clip,
            person=person,
            view=cropped_view(person, (spec.seed, 2, row)),
            frames=range(clip.onset, clip.offset + 1),
            amplitude=spec.amplitude,
            folder=tree / "Cropped" / inside,
            prefix="reg_img",
            seed=(spec.seed, 3, row),
        )
        if spec.raw:
            tail = max(3, (clip.offset - clip.onset) // 3)
            yield Take(
                clip=clip,
                person=person,
                view=raw_view((spec.seed, 4, row)),
                frames=range(1, clip.offset + tail + 1),
                amplitude=spec.amplitude,
                folder=tree / "CASME2-RAW" / inside,
                prefix="img",
                seed=(spec.seed, 5, row),
            )
