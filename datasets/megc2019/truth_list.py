"""Read the challenge's list of true labels: set, subject, clip and label a line, without a header."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.io.text_file import TextLine, read_text_lines
from datasets.megc2019.clip_names import ClipKey, build_clip_key, parse_set_name
from datasets.megc2019.labels import LABEL_REMEDY, LABEL_RULE, parse_label
from datasets.text import one_line

_RULE = "a line of the truth list holds set,subject,clip,label"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueClip:
    """A clip of the truth list, with its names as written and its label."""

    dataset: str
    subject: str
    clip: str
    label: int


def read_truth_list(path: Path) -> Mapping[ClipKey, TrueClip]:
    """Return the clips of a truth list by key.

    Raises:
        DatasetError: The file cannot be read, a line does not have four fields or a label, or a clip has two
            labels.
    """
    clips: dict[ClipKey, TrueClip] = {}
    for line in read_text_lines(path):
        true_clip = _parse_line(line, is_first=not clips)
        key = build_clip_key(true_clip.dataset, true_clip.subject, true_clip.clip)
        earlier = clips.setdefault(key, true_clip)
        if earlier.label != true_clip.label:
            raise line.build_error(
                "truth-list.several-labels",
                rule=f"a clip has one label, and an earlier line has {earlier.label} for it",
                remedy="remove the wrong line",
            )
    return clips


def _parse_line(line: TextLine, *, is_first: bool) -> TrueClip:
    fields = _split_fields(line)
    label = parse_label(fields[3]) if len(fields) == 4 else None
    if label is None:
        if is_first and not any(character.isdigit() for character in line.text):
            raise line.build_error(
                "truth-list.header", rule=f"{_RULE}, and the list has no header", remedy="remove the header"
            )
        raise line.build_error("truth-list.fields", rule=f"{_RULE}; {LABEL_RULE}", remedy=LABEL_REMEDY)
    dataset, subject, clip = (one_line(field.strip()) for field in fields[:3])
    return TrueClip(dataset=parse_set_name(dataset), subject=subject, clip=clip, label=label)


def _split_fields(line: TextLine) -> list[str]:
    try:
        return next(csv.reader([line.text], strict=True), [])
    except csv.Error:
        return []
