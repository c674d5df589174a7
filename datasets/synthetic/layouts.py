"""The layouts a synthetic set can be written in, and the forms of CASME II's coding sheet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way a release lies on disk.

    `dataset` is the name of the set whose loader reads it, `folder` where the images stand, or the one file
    of a packed set; `title` says what it is, and `clips` what `SyntheticSpec.clips` counts in it.
    """

    dataset: str
    folder: str
    title: str
    clips: str


_ROWS = "rows of the sheet"
_LABELLED = "labelled sequences"

LAYOUTS: dict[str, Layout] = {
    "casme2": Layout(
        dataset="casme2", folder="Cropped", title="CASME II, cropped faces, onset to offset", clips=_ROWS
    ),
    "casme2-raw-selected": Layout(
        dataset="casme2",
        folder="CASME2_RAW_selected",
        title="CASME II, 640x480, onset to offset",
        clips=_ROWS,
    ),
    "casme2-raw": Layout(
        dataset="casme2", folder="CASME2-RAW", title="CASME II, 640x480, whole recordings", clips=_ROWS
    ),
    "casme2-compressed": Layout(
        dataset="casme2",
        folder="CASME2_compressed",
        title="CASME II, one .avi a recording, 200 frames a second",
        clips=_ROWS,
    ),
    "ck-official": Layout(
        dataset="ckplus",
        folder="cohn-kanade-images",
        title="CK+ as released: sequences, Emotion, FACS, Landmarks",
        clips=f"{_LABELLED}; with quirks the unlabelled come on top, 266 to 327 as in the release",
    ),
    "ck48": Layout(
        dataset="ckplus",
        folder="CK+48",
        title="CK+48: the last three frames, 48x48, a folder a class",
        clips=_LABELLED,
    ),
    "ck-h5": Layout(
        dataset="ckplus", folder="CK_data.h5", title="CK+48 packed, without subjects", clips=_LABELLED
    ),
    "ck-csv": Layout(
        dataset="ckplus",
        folder="ckextended.csv",
        title="CK+ packed: a peak of each labelled sequence, a neutral face of every sequence",
        clips=f"{_LABELLED}; the unlabelled, 266 to 327, add a neutral face each",
    ),
}

SHEETS: dict[str, str] = {
    "2014": "CASME2-coding-20140508.xlsx",
    "2019": "CASME2-coding-20190701.xlsx",
    "xls": "CASME2_label_Ver_2.xls",
    "csv": "CASME2-coding-20140508.csv",
}
"""File names of the coding sheet, by `SyntheticSpec.sheet`."""
