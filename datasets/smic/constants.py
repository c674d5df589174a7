"""Constants of SMIC: frame policies, modalities, layouts, classes, official counts, and how to get it.

Li, Pfister, Huang, Zhao and Pietikäinen, "A Spontaneous Micro-expression Database: Inducement, Collection and
Baseline", FG 2013. The extended release has the high-speed camera (HS), and a normal (VIS) and a
near-infrared camera (NIR) that recorded some of the subjects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from datasets.class_selection import ClassScheme, keep_emotions
from datasets.megc2019.constants import CLASSES as CLASSES
from datasets.megc2019.constants import SETS
from datasets.sheets.facts import FRAME_POLICIES as FRAME_POLICIES
from datasets.sheets.facts import SheetFacts, compile_frame_form, compile_patterns

MODALITIES = ("hs", "vis", "nir")
LAYOUTS = tuple(f"{modality}_{form}" for modality in MODALITIES for form in ("cropped", "raw"))
"""The layouts of the release by camera, the preferred one first. Cropped faces are aligned."""

CLIP_COUNTS: Mapping[str, Mapping[str, int]] = {
    "hs": dict(zip(CLASSES, SETS["smic"].clips_per_class, strict=True)),
}
"""Clips of each class in a complete release, by camera."""

CLIP_TOTALS: Mapping[str, int] = {"hs": SETS["smic"].num_clips, "vis": 71, "nir": 71}
"""Clips in a complete original release, by camera."""

EXTENDED_TOTALS: Mapping[str, int] = {"hs": 157, "vis": 71, "nir": 71}
"""Long clips in a complete extended release (SMIC-E), by camera: some hold two expressions."""

CLASS_CODES: Mapping[str, str] = {"ne": "negative", "po": "positive", "sur": "surprise"}
"""Class by the code in a clip's name."""

CLIP_NAME = re.compile(r"s?0*(\d{1,2})_(ne|po|sur)_0*(\d{1,3})", re.IGNORECASE | re.ASCII)
"""A clip's name in any spelling: subject, class code and number, such as `s1_ne_01` and `s01_ne_01`."""

MICRO_FOLDERS = ("micro", *CLASSES)
"""Folders between a subject's folder and its clips; others, such as `non_micro`, are not read."""

SCHEMES: Mapping[str, ClassScheme] = {"3-class": keep_emotions(CLASSES)}
"""Named choices of classes: SMIC has three classes alone."""

ACCESS_INSTRUCTIONS = (
    "SMIC is free for research under a license of the University of Oulu: ask at "
    "https://www.oulu.fi/cmvs/node/41319, unpack SMIC_all_cropped and SMIC-HS-E_annotation.xlsx into one "
    "folder, and name it by --root or HARNESS_SMIC. `harness data synthesize --layout smic` writes a "
    "synthetic set in the same layout."
)

FACTS = SheetFacts(
    name="smic",
    title="SMIC",
    classes=CLASSES,
    default_classes=CLASSES,
    layouts=LAYOUTS,
    example_paths={
        layout: f"{layout.split('_')[0].upper()}/s01/micro/negative/s1_ne_01/reg_image17581039.bmp"
        if layout.endswith("cropped")
        else f"{layout.split('_')[0].upper()}/s1/s1_ne_01/image17581039.jpg"
        for layout in LAYOUTS
    },
    access_instructions=ACCESS_INSTRUCTIONS,
    subject_pattern=compile_patterns(r"s?0*(\d{1,2})(?:\.0+)?")[0],
    subject_format="s{:02d}",
    frame_forms={
        "frames": compile_frame_form(r"\D*?(\d{1,9})\.(?:bmp|jpe?g|png)", "image<number>"),
    },
    sheet_patterns=compile_patterns(r".*smic.*annotation.*", r".*annotation.*", r".*smic.*"),
    emotion_spellings=CLASS_CODES,
    schemes=SCHEMES,
    optional_columns=("ApexFrame", "Estimated Emotion"),
    apex_fallback="middle",
    # Numbers such as 17581039 look like times, so those of neighbors need not differ by one.
    has_consecutive_numbers=False,
)
