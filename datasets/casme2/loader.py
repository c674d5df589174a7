"""Load CASME II, in any layout of its release and any edition of its sheet, as one sample table.

`datasets.casme2.release_search`, `clip_files` and `layout` find and choose the release; `coding_sheet_search`
and `coding_sheet` find and read the coding sheet; `clips` joins the two, and `frame_policies` selects the
frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from datasets.anomalies import merge_anomalies
from datasets.casme2.case_matching import match_case
from datasets.casme2.clip_files import FilesByClip
from datasets.casme2.clips import build_clips
from datasets.casme2.coding_sheet import SheetRow, describe_edition, detect_edition
from datasets.casme2.coding_sheet_search import SheetChoice, choose_sheet
from datasets.casme2.constants import (
    ACCESS_INSTRUCTIONS,
    CLASSES,
    DEFAULT_CLASSES,
    EDITION_2014,
    get_expected_clip_counts,
    get_expected_sample_counts,
)
from datasets.casme2.constants import FRAME_POLICIES as FRAME_POLICIES
from datasets.casme2.constants import LAYOUTS as LAYOUTS
from datasets.casme2.frame_policies import POLICY_FUNCTIONS
from datasets.casme2.layout import check_releases, choose_release
from datasets.casme2.release_search import find_releases
from datasets.casme2.video_length import read_video_lengths
from datasets.class_selection import select_classes
from datasets.errors import DatasetError
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly, SampleTable
from datasets.text import pluralize, sanitize

MAX_SIMILAR_ANOMALIES = 300
"""Anomalies of one kind that are listed one by one: more than a complete release has clips."""


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root` under a frame policy, one of `FRAME_POLICIES`.

    `classes` () selects the default six; "others" is accepted too. `layout` is one of `LAYOUTS`; "" selects
    the first one present. Samples are ordered by subject, clip and frame number. `anomalies` lists every
    defect of the data.

    Raises:
        DatasetError: No release, sheet or usable frame was found; the sheet cannot be read; or a class or
            layout is unknown.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    class_names = select_classes(classes, default=DEFAULT_CLASSES, choices=CLASSES, dataset="casme2")
    tree = DirectoryTree(root)
    releases, tables = find_releases(tree)
    check_releases(releases, layout, tree=tree)
    sheet_choice = choose_sheet(tables, tree=tree)
    rows = sheet_choice.sheet.rows
    releases = tuple(match_case(release, rows) for release in releases)
    release_choice = choose_release(releases, rows, layout=layout, tree=tree)
    files_by_clip = release_choice.release.files_by_clip
    if release_choice.layout == "compressed":
        files_by_clip = read_video_lengths(files_by_clip)
    clips, join_anomalies = build_clips(rows, files_by_clip, classes=class_names)
    selection = POLICY_FUNCTIONS[frame_policy](clips, class_names)
    anomalies = (
        *sheet_choice.anomalies,
        *release_choice.release.anomalies,
        *join_anomalies,
        *selection.anomalies,
        *tree.anomalies,
    )
    if not selection.samples:
        raise _make_no_samples_error(
            tree, frame_policy, sheet_choice=sheet_choice, files_by_clip=files_by_clip, anomalies=anomalies
        )
    edition_date = detect_edition(rows)
    return SampleTable(
        dataset="casme2",
        frame_policy=frame_policy,
        classes=class_names,
        samples=tuple(
            sorted(selection.samples, key=lambda sample: (sample.subject, sample.clip, sample.frame_number))
        ),
        anomalies=merge_anomalies(anomalies, max_similar=MAX_SIMILAR_ANOMALIES, ignore_description=True),
        notes=(
            sheet_choice.note,
            describe_edition(edition_date),
            *_describe_excluded_classes(rows, class_names),
            *selection.notes,
            *(
                _describe_paper_differences(class_names, edition_date, layout=release_choice.layout)
                if frame_policy == "paper"
                else ()
            ),
            release_choice.note,
            *_describe_objective_column(sheet_choice.sheet.objective_column),
        ),
        layout=release_choice.layout,
        is_aligned=release_choice.layout == "cropped",
        expected_clip_counts=get_expected_clip_counts(class_names, edition=edition_date),
        # Table 2 of the paper counts the frames of the cropped release.
        expected_sample_counts=get_expected_sample_counts(frame_policy, class_names, edition=edition_date)
        if release_choice.layout == "cropped"
        else (),
    )


def _describe_excluded_classes(rows: Sequence[SheetRow], names: Sequence[str]) -> tuple[str, ...]:
    """Return a note on the sheet rows of classes that are not used."""
    counts = Counter(row.emotion for row in rows)
    excluded_classes = [name for name in reversed(CLASSES) if name not in names and counts[name]]
    if not excluded_classes:
        return ()
    row_counts = ", ".join(f"{name}: {pluralize(counts[name], 'row')}" for name in excluded_classes)
    return (f"{row_counts} of the sheet, left out: not among the classes {', '.join(names)}",)


def _describe_paper_differences(names: Sequence[str], date: str, *, layout: str) -> tuple[str, ...]:
    """Return notes on why the frame policy "paper" may not reproduce the counts of the paper."""
    notes: list[str] = []
    if date != EDITION_2014:
        notes.append(
            f"the counts of the paper's Table 2 need the sheet of {EDITION_2014}; this sheet is not "
            "identified as that edition"
        )
    if tuple(names) != DEFAULT_CLASSES:
        notes.append(f"the paper's Table 2 has six classes: {', '.join(DEFAULT_CLASSES)}")
    if layout in ("raw", "compressed"):
        notes.append(
            f"the paper's Table 2 counts the Cropped release, which lacks frames that {layout} may hold"
        )
    return tuple(notes)


def _describe_objective_column(column: str) -> tuple[str, ...]:
    """Return a note on a column of objective classes."""
    if not column:
        return ()
    return (f"column {sanitize(column)!r} of the sheet: not used; the labels are the sheet's emotions",)


def _make_no_samples_error(
    tree: DirectoryTree,
    frame_policy: str,
    *,
    sheet_choice: SheetChoice,
    files_by_clip: FilesByClip,
    anomalies: Sequence[Anomaly],
) -> DatasetError:
    """Return the error for a release and a sheet that give no sample, with the counts of the anomalies."""
    counts = Counter(anomaly.code for anomaly in anomalies)
    anomaly_counts = ", ".join(f"{code} {count}" for code, count in counts.most_common())
    num_rows, sheet_name = len(sheet_choice.sheet.rows), sanitize(sheet_choice.relative_path)
    return DatasetError(
        "casme2.no-frames",
        f"no usable frames below {tree.root} under the policy {frame_policy!r}: none of the {num_rows} rows "
        f"of {sheet_name} matches one of the {len(files_by_clip)} clip folders "
        f"({anomaly_counts or 'no row has a selected class'}). Check that the sheet belongs to the release. "
        f"{ACCESS_INSTRUCTIONS}",
    )
