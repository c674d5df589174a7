"""CASME II on disk: where the Cropped release and its sheet lie below a folder, and which frames there are.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation", PLoS
ONE 9(1), 2014. Copies differ in how they are nested and named, so nothing is looked for by a fixed folder
name: the release is the folder whose subject folders hold clip folders with frames, a sheet is any workbook.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from datasets.spec import Anomaly

LEVELS = 4
PATTERN = "sub01/EP02_01f/reg_img46.jpg"
OBTAIN = (
    "CASME II is free for research under a licence of the Chinese Academy of Sciences: ask with the form at "
    "http://casme.psych.ac.cn, unpack Cropped and CASME2-coding-20140508.xlsx into one folder, and name it "
    "by --root or HARNESS_CASME2. `harness data synthesize` writes a drawn stand-in in the same layout."
)

_SUBJECT = re.compile(r"(?:sub)?0*(\d{1,2})(?:\.0+)?", re.IGNORECASE)
_FRAME = re.compile(r"reg_img(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
_IMAGE = re.compile(r".+\.(?:jpe?g|png|bmp)", re.IGNORECASE)

Folders = dict[tuple[str, str], dict[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folder that holds the subject folders, and every workbook found on the way to it."""

    cropped: Path
    workbooks: tuple[Path, ...]


def subject_id(text: str) -> str:
    """The subject behind any spelling (`1`, `01`, `1.0`, `sub1`, `sub01`) as `sub01`; "" if it is none."""
    match = _SUBJECT.fullmatch(text.strip())
    return f"sub{int(match[1]):02d}" if match else ""


def find(root: Path) -> Layout:
    """Locate the Cropped release and the workbooks at most four levels below `root`.

    Raises:
        ValueError: `root` is not there or no folder, or holds no Cropped release, or more than one.
    """
    if not root.exists():
        raise ValueError(f"the data folder must exist: there is no {root}. {OBTAIN}")
    if not root.is_dir():
        raise ValueError(f"the data must be a folder: {root} is a file; name the folder that holds Cropped.")
    releases: list[Path] = []
    workbooks: list[Path] = []
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        files, children = _listed(folder)
        workbooks += [path for path in files if path.suffix.lower() == ".xlsx" and path.name[:2] != "~$"]
        subjects = [child for child in children if subject_id(child.name)]
        if any(_holds_clips(subject) for subject in subjects):
            releases.append(folder)
            children = [child for child in children if child not in subjects]
        if depth < LEVELS:
            pending += [(child, depth + 1) for child in children]
    if not releases:
        looked = f"looked for frames like {PATTERN}, up to {LEVELS} levels down"
        raise ValueError(f"no Cropped release of CASME II in {root} ({looked}). {OBTAIN}")
    if len(releases) > 1:
        places = ", ".join(str(path) for path in sorted(releases))
        raise ValueError(
            f"one Cropped release is accepted; {root} holds {len(releases)}: {places}. Name one."
        )
    return Layout(cropped=releases[0], workbooks=tuple(sorted(workbooks)))


def scan(cropped: Path) -> tuple[Folders, tuple[Anomaly, ...]]:
    """Every frame of every clip folder as (subject, folder name) → {frame number: path}."""
    folders: Folders = {}
    anomalies: list[Anomaly] = []
    for child in _listed(cropped)[1]:
        subject = subject_id(child.name)
        for clip in _listed(child)[1] if subject else ():
            if (subject, clip.name) in folders:
                anomalies.append(
                    Anomaly(
                        code="duplicate folder",
                        where=f"{subject}/{clip.name}",
                        what=f"a second folder of this subject and name: {clip}",
                        action="the first one was used",
                    )
                )
                continue
            folders[subject, clip.name], odd = _frames(clip, where=f"{subject}/{clip.name}")
            anomalies += odd
    return folders, tuple(anomalies)


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders of a folder by name, without dotfiles."""
    with os.scandir(folder) as entries:
        shown = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    files = [Path(entry.path) for entry in shown if entry.is_file()]
    return files, [Path(entry.path) for entry in shown if entry.is_dir()]


def _holds_clips(subject: Path) -> bool:
    """Whether any clip folder of a subject holds a frame."""
    for clip in _listed(subject)[1]:
        with os.scandir(clip) as entries:
            if any(_FRAME.fullmatch(entry.name) for entry in entries):
                return True
    return False


def _frames(clip: Path, *, where: str) -> tuple[dict[int, str], list[Anomaly]]:
    """Frame number → path of one clip folder, in order of number; an image that is no frame is listed."""
    found: dict[int, str] = {}
    anomalies: list[Anomaly] = []
    with os.scandir(clip) as entries:
        files = sorted((entry.name, entry.path) for entry in entries if entry.is_file())
    for name, path in files:
        match = _FRAME.fullmatch(name)
        number = int(match[1]) if match else -1
        if match and number not in found:
            found[number] = path
        elif match or (name[0] != "." and _IMAGE.fullmatch(name)):
            what = f"{name} repeats frame {number}" if match else f"{name} is no reg_img<number>"
            code = "duplicate frame" if match else "strange image"
            anomalies.append(Anomaly(code=code, where=where, what=what, action="the file was left out"))
    return dict(sorted(found.items())), anomalies
