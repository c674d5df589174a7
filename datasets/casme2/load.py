"""CASME II, every layout of its release and every edition of its sheet, as one table of samples.

The form of the release comes from `casme2_files`, `casme2_takes` and `casme2_layout`, the labels from
`casme2_choice` and `casme2_sheet`; `casme2_clips` joins the two and `casme2_frames` chooses the frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from datasets.casme2.choice import Found, choose
from datasets.casme2.clips import join
from datasets.casme2.facts import (
    CLASSES,
    EDITION_2014,
    OBTAIN,
    USUAL,
    complete_clips,
    complete_samples,
)
from datasets.casme2.facts import FRAMES as FRAMES
from datasets.casme2.facts import LAYOUTS as LAYOUTS
from datasets.casme2.files import find
from datasets.casme2.frames import POLICIES
from datasets.casme2.layout import check, pick
from datasets.casme2.sheet import Row, edition, edition_note
from datasets.casme2.spelling import respelled
from datasets.casme2.takes import Takes
from datasets.casme2.video import opened
from datasets.classes import chosen
from datasets.spec import Anomaly, SampleTable
from datasets.text import gathered, shown
from datasets.tree import Tree


def load(root: Path, frames: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Read the release below `root` under the policy `frames`, one of `FRAMES`.

    `classes` are the six usual ones where none is named; "others" is accepted too. `layout` is one of
    `LAYOUTS`; without one, the first of them that is there is read. Samples are ordered by subject, clip and
    frame number. Every oddity of the data is in `anomalies`.

    Raises:
        ValueError: no release, no sheet or no usable frame was found, the sheet cannot be read, or a class or
            a layout is unknown.
    """
    assert frames in FRAMES, frames
    names = chosen(classes, usual=USUAL, accepted=CLASSES, dataset="casme2")
    tree = Tree(root)
    releases, tables = find(tree)
    check(releases, layout, tree=tree)
    found = choose(tables, tree=tree)
    rows = found.sheet.rows
    releases = tuple(respelled(release, rows) for release in releases)
    picked = pick(releases, rows, layout=layout, tree=tree)
    takes = picked.release.takes
    if picked.layout == "compressed":
        takes = opened(takes)
    clips, faults = join(rows, takes, classes=names)
    choice = POLICIES[frames](clips, names)
    anomalies = (*found.anomalies, *picked.release.anomalies, *faults, *choice.anomalies, *tree.anomalies)
    if not choice.samples:
        raise _nothing(tree, frames, found=found, takes=takes, anomalies=anomalies)
    date = edition(rows)
    return SampleTable(
        dataset="casme2",
        frames=frames,
        classes=names,
        samples=tuple(sorted(choice.samples, key=lambda sample: (sample.subject, sample.clip, sample.frame))),
        anomalies=gathered(anomalies),
        notes=(
            found.note,
            edition_note(date),
            *_set_aside(rows, names),
            *choice.notes,
            *(_unlike_the_paper(names, date, layout=picked.layout) if frames == "paper" else ()),
            picked.note,
            *_objective(found.sheet.objective),
        ),
        layout=picked.layout,
        aligned=picked.layout == "cropped",
        complete_clips=complete_clips(names, edition=date),
        # The paper's counts are those of the cropped release.
        complete_samples=complete_samples(frames, names, edition=date) if picked.layout == "cropped" else (),
    )


def _set_aside(rows: Sequence[Row], names: Sequence[str]) -> tuple[str, ...]:
    """A note on the rows of classes that were not asked for."""
    counts = Counter(row.emotion for row in rows)
    aside = [name for name in reversed(CLASSES) if name not in names and counts[name]]
    if not aside:
        return ()
    listed = ", ".join(f"{name}: {counts[name]} rows" for name in aside)
    return (f"{listed} of the sheet, left out as none of the classes {', '.join(names)}",)


def _unlike_the_paper(names: Sequence[str], date: str, *, layout: str) -> tuple[str, ...]:
    """Notes on why the paper's frames need not give the paper's counts."""
    notes: list[str] = []
    if date != EDITION_2014:
        notes.append(f"the counts of the paper's Table 2 need the sheet of {EDITION_2014}, which this is not")
    if tuple(names) != USUAL:
        notes.append(f"the paper's Table 2 is of six classes: {', '.join(USUAL)}")
    if layout in ("raw", "compressed"):
        notes.append(
            f"the paper's Table 2 is of the Cropped release, which lacks frames that {layout} may hold"
        )
    return tuple(notes)


def _objective(column: str) -> tuple[str, ...]:
    """A note on a column of objective classes."""
    return (f"column {shown(column)!r} of the sheet: not used, labels are its emotions",) if column else ()


def _nothing(
    tree: Tree, frames: str, *, found: Found, takes: Takes, anomalies: Sequence[Anomaly]
) -> ValueError:
    """The error of a release and a sheet that give no sample together, with what stood in the way."""
    counts = Counter(anomaly.code for anomaly in anomalies)
    faults = ", ".join(f"{code} {count}" for code, count in counts.most_common())
    return ValueError(
        f"no usable frames below {tree.root} under the policy {frames!r}: none of the "
        f"{len(found.sheet.rows)} rows of {shown(found.name)} fits one of the {len(takes)} clip folders "
        f"({faults or 'none is of the classes asked for'}); do the two belong together? {OBTAIN}"
    )
