"""The odd rows and folders of the CASME II copies in circulation, placed in a planned set.

Where the set has the subject, an oddity stands where the release has it (`sub04/EP12_01f`); in a smaller set
another subject takes its place. A clip that an oddity needs is renamed, or given to the subject, so the
numbers of rows and of each class stay as planned; only sadness may gain where the plan has less of it than
the three clips that were relabelled in 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from datasets.drawing.motion import EMOTION_UNITS
from datasets.synthetic.plan import Clip
from datasets.synthetic.sheet import RELABELLED, Row

ODD_NAMES = ((3, "EP01_2"), (3, "EP08_1"), (7, "EP06_02_01"), (7, "EP06_02_02"), (9, "EP09f"))
ODD_APEXES = {
    (4, "EP12_01f"): "/",
    (5, "EP09_05f"): "onset",
    (5, "EP16_04f"): "offset",
    (12, "EP09_06"): "offset",
    (20, "EP16_01"): "offset",
    (25, "EP18_04f"): "offset",
}
SHORT = (16, "EP01_08")
WITHOUT_ROW = ((9, "EP02_02f"), (24, "EP02_07"))
ODD_UNITS = ("4", "4+L10", "?")

_Key = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A clip that has a folder, and the last of its frames there: before the offset where it breaks off."""

    clip: Clip
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the sheet says, and what the folders hold."""

    rows: tuple[Row, ...]
    shown: tuple[Shown, ...]


def orderly(clips: Sequence[Clip]) -> Release:
    """Every clip with its row and its folder, and nothing odd."""
    return Release(
        rows=tuple(_row(clip) for clip in clips),
        shown=tuple(Shown(clip=clip, end=clip.offset) for clip in clips),
    )


def oddly(clips: Sequence[Clip], *, subjects: int) -> Release:
    """The clips with every oddity above, one row without a folder, and two folders without a row."""
    cast = _Cast(clips=list(clips))

    def placed(key: _Key) -> _Key:
        return (key[0] - 1) % subjects + 1, key[1]

    if subjects >= RELABELLED[0][0]:
        for key in RELABELLED:
            cast.sadden(cast.claim(key, lambda clip: clip.emotion == "sadness"))
    apexes = {cast.claim(placed(key), _of_six): end for key, end in ODD_APEXES.items()}
    short = cast.claim(placed(SHORT), _of_six)
    for key in ODD_NAMES:
        cast.claim(placed(key), _of_others)
    scored = cast.score(ODD_UNITS)
    missing = cast.leave_out()
    for key in WITHOUT_ROW:
        cast.free(placed(key))
    rows = [
        _row(clip, apex=apexes.get(at, ""), units=scored.get(at, "")) for at, clip in enumerate(cast.clips)
    ]
    shown = [
        Shown(clip=clip, end=clip.offset - max(1, (clip.offset - clip.onset) // 5) * (at == short))
        for at, clip in enumerate(cast.clips)
        if at != missing
    ]
    for key in WITHOUT_ROW:
        subject, name = placed(key)
        clip = replace(cast.clips[-1], subject=subject, name=name)
        shown.append(Shown(clip=clip, end=clip.offset))
    return Release(
        rows=tuple(sorted(rows, key=lambda row: (row.subject, row.name))),
        shown=tuple(sorted(shown, key=lambda one: (one.clip.subject, one.clip.name))),
    )


@dataclass(slots=True, kw_only=True)
class _Cast:
    """The clips while oddities are dealt; `taken` are the places in `clips` of those that have one."""

    clips: list[Clip]
    taken: set[int] = field(default_factory=set)

    def claim(self, key: _Key, fits: Callable[[Clip], bool]) -> int:
        """Make one untaken clip that of subject and name `key`, best one that fits, and say where it is."""
        free = [at for at in range(len(self.clips)) if at not in self.taken]
        sizes = Counter(clip.subject for clip in self.clips)

        def price(at: int) -> tuple[bool, bool, bool, bool, int]:
            """Lower is better: nobody loses the only clip, rare classes stay, then own clips, then many."""
            clip = self.clips[at]
            own = clip.subject == key[0]
            rare = clip.emotion in ("fear", "sadness") and not fits(clip)
            return (not own and sizes[clip.subject] == 1, rare, not fits(clip), not own, -sizes[clip.subject])

        named = [at for at in free if _key(self.clips[at]) == key and fits(self.clips[at])]
        found = named[0] if named else min(free, key=price)
        self.free(key, but=found)
        self.clips[found] = replace(self.clips[found], subject=key[0], name=key[1])
        self.taken.add(found)
        return found

    def free(self, key: _Key, *, but: int = -1) -> None:
        """Rename a clip that bears this name by chance."""
        names = {clip.name for clip in self.clips if clip.subject == key[0]}
        spare = next(name for take in range(1, 100) if (name := f"EP20_{take:02d}") not in names)
        for at, clip in enumerate(self.clips):
            if at != but and _key(clip) == key:
                self.clips[at] = replace(clip, name=spare)

    def sadden(self, at: int) -> None:
        """See that a clip shows sadness."""
        if self.clips[at].emotion != "sadness":
            self.clips[at] = replace(self.clips[at], emotion="sadness", units=EMOTION_UNITS["sadness"][0])

    def score(self, units: Sequence[str]) -> dict[int, str]:
        """Untaken clips of "others" that the sheet is to give these action units; drawn where they can be."""
        free = [at for at, clip in enumerate(self.clips) if at not in self.taken and _of_others(clip)]
        scored = dict(zip(free, units, strict=False))
        for at, text in scored.items():
            if text in EMOTION_UNITS["others"]:
                self.clips[at] = replace(self.clips[at], units=text)
        self.taken |= scored.keys()
        return scored

    def leave_out(self) -> int:
        """An untaken clip of a common class, of someone with many, whose folder is to be missing."""
        found = [
            at
            for at, clip in enumerate(self.clips)
            if at not in self.taken and clip.emotion in ("disgust", "happiness")
        ]
        sizes = Counter(clip.subject for clip in self.clips)
        missing = max(found, key=lambda at: (sizes[self.clips[at].subject], at))
        self.taken.add(missing)
        return missing


def _row(clip: Clip, *, apex: str = "", units: str = "") -> Row:
    ends: dict[str, int | str] = {"": clip.apex, "onset": clip.onset, "offset": clip.offset}
    return Row(
        subject=clip.subject,
        name=clip.name,
        onset=clip.onset,
        apex=ends.get(apex, apex),
        offset=clip.offset,
        units=units or clip.units,
        emotion=clip.emotion,
    )


def _key(clip: Clip) -> _Key:
    return clip.subject, clip.name


def _of_others(clip: Clip) -> bool:
    return clip.emotion == "others"


def _of_six(clip: Clip) -> bool:
    return clip.emotion not in ("others", "fear", "sadness")
