"""Quirks of the CASME II copies in circulation, added to a planned set.

A quirk has the subject and clip name that it has in the release (`sub04/EP12_01f`); if a smaller set lacks
the subject, another subject gets the quirk. The planner renames an existing clip or moves it to the subject,
so the numbers of rows and of clips per class stay as planned. Only the class sadness may grow, if the plan
has fewer sadness clips than the three that were relabelled in 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.coding_sheet import RELABELLED_CLIPS, CodingRow
from datasets.synthetic.rendering.action_units import EMOTION_ACTION_UNITS

QUIRK_NAMES = ((3, "EP01_2"), (3, "EP08_1"), (7, "EP06_02_01"), (7, "EP06_02_02"), (9, "EP09f"))
QUIRK_APEXES = {
    (4, "EP12_01f"): "/",
    (5, "EP09_05f"): "onset",
    (5, "EP16_04f"): "offset",
    (12, "EP09_06"): "offset",
    (20, "EP16_01"): "offset",
    (25, "EP18_04f"): "offset",
}
TRUNCATED_CLIP = (16, "EP01_08")
CLIPS_WITHOUT_ROW = ((9, "EP02_02f"), (24, "EP02_07"))
QUIRK_UNITS = ("4", "4+L10", "?")

_ClipKey = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFolder:
    """A clip with a folder, and the last frame in it, which is before the offset if the clip is truncated."""

    clip: ClipPlan
    last_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """The rows of the coding sheet and the clip folders on disk."""

    rows: tuple[CodingRow, ...]
    folders: tuple[ClipFolder, ...]


def without_quirks(clips: Sequence[ClipPlan]) -> ReleasePlan:
    """Return a plan with one row and one complete folder per clip."""
    return ReleasePlan(
        rows=tuple(_make_row(clip) for clip in clips),
        folders=tuple(ClipFolder(clip=clip, last_frame=clip.offset) for clip in clips),
    )


def with_release_quirks(clips: Sequence[ClipPlan], *, subjects: int) -> ReleasePlan:
    """Return a plan with all quirks above, one row without a folder, and two folders without a row."""
    planner = _QuirkPlanner(clips=list(clips))

    def wrap_subject(key: _ClipKey) -> _ClipKey:
        return (key[0] - 1) % subjects + 1, key[1]

    if subjects >= RELABELLED_CLIPS[0][0]:
        for key in RELABELLED_CLIPS:
            planner.set_sadness(planner.assign_clip(key, lambda clip: clip.emotion == "sadness"))
    apex_by_index = {
        planner.assign_clip(wrap_subject(key), _is_frequent_emotion): apex_text
        for key, apex_text in QUIRK_APEXES.items()
    }
    truncated_index = planner.assign_clip(wrap_subject(TRUNCATED_CLIP), _is_frequent_emotion)
    for key in QUIRK_NAMES:
        planner.assign_clip(wrap_subject(key), _is_others)
    units_by_index = planner.assign_units(QUIRK_UNITS)
    missing_index = planner.pick_missing_folder()
    for key in CLIPS_WITHOUT_ROW:
        planner.rename_conflicts(wrap_subject(key))
    rows = [
        _make_row(clip, apex=apex_by_index.get(index, ""), action_units=units_by_index.get(index, ""))
        for index, clip in enumerate(planner.clips)
    ]
    folders = [
        ClipFolder(
            clip=clip,
            last_frame=clip.offset - max(1, (clip.offset - clip.onset) // 5) * (index == truncated_index),
        )
        for index, clip in enumerate(planner.clips)
        if index != missing_index
    ]
    for key in CLIPS_WITHOUT_ROW:
        subject, name = wrap_subject(key)
        clip = replace(planner.clips[-1], subject=subject, name=name)
        folders.append(ClipFolder(clip=clip, last_frame=clip.offset))
    return ReleasePlan(
        rows=tuple(sorted(rows, key=lambda row: (row.subject, row.name))),
        folders=tuple(
            sorted(folders, key=lambda clip_folder: (clip_folder.clip.subject, clip_folder.clip.name))
        ),
    )


@dataclass(slots=True, kw_only=True)
class _QuirkPlanner:
    """Assigns quirks to clips. `used_indices` are the indices in `clips` of the clips that have a quirk."""

    clips: list[ClipPlan]
    used_indices: set[int] = field(default_factory=set)

    def assign_clip(self, key: _ClipKey, is_suitable: Callable[[ClipPlan], bool]) -> int:
        """Give the best unused clip the subject and name of `key`, and return its index."""
        candidates = [index for index in range(len(self.clips)) if index not in self.used_indices]
        clip_counts = Counter(clip.subject for clip in self.clips)

        def compute_cost(index: int) -> tuple[bool, bool, bool, bool, int]:
            """Return a sort key; lower is better.

            In this order: keep every subject's only clip, keep rare classes, prefer suitable clips, prefer
            the subject's own clips, prefer subjects with many clips.
            """
            clip = self.clips[index]
            is_own = clip.subject == key[0]
            is_rare = clip.emotion in ("fear", "sadness") and not is_suitable(clip)
            return (
                not is_own and clip_counts[clip.subject] == 1,
                is_rare,
                not is_suitable(clip),
                not is_own,
                -clip_counts[clip.subject],
            )

        matches = [
            index
            for index in candidates
            if _get_key(self.clips[index]) == key and is_suitable(self.clips[index])
        ]
        target = matches[0] if matches else min(candidates, key=compute_cost)
        self.rename_conflicts(key, except_index=target)
        self.clips[target] = replace(self.clips[target], subject=key[0], name=key[1])
        self.used_indices.add(target)
        return target

    def rename_conflicts(self, key: _ClipKey, *, except_index: int = -1) -> None:
        """Rename any other clip that has the subject and name of `key`."""
        used_names = {clip.name for clip in self.clips if clip.subject == key[0]}
        unused_name = next(
            name for number in range(1, 100) if (name := f"EP20_{number:02d}") not in used_names
        )
        for index, clip in enumerate(self.clips):
            if index != except_index and _get_key(clip) == key:
                self.clips[index] = replace(clip, name=unused_name)

    def set_sadness(self, index: int) -> None:
        """Change the clip's emotion to sadness, if it is another one."""
        if self.clips[index].emotion != "sadness":
            self.clips[index] = replace(
                self.clips[index], emotion="sadness", action_units=EMOTION_ACTION_UNITS["sadness"][0]
            )

    def assign_units(self, unit_texts: Sequence[str]) -> dict[int, str]:
        """Choose unused clips of "others" for these texts in the sheet, and return the texts by clip index.

        Texts that are action units of "others" also change the rendered action units.
        """
        candidates = [
            index
            for index, clip in enumerate(self.clips)
            if index not in self.used_indices and _is_others(clip)
        ]
        units_by_index = dict(zip(candidates, unit_texts, strict=False))
        for index, action_units in units_by_index.items():
            if action_units in EMOTION_ACTION_UNITS["others"]:
                self.clips[index] = replace(self.clips[index], action_units=action_units)
        self.used_indices |= units_by_index.keys()
        return units_by_index

    def pick_missing_folder(self) -> int:
        """Return the index of the clip whose folder will be missing.

        It is an unused clip of a frequent class, of the subject with the most clips.
        """
        candidates = [
            index
            for index, clip in enumerate(self.clips)
            if index not in self.used_indices and clip.emotion in ("disgust", "happiness")
        ]
        clip_counts = Counter(clip.subject for clip in self.clips)
        missing_index = max(candidates, key=lambda index: (clip_counts[self.clips[index].subject], index))
        self.used_indices.add(missing_index)
        return missing_index


def _make_row(clip: ClipPlan, *, apex: str = "", action_units: str = "") -> CodingRow:
    named_frames: dict[str, int | str] = {"": clip.apex, "onset": clip.onset, "offset": clip.offset}
    return CodingRow(
        subject=clip.subject,
        name=clip.name,
        onset=clip.onset,
        apex=named_frames.get(apex, apex),
        offset=clip.offset,
        action_units=action_units or clip.action_units,
        emotion=clip.emotion,
    )


def _get_key(clip: ClipPlan) -> _ClipKey:
    return clip.subject, clip.name


def _is_others(clip: ClipPlan) -> bool:
    return clip.emotion == "others"


def _is_frequent_emotion(clip: ClipPlan) -> bool:
    return clip.emotion not in ("others", "fear", "sadness")
