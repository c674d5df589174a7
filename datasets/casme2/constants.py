"""Constants of CASME II: frame policies, layouts, classes, editions, and the counts of a complete release.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation", PLoS
ONE 9(1), 2014. The clip counts come from the coding sheets. `PAPER_FRAME_COUNTS` is Table 2 of Zhang et al.;
the sheet of 2014 reproduces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datasets.class_selection import ClassScheme, keep_emotions
from datasets.megc2019.constants import CLASSES as MEGC_CLASSES
from datasets.sheets.facts import SheetFacts, compile_frame_form, compile_patterns

FRAME_POLICIES = ("onset_offset", "apex", "apex_window", "paper")
"""The frame policies, the default one first."""

LAYOUTS = ("cropped", "raw_selected", "raw", "compressed")
"""The layouts of the release, the preferred one first."""

DEFAULT_CLASSES = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
"""The six classes of the paper."""

OTHERS = "others"
CLASSES = (*DEFAULT_CLASSES, OTHERS)
"""Every emotion of the sheet, in label order."""

EDITION_2014 = "2014-05-08"
EDITION_2019 = "2019-07-01"
EDITION_BY_EMOTION = {"sadness": EDITION_2014, "surprise": EDITION_2019}
RELABELED_CLIPS = (("sub24", "EP07_01"), ("sub24", "EP07_04f"), ("sub24", "EP10_03"))
"""The clips whose emotion was changed in 2019; their emotion identifies the edition of the labels."""

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

MEGC_EXCLUDED_CLIPS = (("sub04", "EP12_01f"), ("sub05", "EP09_05f"), *RELABELED_CLIPS)
"""Clips that MEGC 2019 leaves out: two with an unusable apex, and three whose emotion of 2014 is sadness."""

SCHEMES: Mapping[str, ClassScheme] = {
    "3-class": ClassScheme(
        classes=MEGC_CLASSES,
        emotions={
            "disgust": "negative",
            "repression": "negative",
            "happiness": "positive",
            "surprise": "surprise",
        },
        excluded_clips=MEGC_EXCLUDED_CLIPS,
    ),
    "5-class": keep_emotions(("disgust", "happiness", "repression", "surprise", OTHERS)),
    "7-class": keep_emotions(CLASSES),
}
"""Named choices of classes: "3-class" gives the 145 clips of MEGC 2019."""

FACTS = SheetFacts(
    name="casme2",
    title="CASME II",
    classes=CLASSES,
    default_classes=DEFAULT_CLASSES,
    layouts=LAYOUTS,
    example_paths=EXAMPLE_PATHS,
    access_instructions=ACCESS_INSTRUCTIONS,
    subject_pattern=compile_patterns(r"(?:sub)?0*(\d{1,2})(?:\.0+)?")[0],
    subject_format="sub{:02d}",
    frame_forms={
        "cropped": compile_frame_form(r"reg_img(\d{1,9})\.(?:jpe?g|png)", "reg_img<number>"),
        "img": compile_frame_form(r"img(\d{1,9})\.(?:jpe?g|png)", "img<number>"),
    },
    video_form="compressed",
    # The edition of 2014 comes first because the paper used it.
    sheet_patterns=compile_patterns(
        r".*coding\W?_?2014.*", r".*coding\W?_?2019.*", r".*coding.*", r".*label\W?_?ver\W?_?2.*"
    ),
    emotion_spellings={"other": OTHERS},
    schemes=SCHEMES,
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
    """Return the clips of each class in a complete release; for an unknown edition, those of 2014.

    `classes` are emotions.
    """
    counts = CLIP_COUNTS.get(edition, CLIP_COUNTS[EDITION_2014])
    return tuple(counts[name] for name in classes)


def get_expected_sample_counts(frame_policy: str, classes: Sequence[str], *, edition: str) -> tuple[int, ...]:
    """Return the samples of each class in a complete release under a frame policy; () if unknown."""
    is_known = frame_policy == "paper" and edition == EDITION_2014 and OTHERS not in classes
    return tuple(PAPER_FRAME_COUNTS[name] for name in classes) if is_known else ()
