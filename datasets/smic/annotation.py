"""Rows of SMIC's clips: the folders give the clips and classes, the annotation their frames.

The annotations in circulation lack rows of clips that the releases hold, so a folder without a row is a clip
of all its frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import ClipFiles, FilesByClip
from datasets.sheets.clips import parse_frame_number, parse_interval
from datasets.sheets.coding_sheet import SheetRow
from datasets.sheets.coding_sheet_search import SheetChoice, choose_sheet, is_named_as_sheet
from datasets.sheets.spreadsheet import NamedGrid, read_named_tables
from datasets.smic.clip_folders import find_modality, parse_clip_name
from datasets.smic.constants import CLASSES, FACTS
from datasets.spec import Anomaly
from datasets.text import sanitize

_NO_SHEET = "annotation: none found; each clip is all frames of its folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """The rows of an annotation with names in normal spelling, a note on it, and anomalies."""

    rows: tuple[SheetRow, ...] = ()
    note: str = _NO_SHEET
    anomalies: tuple[Anomaly, ...] = ()


def read_annotation(tables: Sequence[Path], modality: str, *, tree: DirectoryTree) -> Annotation:
    """Read the annotation of a camera; one without rows if no file is named as an annotation.

    A workbook or sheet that names another camera is left out.

    Raises:
        DatasetError: No file so named can be read, or several of the same rank differ.
    """
    paths = _select_files([path for path in tables if is_named_as_sheet(path, FACTS)], modality, tree)
    if not paths:
        return Annotation()

    def select_tables(named_tables: list[NamedGrid]) -> list[NamedGrid]:
        own = [table for table in named_tables if find_modality(table[0]) == modality]
        return own or [table for table in named_tables if not find_modality(table[0])]

    choice: SheetChoice = choose_sheet(paths, facts=FACTS, tree=tree, select_tables=select_tables)
    return Annotation(
        rows=tuple(map(_normalize_row, choice.sheet.rows)), note=choice.note, anomalies=choice.anomalies
    )


def _select_files(paths: Sequence[Path], modality: str, tree: DirectoryTree) -> list[Path]:
    """Return the files that name the camera; without such files, the files that name no camera.

    If every file names another camera, return the workbooks with a sheet of the camera.
    """
    camera_of = {path: find_modality(tree.relative_to_root(path)) for path in paths}
    for camera in (modality, ""):
        if own := [path for path in paths if camera_of[path] == camera]:
            return own
    return [path for path in paths if _has_sheet(path, modality)]


def _has_sheet(path: Path, modality: str) -> bool:
    try:
        return any(find_modality(name) == modality for name, _ in read_named_tables(path))
    except ValueError:
        return False


def _normalize_row(row: SheetRow) -> SheetRow:
    """Return a row with subject and clip in normal spelling; the clip's name tells its subject."""
    names = parse_clip_name(row.filename)
    return replace(row, subject=names[0], filename=names[1]) if names else row


def complete_rows(
    annotation: Annotation, files_by_clip: FilesByClip
) -> tuple[tuple[SheetRow, ...], tuple[Anomaly, ...]]:
    """Return a row with class and frames for every clip folder and row, and the anomalies.

    The clip's name gives the class. The frames are the row's frames; if the folder holds none of them, all
    frames of the folder.
    """
    anomalies: list[Anomaly] = []
    rows: list[SheetRow] = []
    keys = {row.key for row in annotation.rows}
    for row in annotation.rows:
        clip_files = files_by_clip.get(row.key)
        completed, row_anomalies = _complete_row(row, clip_files)
        rows.append(completed)
        anomalies += row_anomalies
    for key in sorted(files_by_clip.keys() - keys):
        rows.append(_make_row(key, files_by_clip[key]))
        if annotation.rows:
            anomalies.append(
                _make_anomaly(
                    "no row",
                    key,
                    "the folder has no row in the annotation",
                    f"its {len(files_by_clip[key])} frames were used",
                )
            )
    anomalies += [
        anomaly for key in sorted(files_by_clip) for anomaly in _check_folder(key, files_by_clip[key])
    ]
    return tuple(rows), tuple(anomalies)


def _complete_row(row: SheetRow, clip_files: ClipFiles | None) -> tuple[SheetRow, list[Anomaly]]:
    names = parse_clip_name(row.filename)
    if names is None:
        return row, []
    class_name = names[2]
    anomalies: list[Anomaly] = []
    if row.emotion and row.emotion != class_name:
        description = f"the annotation says {sanitize(row.emotion)!r}, the name says {class_name}"
        anomalies.append(_make_anomaly("other label", row.key, description, "the name's class was used"))
    row = replace(row, emotion=class_name)
    if not clip_files:
        return row, anomalies
    interval, second_onset = parse_interval(row), parse_frame_number(row.second_onset)
    if interval is None or not clip_files.select_frames(*interval):
        description = (
            f"the folder holds no frame from onset {sanitize(row.onset)!r} to offset {sanitize(row.offset)!r}"
        )
        action = f"its {len(clip_files)} frames were used"
        anomalies.append(_make_anomaly("unusable frame numbers", row.key, description, action))
        onset, offset = _get_bounds(clip_files)
        row = replace(row, onset=onset, offset=offset)
    elif second_onset in clip_files.frame_paths:
        description = f"a second expression begins at frame {second_onset}"
        anomalies.append(_make_anomaly("second expression", row.key, description, "only the first was used"))
    return row, anomalies


def _make_row(key: tuple[str, str], clip_files: ClipFiles) -> SheetRow:
    """Return the row of a clip folder that the annotation lacks."""
    names = parse_clip_name(key[1])
    assert names is not None
    onset, offset = _get_bounds(clip_files)
    return SheetRow(
        line_number=0,
        subject=key[0],
        filename=key[1],
        onset=onset,
        apex="",
        offset=offset,
        emotion=names[2],
    )


def _get_bounds(clip_files: ClipFiles) -> tuple[str, str]:
    """Return the first and the last frame of a folder as the cells of onset and offset."""
    numbers = list(clip_files.frame_paths) or [0]
    return str(numbers[0]), str(numbers[-1])


def _check_folder(key: tuple[str, str], clip_files: ClipFiles) -> list[Anomaly]:
    """Return an anomaly if the clip lies in the folder of another class than its name says."""
    names = parse_clip_name(key[1])
    first_path = next(iter(clip_files.frame_paths.values()), "")
    folder_name = Path(first_path).parent.parent.name.lower()
    if names is None or folder_name not in CLASSES or folder_name == names[2]:
        return []
    description = f"it lies in the folder {folder_name}, the name says {names[2]}"
    return [_make_anomaly("other label", key, description, "the name's class was used")]


def _make_anomaly(code: str, key: tuple[str, str], description: str, action: str) -> Anomaly:
    return Anomaly(code=code, location=sanitize("/".join(key)), description=description, action=action)
