"""The layouts of synthetic data sets and the file formats of CASME II's coding sheet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutInfo:
    """A layout of a release on disk.

    `dataset` is the name of the data set whose loader reads the layout. `folder` is the folder of the images,
    or the single file of a packed set.
    """

    dataset: str
    folder: str


LAYOUTS: dict[str, LayoutInfo] = {
    "casme2": LayoutInfo(dataset="casme2", folder="Cropped"),
    "casme2-raw-selected": LayoutInfo(dataset="casme2", folder="CASME2_RAW_selected"),
    "casme2-raw": LayoutInfo(dataset="casme2", folder="CASME2-RAW"),
    "casme2-compressed": LayoutInfo(dataset="casme2", folder="CASME2_compressed"),
    "ck-official": LayoutInfo(dataset="ckplus", folder="cohn-kanade-images"),
    "ck48": LayoutInfo(dataset="ckplus", folder="CK+48"),
    "ck-h5": LayoutInfo(dataset="ckplus", folder="CK_data.h5"),
    "ck-csv": LayoutInfo(dataset="ckplus", folder="ckextended.csv"),
}

SHEETS: dict[str, str] = {
    "2014": "CASME2-coding-20140508.xlsx",
    "2019": "CASME2-coding-20190701.xlsx",
    "xls": "CASME2_label_Ver_2.xls",
    "csv": "CASME2-coding-20140508.csv",
}
"""File names of the coding sheet, by `SyntheticSpec.sheet`."""
