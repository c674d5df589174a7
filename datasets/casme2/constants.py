"""Constants of CASME II: frame policies, layouts, classes, editions, and the counts of a complete release.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation", PLoS
ONE 9(1), 2014. The clip counts come from the coding sheets. `PAPER_FRAME_COUNTS` is Table 2 of Zhang et al.;
the sheet of 2014 reproduces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FRAME_POLICIES = ("onset_offset", "apex", "apex_window", "paper")
"""The frame policies, the default one first."""

LAYOUTS = ("cropped", "raw_selected", "raw", "compressed")
"""The layouts of the release, the preferred one first."""

DEFAULT_CLASSES = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
"""The six classes of the paper."""

OTHERS = "others"
CLASSES = (*DEFAULT_CLASSES, OTHERS)
"""Every emotion of the sheet, in label order."""

APEX_WINDOW_RADIUS = 2
"""Frames of `apex_window` before and after the apex: five frames in all, 25 ms at 200 frames a second."""

EDITION_2014 = "2014-05-08"
EDITION_2019 = "2019-07-01"
EDITION_BY_EMOTION = {"sadness": EDITION_2014, "surprise": EDITION_2019}
RELABELED_CLIPS = (("sub24", "EP07_01"), ("sub24", "EP07_04f"), ("sub24", "EP10_03"))
"""The clips whose emotion was changed in 2019; their emotion identifies the edition of the labels."""

TABLE_SUFFIXES = (".xlsx", ".xls", ".csv")
"""File suffixes of a coding sheet, the preferred one first."""

EXAMPLE_PATHS = {
    "cropped": "sub01/EP02_01f/reg_img46.jpg",
    "raw_selected": "sub01/EP02_01f/img46.jpg",
    "raw": "sub01/EP02_01f/img1.jpg",
    "compressed": "sub01/EP02_01f.avi",
}
ACCESS_INSTRUCTIONS = (
    "CASME II is free for research under a license of the Chinese Academy of Sciences: ask with the form at "
    "http://casme.psych.ac.cn, unpack Cropped and CASME2-coding-20140508.xlsx into one folder, and name it "
    "by --root or HARNESS_CASME2. `harness data synthesize` writes a synthetic set in the same layout."
)

_CLIP_COUNTS_2014 = {
    "happiness": 32,
    "surprise": 25,
    "disgust": 63,
    "repression": 27,
    "sadness": 7,
    "fear": 2,
    OTHERS: 99,
}
CLIP_COUNTS: Mapping[str, Mapping[str, int]] = {
    EDITION_2014: _CLIP_COUNTS_2014,
    EDITION_2019: {**_CLIP_COUNTS_2014, "sadness": 4, "surprise": 28},
}
PAPER_FRAME_COUNTS: Mapping[str, int] = {
    "happiness": 1573,
    "sadness": 256,
    "surprise": 947,
    "fear": 127,
    "disgust": 2058,
    "repression": 1090,
}


def get_expected_clip_counts(classes: Sequence[str], *, edition: str) -> tuple[int, ...]:
    """Return the clips of each class in a complete release; for an unknown edition, those of 2014."""
    counts = CLIP_COUNTS.get(edition, CLIP_COUNTS[EDITION_2014])
    return tuple(counts[name] for name in classes)


def get_expected_sample_counts(frame_policy: str, classes: Sequence[str], *, edition: str) -> tuple[int, ...]:
    """Return the samples of each class in a complete release under a frame policy; () if unknown."""
    is_known = frame_policy == "paper" and edition == EDITION_2014 and OTHERS not in classes
    return tuple(PAPER_FRAME_COUNTS[name] for name in classes) if is_known else ()
