"""What lies on disk of every clip of one release: the files of its frames, or its video.

The names of a clip's files say which layout it is: `reg_img46.jpg` is a cropped frame, `img46.jpg` a raw one,
and `EP02_01f.avi` the whole clip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datasets.spec import Anomaly, Picture
from datasets.text import named, shown
from datasets.tree import Tree

FORMS = ("cropped", "img", "compressed")
"""Layouts as file names tell them: which of the two raw ones "img" is, only a sheet can say."""

_SUBJECT = re.compile(r"(?:sub)?0*(\d{1,2})(?:\.0+)?", re.IGNORECASE | re.ASCII)
_FRAME = re.compile(r"(reg_)?img(\d{1,9})\.(?:jpe?g|png)", re.IGNORECASE | re.ASCII)
_IMAGE = re.compile(r"[^.].*\.(?:jpe?g|png|bmp)", re.IGNORECASE | re.DOTALL)
_NAMED_AS = {"cropped": "reg_img<number>", "img": "img<number>"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One clip on disk: a file for each frame number, or one video of the frames 1 to `length`.

    `fault` says why a video cannot be used; an unopened one has no length.
    """

    files: Mapping[int, str] = field(default_factory=dict)
    video: str = ""
    length: int = 0
    fault: str = ""

    def __len__(self) -> int:
        return self.length if self.video else len(self.files)

    def within(self, onset: int, offset: int) -> dict[int, Picture]:
        """Frame number → picture from onset to offset, both included, in order, as far as there are any."""
        if self.video:
            numbers = range(max(onset, 1), min(offset, self.length) + 1)
            return {number: Picture(self.video, number - 1) for number in numbers}
        return {number: Picture(path) for number, path in self.files.items() if onset <= number <= offset}


Takes = dict[tuple[str, str], Take]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The clips of one form below a folder of subject folders, by (subject, clip); videos are unopened."""

    folder: Path
    form: str
    takes: Takes
    anomalies: tuple[Anomaly, ...] = ()


def subject_id(text: str) -> str:
    """The subject behind any spelling (`1`, `01`, `1.0`, `sub1`, `sub01`) as `sub01`; "" if it is none."""
    match = _SUBJECT.fullmatch(text.strip())
    return f"sub{int(match[1]):02d}" if match else ""


def releases(tree: Tree, folder: Path) -> tuple[Release, ...]:
    """One release for each form that the clips of this folder's subjects have.

    A clip folder without any frame belongs to both forms that are folders.
    """
    takes: dict[str, Takes] = {form: {} for form in FORMS}
    anomalies: dict[str, list[Anomaly]] = {form: [] for form in FORMS}
    empty: Takes = {}
    for key, place, form, take, odd in _clips(tree, folder):
        into = takes.get(form, empty)
        if key not in into:
            into[key] = take
            anomalies.get(form, []).extend(odd)
            continue
        kind = "video" if form == "compressed" else "folder"
        what = f"{shown(tree.relative(place))} is a second {kind} of this subject and name"
        anomalies.get(form, []).append(
            _odd(f"duplicate {kind}", "/".join(key), what=what, action="the first one was used")
        )
    return tuple(
        Release(
            folder=folder,
            form=form,
            takes=takes[form] if form == "compressed" else {**empty, **takes[form]},
            anomalies=tuple(anomalies[form]),
        )
        for form in FORMS
        if takes[form]
    )


def _clips(tree: Tree, folder: Path) -> Iterator[tuple[tuple[str, str], Path, str, Take, list[Anomaly]]]:
    """Key, place, form, take and oddities of every clip below a folder; "" is the form of an empty one."""
    for child in tree.listed(folder).folders:
        subject = subject_id(child.name)
        if not subject:
            continue
        listing = tree.listed(child)
        for clip in listing.folders:
            form, take, odd = _images(tree, clip, where=f"{subject}/{clip.name}")
            yield (subject, clip.name), clip, form, take, odd
        for file in listing.files:
            if file.suffix.lower() == ".avi":
                yield (subject, file.stem), file, "compressed", Take(video=str(file)), []


def _images(tree: Tree, clip: Path, *, where: str) -> tuple[str, Take, list[Anomaly]]:
    """Form and frames of one clip folder, by number, and what in it is an image and no frame."""
    names = sorted(_names(tree, clip))
    matches = {name: match for name in names if (match := _FRAME.fullmatch(name))}
    form = "cropped" if any(match[1] for match in matches.values()) else "img" if matches else ""
    prefix = os.path.join(clip, "")
    files: dict[int, str] = {}
    repeated: list[str] = []
    strange: list[str] = []
    for name in names:
        match = matches.get(name)
        if match and bool(match[1]) == (form == "cropped"):
            if files.setdefault(int(match[2]), prefix + name) != prefix + name:
                repeated.append(name)
        elif _IMAGE.fullmatch(name):
            strange.append(name)
    odd: list[Anomaly] = []
    if repeated:
        what = f"{len(repeated)} of its files repeat a frame: {named(repeated)}"
        odd.append(_odd("duplicate frame", where, what=what, action="they were left out"))
    if strange:
        what = f"{len(strange)} of its images are no {_NAMED_AS.get(form, 'frames')}: {named(strange)}"
        odd.append(_odd("strange image", where, what=what, action="they were left out"))
    return form, Take(files=dict(sorted(files.items()))), odd


def _names(tree: Tree, clip: Path) -> list[str]:
    """The files of a clip folder; where it cannot be opened or has links, the tree sees to them."""
    try:
        with os.scandir(clip) as entries:
            found = [(entry.name, entry.is_symlink(), entry.is_file()) for entry in entries]
    except OSError:
        found = [("", True, False)]
    if any(link for _, link, _ in found):
        return [path.name for path in tree.listed(clip).files]
    return [name for name, _, is_file in found if is_file]


def _odd(code: str, where: str, *, what: str, action: str) -> Anomaly:
    return Anomaly(code=code, where=shown(where), what=what, action=action)
