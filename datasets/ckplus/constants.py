"""Constants of CK+: layouts, frame policies, classes and codes, counts of a complete release, how to get it.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and
emotion-specified expression", CVPR Workshops, 2010. CK+48 and the two containers are third-party extracts.
"""

from __future__ import annotations

from collections.abc import Mapping

LAYOUTS = ("official", "ck48", "h5", "csv")
"""The layouts in which CK+ circulates, the preferred ones first."""

FRAME_POLICIES = ("last3", "peak", "all")
"""The last three frames of a labeled sequence (as in the paper), its last frame, or all frames."""

POLICIES_BY_LAYOUT: Mapping[str, tuple[str, ...]] = {
    "official": FRAME_POLICIES,
    "ck48": ("last3", "peak"),
    "h5": ("last3",),
    "csv": ("last3",),
}
"""The frame policies that each layout supports."""

CLASSES = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
NEUTRAL = "neutral"
"""A class that only ckextended.csv has."""

CSV_CLASSES = tuple(sorted((*CLASSES, NEUTRAL)))
DEFAULT_CLASSES = tuple(name for name in CLASSES if name != "contempt")
"""The six classes of the paper."""

SEQUENCE_COUNTS: Mapping[str, int] = dict(zip(CLASSES, (45, 18, 59, 25, 69, 28, 83), strict=True))
"""Labeled sequences of each class in a complete release."""

STANDARD_FOLDS = 10
"""The folds of the literature: labeled subjects in ascending order, every tenth in the same fold."""

CSV_ROW_COUNT = 920
"""Rows of the known copies of ckextended.csv."""

LABEL_CODES: Mapping[int, str] = dict(enumerate(CLASSES, start=1))
"""Codes of the official label files; their code 0, neutral, is never used."""

H5_CODES: Mapping[int, str] = dict(enumerate((*DEFAULT_CLASSES, "contempt")))
CSV_CODES: Mapping[int, str] = dict(enumerate((*DEFAULT_CLASSES, NEUTRAL, "contempt")))
"""The codes of the two containers agree only from 0 to 5."""

IMAGE_SIZE = 48
"""Side, in pixels, of the images in the containers."""

CLASS_FOLDERS: Mapping[str, str] = {
    **{name: name for name in CLASSES},
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sad": "sadness",
    "surprised": "surprise",
}
"""Names of CK+48's class folders, in lower case."""

ACCESS_INSTRUCTIONS = (
    "CK+ is free for research under an agreement with the Affect Analysis Group, University of Pittsburgh: "
    "ask with the form at http://www.jeffcohn.net/Resources/, unpack the images and the emotion labels into "
    "one folder, and name it by --root or HARNESS_CKPLUS. `harness data synthesize --layout ck-official` "
    "writes a synthetic set in the same layout."
)
