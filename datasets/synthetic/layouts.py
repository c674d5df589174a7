"""The layouts of synthetic data sets and the forms of their coding sheets."""

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
    "smic": LayoutInfo(dataset="smic", folder="SMIC_all_cropped/HS"),
    "smic-raw": LayoutInfo(dataset="smic", folder="HS_long/SMIC_HS_E"),
    "samm": LayoutInfo(dataset="samm", folder="SAMM"),
    "megc2019": LayoutInfo(dataset="megc2019", folder=""),
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
"""File names of CASME II's coding sheet, by `SyntheticSpec.sheet`."""

SMIC_SHEETS: dict[str, str] = {
    "162": "SMIC-HS-E_annotation.xlsx",
    "157": "SMIC-HS-E_annotation.xlsx",
}
"""File names of SMIC's annotation, by form: the rows that it holds of a complete release."""

SAMM_SHEETS: dict[str, str] = {
    "v2": "SAMM_Micro_FACS_Codes_v2.xlsx",
    "2018": "SAMM_20181215_Micro_FACS_Codes_v2.xlsx",
}
"""File names of SAMM's coding sheet, by form: the header is in row 14 or in row 1."""

SHEETS_BY_DATASET: dict[str, dict[str, str]] = {
    "casme2": SHEETS,
    "smic": SMIC_SHEETS,
    "samm": SAMM_SHEETS,
}
"""Forms of the coding sheet of each data set that has one, the preferred form first."""
