"""Build the sample table of a release from its selected frames, notes and anomalies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from datasets.anomalies import merge_anomalies
from datasets.class_selection import ClassScheme
from datasets.errors import DatasetError
from datasets.sheets.coding_sheet import SheetRow
from datasets.sheets.facts import SheetFacts
from datasets.sheets.frame_policies import FrameSelection
from datasets.spec import Anomaly, SampleTable
from datasets.text import pluralize, sanitize

MAX_SIMILAR_ANOMALIES = 300
"""Anomalies of one kind that are listed one by one: more than a complete release has clips."""


def build_table(
    selection: FrameSelection,
    *,
    facts: SheetFacts,
    scheme: ClassScheme,
    frame_policy: str,
    layout: str,
    is_aligned: bool,
    anomalies: Iterable[Anomaly],
    notes: Iterable[str],
    expected_clip_counts: tuple[int, ...] = (),
    expected_sample_counts: tuple[int, ...] = (),
) -> SampleTable:
    """Return the table of the selected samples, ordered by subject, clip and frame number.

    Anomalies of a kind that a release cannot have so often are merged into one with their number.
    """
    return SampleTable(
        dataset=facts.name,
        frame_policy=frame_policy,
        classes=scheme.classes,
        samples=tuple(
            sorted(selection.samples, key=lambda sample: (sample.subject, sample.clip, sample.frame_number))
        ),
        anomalies=merge_anomalies(anomalies, max_similar=MAX_SIMILAR_ANOMALIES, ignore_description=True),
        notes=tuple(notes),
        layout=layout,
        is_aligned=is_aligned,
        expected_clip_counts=expected_clip_counts,
        expected_sample_counts=expected_sample_counts,
    )


def describe_excluded_rows(
    rows: Sequence[SheetRow], *, facts: SheetFacts, scheme: ClassScheme
) -> tuple[str, ...]:
    """Return notes on the rows of emotions that are not used, and on the clips that the scheme leaves out."""
    counts = Counter(row.emotion for row in rows)
    excluded = [name for name in reversed(facts.classes) if name not in scheme.emotions and counts[name]]
    notes: list[str] = []
    if excluded:
        row_counts = ", ".join(f"{name}: {pluralize(counts[name], 'row')}" for name in excluded)
        notes.append(
            f"{row_counts} of the sheet, left out: not among the classes {', '.join(scheme.classes)}"
        )
    keys = {row.key for row in rows if row.emotion in scheme.emotions}
    if excluded_clips := ["/".join(key) for key in scheme.excluded_clips if key in keys]:
        notes.append(f"left out by the rule of these classes: {', '.join(excluded_clips)}")
    return tuple(notes)


def describe_objective_column(column: str) -> tuple[str, ...]:
    """Return a note on a column of objective classes, if the sheet has one."""
    if not column:
        return ()
    return (f"column {sanitize(column)!r} of the sheet: not used; the labels are the sheet's emotions",)


def build_no_samples_error(
    root: Path,
    frame_policy: str,
    *,
    facts: SheetFacts,
    rows: Collection[SheetRow],
    sheet_name: str,
    num_clips: int,
    anomalies: Iterable[Anomaly],
) -> DatasetError:
    """Return the error for a release and a sheet that give no sample, with the counts of the anomalies."""
    counts = Counter(anomaly.code for anomaly in anomalies)
    anomaly_counts = ", ".join(f"{code} {count}" for code, count in counts.most_common())
    return DatasetError(
        "release.no-frames",
        f"no usable frames below {root} under the policy {frame_policy!r}: none of the {len(rows)} rows "
        f"of {sanitize(sheet_name)} matches one of the {num_clips} clip folders "
        f"({anomaly_counts or 'no row has a selected class'}). Check that the sheet belongs to the release. "
        f"{facts.access_instructions}",
    )
