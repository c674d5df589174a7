"""Facts of a data set whose clips a coding sheet lists: names, patterns, classes and layouts.

A new data set of this kind is one `SheetFacts` and a loader that joins the functions of this package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from datasets.class_selection import ClassScheme

TABLE_SUFFIXES = (".xlsx", ".xls", ".csv")
"""File suffixes of a coding sheet, the preferred one first."""

APEX_POLICIES = ("apex", "apex_window")
"""The frame policies that select frames at or near the apex."""

FRAME_POLICIES = ("onset_offset", *APEX_POLICIES)
"""The frame policies of `datasets.sheets.frame_policies`."""

COLUMN_ALIASES: Mapping[str, tuple[str, ...]] = {
    "Subject": ("subject", "subjectid"),
    "Filename": ("filename", "file", "clip"),
    "OnsetFrame": ("onsetframe", "onset", "onsetf"),
    "ApexFrame": ("apexframe", "apex", "apexf"),
    "OffsetFrame": ("offsetframe", "offset", "offsetf"),
    "Estimated Emotion": ("estimatedemotion", "emotion"),
    "SecondOnset": ("onset2f",),
}
"""Spellings of each column, in lower case and without other characters than letters and digits."""

SECOND_ONSET = "SecondOnset"
"""A column that SMIC alone has: the onset of a second expression in the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameForm:
    """File names of the frames in one layout.

    `pattern` matches a whole file name in any case; its first group is the frame number. `description` is the
    name that an anomaly shows.
    """

    pattern: re.Pattern[str]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """Facts of a data set with a coding sheet.

    Attributes:
        name: Name of the data set in the catalogue.
        title: Name of the data set in messages.
        classes: Every emotion of the sheet, in label order.
        default_classes: Classes of a study that names no classes.
        layouts: Layouts of the release, the preferred one first.
        example_paths: A path in each layout, for messages.
        access_instructions: How to obtain the data.
        subject_pattern: Matches a whole subject name in any spelling; its first group is the number.
        subject_format: Format of the normal spelling, such as "sub{:02d}".
        frame_forms: File names of frames by form; of several that a folder holds, the first is its form.
        video_form: Form of clips that are videos; "" if the data set has none.
        sheet_patterns: File names (without suffix) of coding sheets, the preferred one first.
        emotion_spellings: Other spellings of emotions, in lower case.
        schemes: Named choices of classes.
        clip_counts: Clips of each emotion in a complete release, as far as it is one number.
        aligned_layouts: Layouts whose faces are aligned.
        optional_columns: Columns of `COLUMN_ALIASES` that the sheet may lack.
        apex_fallback: What stands in for an apex that is not between onset and offset: "none" leaves the clip
            out of the policies around the apex, "middle" takes the frame in the middle of the clip.
        has_consecutive_numbers: Whether the numbers of neighboring frames differ by one.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    default_classes: tuple[str, ...]
    layouts: tuple[str, ...]
    example_paths: Mapping[str, str]
    access_instructions: str
    subject_pattern: re.Pattern[str]
    subject_format: str
    frame_forms: Mapping[str, FrameForm]
    video_form: str = ""
    sheet_patterns: tuple[re.Pattern[str], ...]
    emotion_spellings: Mapping[str, str] = field(default_factory=dict)
    schemes: Mapping[str, ClassScheme] = field(default_factory=dict)
    clip_counts: Mapping[str, int] = field(default_factory=dict)
    aligned_layouts: tuple[str, ...] = ()
    optional_columns: tuple[str, ...] = ()
    apex_fallback: Literal["none", "middle"] = "none"
    has_consecutive_numbers: bool = True

    def parse_subject(self, text: str) -> str:
        """Return the normal spelling of a subject name; "" if the text is not a subject name."""
        match = self.subject_pattern.fullmatch(text.strip())
        return self.subject_format.format(int(match[1])) if match else ""

    def parse_emotion(self, text: str) -> str:
        """Return an emotion in lower case and in the spelling of `classes`."""
        emotion = text.strip().lower()
        return self.emotion_spellings.get(emotion, emotion)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a coding sheet must have."""
        return tuple(name for name in COLUMN_ALIASES if name not in (*self.optional_columns, SECOND_ONSET))


def compile_patterns(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns that ignore case and take only ASCII digits."""
    return tuple(re.compile(pattern, re.IGNORECASE | re.ASCII) for pattern in patterns)


def compile_frame_form(pattern: str, description: str) -> FrameForm:
    """Return the form of frames whose file names match the pattern in any case."""
    return FrameForm(pattern=compile_patterns(pattern)[0], description=description)
