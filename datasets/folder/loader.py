"""Load a user's own images from class folders, or from a CSV that lists each image and its class.

Class folders are `<class>/[<subject>/[<clip>/]]<image>` (`datasets.folder.class_folders`). A CSV has the
columns path and label, and optionally subject, clip and frame (`datasets.folder.image_csv`). If both are
present, the CSV is read. Regular expressions can read subjects and clips from the paths of the images instead
(`datasets.folder.path_patterns`). Missing subjects and clips stay unknown; protocols over subjects or clips
then raise an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.class_selection import select_classes
from datasets.errors import DatasetError
from datasets.folder import class_folders as folder_classes
from datasets.folder import image_csv as folder_csv
from datasets.folder.class_names import report_class_names
from datasets.folder.clip_consistency import assign_frame_numbers, remove_contradictions
from datasets.folder.constants import FORMS_HELP, FRAME_POLICIES, LAYOUTS
from datasets.folder.image_rows import AnomalyLog, ImageRow, has_unsafe_chars
from datasets.folder.path_patterns import describe_groups, name_groups
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import ImageRef, Sample, SampleTable
from datasets.text import pluralize


@dataclass(frozen=True, slots=True, kw_only=True)
class _LayoutChoice:
    """The folder to read, its CSV if the layout is "csv", a note on the choice, and skipped CSVs."""

    tree: DirectoryTree
    csv_path: Path | None
    note: str
    skipped_csvs: tuple[Path, ...] = ()


def load(
    root: Path,
    frame_policy: str,
    *,
    classes: Sequence[str] = (),
    layout: str = "",
    subject_from: str | None = None,
    clip_from: str | None = None,
) -> SampleTable:
    """Load the images below `root`, a folder or a CSV, under the only frame policy, "all".

    `classes` selects from the class names in the data; () selects all. `layout` is one of `LAYOUTS`; ""
    selects the CSV if there is one. Names of classes, subjects and clips are stripped of surrounding white
    space and otherwise unchanged. Classes are ordered by code point, samples by subject, clip, frame and
    path. `subject_from` and `clip_from` are regular expressions that replace the subjects and clips of the
    layout (`datasets.folder.path_patterns`).

    Raises:
        DatasetError: Neither layout is present, or there are several CSVs; the CSV cannot be read, or has
            only one of the columns path and label; fewer than two classes have a usable image; the policy,
            layout or a class is unknown; or an expression is invalid or does not fit the paths.
    """
    for field_name, value, choices in (
        ("frames", frame_policy, FRAME_POLICIES),
        ("layout", layout or "csv", LAYOUTS),
    ):
        if value not in choices:
            raise DatasetError(
                "folder-option.unknown",
                f"unknown {field_name} {value!r} of folder; accepted: {', '.join(choices)}",
            )
    root = Path(os.path.expanduser(root)).absolute()
    choice = _choose_layout(root, layout)
    anomaly_log = AnomalyLog()
    for csv_file in choice.skipped_csvs:
        description = f"its first line does not name the columns {' and '.join(folder_csv.REQUIRED_COLUMNS)}"
        anomaly_log.add(
            "CSV not read", csv_file.name, description=description, action="the folders were read as classes"
        )
    rows: list[ImageRow]
    rows, notes = (
        (folder_classes.read_class_folders(choice.tree, anomaly_log), ())
        if choice.csv_path is None
        else folder_csv.read_image_csv(choice.csv_path, anomaly_log)
    )
    options = (("subject", subject_from), ("clip", clip_from))
    patterns = {kind: pattern for kind, pattern in options if pattern is not None}
    for kind, pattern in patterns.items():
        rows = name_groups(rows, kind=kind, pattern=pattern, classes=classes)
    if choice.csv_path is None:
        rows = folder_classes.separate_clips(rows, anomaly_log)
    rows = assign_frame_numbers(remove_contradictions(rows, anomaly_log), anomaly_log)
    report_class_names(rows, anomaly_log)
    all_classes = sorted({row.label for row in rows})
    if len(all_classes) < 2:
        class_note = f", all of the class {all_classes[0]}" if all_classes else ""
        raise DatasetError(
            "folder.too-few-classes",
            f"a study needs usable images of at least two classes; {root} holds {len(rows)}{class_note} "
            f"({choice.note}). {FORMS_HELP}{anomaly_log.summarize()}",
        )
    class_names = select_classes(classes, default=all_classes, choices=all_classes, dataset="folder")
    samples = _make_samples([row for row in rows if row.label in class_names], class_names)
    return SampleTable(
        dataset="folder",
        frame_policy=frame_policy,
        classes=class_names,
        samples=samples,
        anomalies=anomaly_log.get_anomalies(),
        notes=(choice.note, *notes, *_make_notes(rows, samples, class_names, patterns)),
        layout="csv" if choice.csv_path else "classes",
    )


def _choose_layout(root: Path, layout: str) -> _LayoutChoice:
    """Choose the layout of the data at `root`."""
    if has_unsafe_chars(str(root)):
        raise DatasetError(
            "folder-root.unprintable",
            f"the path of the data must be printable text, got {str(root)!r}; rename the folder.",
        )
    if not os.path.exists(root):
        raise DatasetError("folder-root.missing", f"the data must exist: there is no {root}. {FORMS_HELP}")
    if not os.path.isdir(root):
        if root.suffix.lower() != ".csv" or not os.path.isfile(root) or layout == "classes":
            expected_form = "a folder of class folders" if layout == "classes" else "a folder or a CSV"
            raise DatasetError(
                "folder-root.form", f"the data must be {expected_form}; {root} is not. {FORMS_HELP}"
            )
        return _LayoutChoice(tree=DirectoryTree(root.parent), csv_path=root, note=f"layout: csv, {root.name}")
    tree = DirectoryTree(root)
    if layout == "classes":
        return _LayoutChoice(tree=tree, csv_path=None, note="layout: class folders, as asked for")
    listing = tree.list_folder(root)
    csv_files = [
        file for file in listing.files if file.suffix.lower() == ".csv" and not has_unsafe_chars(file.name)
    ]
    missing_columns = {csv_file: folder_csv.find_missing_columns(csv_file) for csv_file in csv_files}
    image_csvs = [csv_file for csv_file, missing in missing_columns.items() if not missing]
    if len(image_csvs) > 1:
        names = ", ".join(image_csv.name for image_csv in image_csvs[:5])
        raise DatasetError(
            "image-csv.several",
            f"one CSV with the columns path and label is accepted; {root} holds {len(image_csvs)}: {names}. "
            "Name one by --root, or use the layout classes.",
        )
    if image_csvs:
        folders_note = "; folders beside it were not read as classes" if listing.folders else ""
        return _LayoutChoice(
            tree=tree, csv_path=image_csvs[0], note=f"layout: csv, {image_csvs[0].name}{folders_note}"
        )
    # A CSV with one of the two columns was meant as the list of images. A CSV with neither may be unrelated.
    partial_csvs = [
        csv_file
        for csv_file, missing in missing_columns.items()
        if len(missing) < len(folder_csv.REQUIRED_COLUMNS)
    ]
    if layout == "csv" or partial_csvs:
        problems = [
            f"{csv_file.name} lacks {' and '.join(missing_columns[csv_file])}"
            for csv_file in (partial_csvs or csv_files)[:5]
        ]
        problem_note = f": {', '.join(problems)}" if problems else ""
        layout_hint = "" if layout else " To read the folders beside it, use the layout classes."
        raise DatasetError(
            "image-csv.missing",
            f"no CSV with the columns path and label in {root}{problem_note}. {FORMS_HELP}{layout_hint}",
        )
    return _LayoutChoice(
        tree=tree, csv_path=None, note="layout: class folders", skipped_csvs=tuple(csv_files)
    )


def _make_samples(rows: Sequence[ImageRow], classes: Sequence[str]) -> tuple[Sample, ...]:
    """Return the rows as samples, ordered by subject, clip, frame and path."""
    labels = {name: label for label, name in enumerate(classes)}
    sorted_rows = sorted(rows, key=lambda row: (row.subject, row.clip, row.frame_number or 0, row.id))
    onset_refs: dict[str, ImageRef] = {}
    for row in sorted_rows:
        if row.clip:
            onset_refs.setdefault(row.clip, ImageRef(row.path))
    return tuple(
        Sample(
            id=row.id,
            path=row.path,
            label=labels[row.label],
            subject=row.subject,
            clip=row.clip,
            frame_number=row.frame_number or 0,
            onset_ref=onset_refs.get(row.clip),
        )
        for row in sorted_rows
    )


def _make_notes(
    rows: Sequence[ImageRow],
    samples: Sequence[Sample],
    class_names: Sequence[str],
    patterns: Mapping[str, str],
) -> tuple[str, ...]:
    """Return notes on subjects and clips, on classes that are not selected, and on alignment.

    `patterns` maps "subject" and "clip" to the expression that gave them, if one did.
    """
    notes = []
    for group_kind, names in (
        ("subject", [sample.subject for sample in samples]),
        ("clip", [sample.clip for sample in samples]),
    ):
        if group_kind in patterns:
            notes.append(describe_groups(samples, kind=group_kind, pattern=patterns[group_kind]))
            continue
        num_unknown, num_known = names.count(""), len(set(names) - {""})
        missing_note = (
            f", unknown for {num_unknown} of {pluralize(len(names), 'image')}" if num_unknown else ""
        )
        notes.append(f"{group_kind}s: {num_known}{missing_note}" if num_known else f"{group_kind}s: unknown")
    excluded_classes = sorted({row.label for row in rows} - set(class_names))
    if excluded_classes:
        count = len(rows) - len(samples)
        notes.append(
            f"classes left out, not selected: {', '.join(excluded_classes)} ({pluralize(count, 'image')})"
        )
    notes.append("images are used without cropping; --align haar detects and crops the faces first")
    return tuple(notes)
