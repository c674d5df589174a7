"""Constants of SAMM: frame policies, layout, classes, the counts of a complete release, and how to get it.

Davison, Lansley, Costen, Tan and Yap, "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE Transactions
on Affective Computing 9(1), 2018. The clip counts come from the coding sheets.
"""

from __future__ import annotations

from collections.abc import Mapping

from datasets.class_selection import ClassScheme, keep_emotions
from datasets.megc2019.constants import CLASSES as MEGC_CLASSES
from datasets.sheets.facts import FRAME_POLICIES as FRAME_POLICIES
from datasets.sheets.facts import SheetFacts, compile_frame_form, compile_patterns

LAYOUTS = ("raw",)
"""The one layout of the release: whole gray camera images, whose faces are not aligned."""

OTHER = "other"
DEFAULT_CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""The seven emotions of the sheet, whose 133 clips are those of MEGC 2019."""

CLASSES = (*DEFAULT_CLASSES, OTHER)
"""Every emotion of the sheet, in label order."""

CLIP_COUNTS: Mapping[str, int] = {
    "anger": 57,
    "contempt": 12,
    "disgust": 9,
    "fear": 8,
    "happiness": 26,
    "sadness": 6,
    "surprise": 15,
    OTHER: 26,
}
"""Clips of each class in a complete release."""

NUM_SUBJECTS = 29

SCHEMES: Mapping[str, ClassScheme] = {
    "3-class": ClassScheme(
        classes=MEGC_CLASSES,
        emotions={
            **dict.fromkeys(("anger", "contempt", "disgust", "fear", "sadness"), "negative"),
            "happiness": "positive",
            "surprise": "surprise",
        },
    ),
    "5-class": keep_emotions(("anger", "contempt", "happiness", "surprise", OTHER)),
    "7-class": keep_emotions(DEFAULT_CLASSES),
}
"""Named choices of classes: "3-class" gives the 133 clips of MEGC 2019."""

ACCESS_INSTRUCTIONS = (
    "SAMM is free for research under a license of Manchester Metropolitan University: ask its authors (doi "
    "10.1109/TAFFC.2016.2573832), unpack SAMM and SAMM_Micro_FACS_Codes_v2.xlsx into one folder, and name it "
    "by --root or HARNESS_SAMM. `harness data synthesize --layout samm` writes a synthetic set in the same "
    "layout."
)

FACTS = SheetFacts(
    name="samm",
    title="SAMM",
    classes=CLASSES,
    default_classes=DEFAULT_CLASSES,
    layouts=LAYOUTS,
    example_paths={"raw": "006/006_1_2/006_05562.jpg"},
    access_instructions=ACCESS_INSTRUCTIONS,
    subject_pattern=compile_patterns(r"0*(\d{1,3})(?:\.0+)?")[0],
    subject_format="{:03d}",
    frame_forms={
        "raw": compile_frame_form(r"\d{1,3}_(\d{1,9})\.(?:jpe?g|png|bmp)", "<subject>_<number>"),
    },
    sheet_patterns=compile_patterns(
        r".*micro\W?_?facs\W?_?codes.*", r".*samm.*(?:facs|codes).*", r".*samm.*"
    ),
    emotion_spellings={"others": OTHER},
    schemes=SCHEMES,
    clip_counts=CLIP_COUNTS,
    # Two rows of the sheet have an apex outside onset to offset, and MEGC 2019 counts their clips.
    apex_fallback="middle",
)
