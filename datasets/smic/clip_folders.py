"""Names of SMIC's clips and cameras, and the clip folders of a subject.

Copies differ in the folders between a subject and its clips, and in the spelling of subjects (`s1`, `s01`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import Release
from datasets.smic.constants import CLASS_CODES, CLIP_NAME, MICRO_FOLDERS, MODALITIES

_MODALITY = re.compile(rf"(?<![a-z])({'|'.join(MODALITIES)})(?![a-z])", re.IGNORECASE)
_CROPPED_FRAME = re.compile(r"reg_.*|.*\.bmp", re.IGNORECASE)


def parse_clip_name(text: str) -> tuple[str, str, str] | None:
    """Return subject, clip and class of a clip name, in normal spelling; None if the text is not one."""
    match = CLIP_NAME.fullmatch(text.strip())
    if not match:
        return None
    subject, code = f"s{int(match[1]):02d}", match[2].lower()
    return subject, f"{subject}_{code}_{int(match[3]):02d}", CLASS_CODES[code]


def list_clip_folders(tree: DirectoryTree, subject_folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the clip folders of a subject, in it or in its folders `micro` and of the classes."""
    for folder in tree.list_folder(subject_folder).folders:
        if names := parse_clip_name(folder.name):
            yield names[1], folder
        elif folder.name.lower() in MICRO_FOLDERS:
            yield from list_clip_folders(tree, folder)


def find_modality(text: str) -> str:
    """Return the camera that a file or folder name contains as a separate word; "" if there is none."""
    match = _MODALITY.search(text)
    return match[1].lower() if match else ""


def detect_layout(release: Release) -> str:
    """Return the layout of a release from the names of its folders and frames.

    The camera is the one that the nearest folder names, and HS if none does. A release is cropped if a folder
    is named so, or if no folder is named raw and its frames are `reg_…` or bitmaps.
    """
    folders = [release.folder.name, *(parent.name for parent in release.folder.parents)]
    modality = next(filter(None, map(find_modality, folders)), MODALITIES[0])
    form = next(
        (form for folder in folders for form in ("crop", "raw", "long") if form in folder.lower()), ""
    )
    if not form:
        names = (
            Path(path).name for files in release.files_by_clip.values() for path in files.frame_paths.values()
        )
        form = "crop" if _CROPPED_FRAME.fullmatch(next(names, "")) else "raw"
    return f"{modality}_{'cropped' if form == 'crop' else 'raw'}"
