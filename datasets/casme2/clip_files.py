"""Collect the files of every clip of a release: its frames, or its video.

The file names identify the layout: `reg_img46.jpg` is a cropped frame, `img46.jpg` a raw frame, and
`EP02_01f.avi` a whole clip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly, ImageRef
from datasets.text import sanitize, summarize_names

FORMS = ("cropped", "img", "compressed")
"""Layouts as file names identify them; only the sheet can tell which of the two raw layouts "img" is."""

_SUBJECT = re.compile(r"(?:sub)?0*(\d{1,2})(?:\.0+)?", re.IGNORECASE | re.ASCII)
_FRAME = re.compile(r"(reg_)?img(\d{1,9})\.(?:jpe?g|png)", re.IGNORECASE | re.ASCII)
_IMAGE = re.compile(r"[^.].*\.(?:jpe?g|png|bmp)", re.IGNORECASE | re.DOTALL)
_FRAME_NAMES = {"cropped": "reg_img<number>", "img": "img<number>"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFiles:
    """The files of one clip: an image per frame number, or one video of the frames 1 to `num_frames`.

    `fault` is the reason why a video is unusable. `num_frames` is 0 until the video is opened.
    """

    frame_paths: Mapping[int, str] = field(default_factory=dict)
    video_path: str = ""
    num_frames: int = 0
    fault: str = ""

    def __len__(self) -> int:
        return self.num_frames if self.video_path else len(self.frame_paths)

    def select_frames(self, onset: int, offset: int) -> dict[int, ImageRef]:
        """Return the images present from onset to offset, both included, by frame number and in order."""
        if self.video_path:
            numbers = range(max(onset, 1), min(offset, self.num_frames) + 1)
            return {number: ImageRef(self.video_path, number - 1) for number in numbers}
        return {
            number: ImageRef(path) for number, path in self.frame_paths.items() if onset <= number <= offset
        }


FilesByClip = dict[tuple[str, str], ClipFiles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Casme2Release:
    """The clips of one form below a folder of subject folders, by (subject, clip); videos are unopened."""

    folder: Path
    form: str
    files_by_clip: FilesByClip
    anomalies: tuple[Anomaly, ...] = ()


def parse_subject(text: str) -> str:
    """Normalize a subject name (`1`, `01`, `1.0`, `sub1`, `sub01`) to `sub01`; return "" if it is none."""
    match = _SUBJECT.fullmatch(text.strip())
    return f"sub{int(match[1]):02d}" if match else ""


def build_releases(tree: DirectoryTree, folder: Path) -> tuple[Casme2Release, ...]:
    """Build one release for each form of the clips below this folder's subject folders.

    A clip folder without frames belongs to both forms that store frames in folders.
    """
    files_by_form: dict[str, FilesByClip] = {form: {} for form in FORMS}
    anomalies: dict[str, list[Anomaly]] = {form: [] for form in FORMS}
    empty_folders: FilesByClip = {}
    for key, path, form, clip_files, clip_anomalies in _scan_clips(tree, folder):
        target = files_by_form.get(form, empty_folders)
        if key not in target:
            target[key] = clip_files
            anomalies.get(form, []).extend(clip_anomalies)
            continue
        kind = "video" if form == "compressed" else "folder"
        description = f"{sanitize(tree.relative_to_root(path))} is a second {kind} of this subject and name"
        anomalies.get(form, []).append(
            _make_anomaly(
                f"duplicate {kind}", "/".join(key), description=description, action="the first one was used"
            )
        )
    return tuple(
        Casme2Release(
            folder=folder,
            form=form,
            files_by_clip=files_by_form[form]
            if form == "compressed"
            else {**empty_folders, **files_by_form[form]},
            anomalies=tuple(anomalies[form]),
        )
        for form in FORMS
        if files_by_form[form]
    )


def _scan_clips(
    tree: DirectoryTree, folder: Path
) -> Iterator[tuple[tuple[str, str], Path, str, ClipFiles, list[Anomaly]]]:
    """Yield key, path, form, files and anomalies of each clip of a folder; the form is "" without frames."""
    for child in tree.list_folder(folder).folders:
        subject = parse_subject(child.name)
        if not subject:
            continue
        listing = tree.list_folder(child)
        for clip in listing.folders:
            form, clip_files, clip_anomalies = _scan_images(tree, clip, location=f"{subject}/{clip.name}")
            yield (subject, clip.name), clip, form, clip_files, clip_anomalies
        for file in listing.files:
            if file.suffix.lower() == ".avi":
                yield (subject, file.stem), file, "compressed", ClipFiles(video_path=str(file)), []


def _scan_images(tree: DirectoryTree, clip: Path, *, location: str) -> tuple[str, ClipFiles, list[Anomaly]]:
    """Return form, frames and anomalies of one clip folder."""
    names = sorted(_list_file_names(tree, clip))
    matches = {name: match for name in names if (match := _FRAME.fullmatch(name))}
    form = "cropped" if any(match[1] for match in matches.values()) else "img" if matches else ""
    prefix = os.path.join(clip, "")
    frame_paths: dict[int, str] = {}
    duplicates: list[str] = []
    unknown_images: list[str] = []
    for name in names:
        match = matches.get(name)
        if match and bool(match[1]) == (form == "cropped"):
            if frame_paths.setdefault(int(match[2]), prefix + name) != prefix + name:
                duplicates.append(name)
        elif _IMAGE.fullmatch(name):
            unknown_images.append(name)
    clip_anomalies: list[Anomaly] = []
    if duplicates:
        description = f"{len(duplicates)} of its files repeat a frame: {summarize_names(duplicates)}"
        clip_anomalies.append(
            _make_anomaly("duplicate frame", location, description=description, action="they were left out")
        )
    if unknown_images:
        frame_name, examples = _FRAME_NAMES.get(form, "frames"), summarize_names(unknown_images)
        description = f"{len(unknown_images)} of its images are no {frame_name}: {examples}"
        clip_anomalies.append(
            _make_anomaly("strange image", location, description=description, action="they were left out")
        )
    return form, ClipFiles(frame_paths=dict(sorted(frame_paths.items()))), clip_anomalies


def _list_file_names(tree: DirectoryTree, clip: Path) -> list[str]:
    """Return the file names of a clip folder; an unreadable folder or one with links is left to the tree."""
    try:
        with os.scandir(clip) as entries:
            entry_types = [(entry.name, entry.is_symlink(), entry.is_file()) for entry in entries]
    except OSError:
        entry_types = [("", True, False)]
    if any(is_link for _, is_link, _ in entry_types):
        return [path.name for path in tree.list_folder(clip).files]
    return [name for name, _, is_file in entry_types if is_file]


def _make_anomaly(code: str, location: str, *, description: str, action: str) -> Anomaly:
    return Anomaly(code=code, location=sanitize(location), description=description, action=action)
