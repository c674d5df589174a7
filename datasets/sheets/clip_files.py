"""Collect the files of every clip of a release: its frames, or its video.

File names identify the form (`SheetFacts.frame_forms`): in CASME II, `reg_img46.jpg` is a cropped frame,
`img46.jpg` a raw frame, and `EP02_01f.avi` a whole clip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.facts import SheetFacts
from datasets.spec import Anomaly, ImageRef
from datasets.text import sanitize, summarize_names

_IMAGE = re.compile(r"[^.].*\.(?:jpe?g|png|bmp)", re.IGNORECASE | re.DOTALL)


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

ClipFolders = Callable[[DirectoryTree, Path], Iterable[tuple[str, Path]]]
"""Signature of a function that lists the clip folders of a subject folder, with the name of each clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The clips of one form below a folder of subject folders, by (subject, clip); videos are unopened."""

    folder: Path
    form: str
    files_by_clip: FilesByClip
    anomalies: tuple[Anomaly, ...] = ()


def list_child_folders(tree: DirectoryTree, subject_folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every folder of a subject folder as a clip of its name."""
    for clip in tree.list_folder(subject_folder).folders:
        yield clip.name, clip


def build_releases(
    tree: DirectoryTree, folder: Path, *, facts: SheetFacts, list_clips: ClipFolders = list_child_folders
) -> tuple[Release, ...]:
    """Build one release for each form of the clips below this folder's subject folders.

    A clip folder without frames belongs to every form that stores frames in folders.
    """
    forms = [*facts.frame_forms, *([facts.video_form] if facts.video_form else [])]
    files_by_form: dict[str, FilesByClip] = {form: {} for form in forms}
    anomalies: dict[str, list[Anomaly]] = {form: [] for form in forms}
    empty_folders: FilesByClip = {}
    for key, path, form, clip_files, clip_anomalies in _scan_clips(
        tree, folder, facts=facts, list_clips=list_clips
    ):
        target = files_by_form.get(form, empty_folders)
        if key not in target:
            target[key] = clip_files
            anomalies.get(form, []).extend(clip_anomalies)
            continue
        kind = "video" if clip_files.video_path else "folder"
        description = f"{sanitize(tree.relative_to_root(path))} is a second {kind} of this subject and name"
        anomalies.get(form, []).append(
            _make_anomaly(
                f"duplicate {kind}", "/".join(key), description=description, action="the first one was used"
            )
        )
    return tuple(
        Release(
            folder=folder,
            form=form,
            files_by_clip=files_by_form[form]
            if form == facts.video_form
            else {**empty_folders, **files_by_form[form]},
            anomalies=tuple(anomalies[form]),
        )
        for form in forms
        if files_by_form[form]
    )


def _scan_clips(
    tree: DirectoryTree, folder: Path, *, facts: SheetFacts, list_clips: ClipFolders
) -> Iterator[tuple[tuple[str, str], Path, str, ClipFiles, list[Anomaly]]]:
    """Yield key, path, form, files and anomalies of each clip of a folder; the form is "" without frames."""
    for child in tree.list_folder(folder).folders:
        subject = facts.parse_subject(child.name)
        if not subject:
            continue
        for name, clip in list_clips(tree, child):
            location = f"{subject}/{name}"
            form, clip_files, clip_anomalies = _scan_images(tree, clip, facts=facts, location=location)
            yield (subject, name), clip, form, clip_files, clip_anomalies
        for file in tree.list_folder(child).files if facts.video_form else ():
            if file.suffix.lower() == ".avi":
                yield (subject, file.stem), file, facts.video_form, ClipFiles(video_path=str(file)), []


def _scan_images(
    tree: DirectoryTree, clip: Path, *, facts: SheetFacts, location: str
) -> tuple[str, ClipFiles, list[Anomaly]]:
    """Return form, frames and anomalies of one clip folder."""
    names = sorted(_list_file_names(tree, clip))
    form, matches = _match_frames(names, facts)
    prefix = os.path.join(clip, "")
    frame_paths: dict[int, str] = {}
    duplicates: list[str] = []
    unknown_images: list[str] = []
    for name in names:
        match = matches.get(name)
        if match:
            if frame_paths.setdefault(int(match[1]), prefix + name) != prefix + name:
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
        frame_name = facts.frame_forms[form].description if form else "frames"
        examples = summarize_names(unknown_images)
        description = f"{len(unknown_images)} of its images are no {frame_name}: {examples}"
        clip_anomalies.append(
            _make_anomaly("strange image", location, description=description, action="they were left out")
        )
    return form, ClipFiles(frame_paths=dict(sorted(frame_paths.items()))), clip_anomalies


def _match_frames(names: Sequence[str], facts: SheetFacts) -> tuple[str, dict[str, re.Match[str]]]:
    """Return the first form that a file name has, and the matches of the names of that form; "" and {}."""
    for form, frame_form in facts.frame_forms.items():
        matches = {name: match for name in names if (match := frame_form.pattern.fullmatch(name))}
        if matches:
            return form, matches
    return "", {}


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
