"""CK+ in constants: layouts, frame policies, classes and their codes, what is complete, where to ask for it.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and
emotion-specified expression", CVPR Workshops, 2010. CK+48 and the two containers are others' extracts of it.
"""

from __future__ import annotations

from collections.abc import Mapping

LAYOUTS = ("official", "ck48", "h5", "csv")
"""The forms in which CK+ goes about, the preferred ones first."""

FRAME_POLICIES = ("last3", "peak", "all")
"""The last three frames of a labelled sequence (the paper's), its last one, or all of them."""

POLICIES_BY_LAYOUT: Mapping[str, tuple[str, ...]] = {
    "official": FRAME_POLICIES,
    "ck48": ("last3", "peak"),
    "h5": ("last3",),
    "csv": ("last3",),
}
"""The frame policies that a layout can serve."""

CLASSES = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
NEUTRAL = "neutral"
"""A class of ckextended.csv alone."""

CSV_CLASSES = tuple(sorted((*CLASSES, NEUTRAL)))
DEFAULT_CLASSES = tuple(name for name in CLASSES if name != "contempt")
"""The paper's six."""

SEQUENCE_COUNTS: Mapping[str, int] = dict(zip(CLASSES, (45, 18, 59, 25, 69, 28, 83), strict=True))
"""Labelled sequences of a complete release, by class."""

STANDARD_FOLDS = 10
"""The field's: labelled subjects in ascending order, every tenth to one fold."""

CSV_ROW_COUNT = 920
"""Rows of the known copies of ckextended.csv."""

LABEL_CODES: Mapping[int, str] = dict(enumerate(CLASSES, start=1))
"""The official label files'; their 0, neutral, is never used."""

H5_CODES: Mapping[int, str] = dict(enumerate((*DEFAULT_CLASSES, "contempt")))
CSV_CODES: Mapping[int, str] = dict(enumerate((*DEFAULT_CLASSES, NEUTRAL, "contempt")))
"""The two containers agree on 0 to 5 alone."""

IMAGE_SIZE = 48
"""Pixels a side of the images in the containers."""

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
"""Names that CK+48's folders go by, in lower case."""

ACCESS_INSTRUCTIONS = (
    "CK+ is free for research under an agreement with the Affect Analysis Group, University of Pittsburgh: "
    "ask with the form at http://www.jeffcohn.net/Resources/, unpack the images and the emotion labels into "
    "one folder, and name it by --root or HARNESS_CKPLUS. `harness data synthesize --layout ck-official` "
    "writes a drawn stand-in in the same layout."
)
