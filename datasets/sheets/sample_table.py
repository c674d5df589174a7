"""Build the sample table of a release from the rows of its annotation and its frame files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.anomalies import merge_anomalies
from datasets.class_selection import ClassScheme
from datasets.errors import DatasetError
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import FilesByClip
from datasets.sheets.clips import build_clips
from datasets.sheets.coding_sheet import SheetRow
from datasets.sheets.facts import SheetFacts
from datasets.sheets.frame_policies import POLICY_FUNCTIONS, Policy
from datasets.spec import Anomaly, SampleTable
from datasets.text import pluralize, sanitize

MAX_SIMILAR_ANOMALIES = 300
"""Anomalies of one kind that are listed one by one: more than a complete release has clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedRelease:
    """One release on disk with the rows of its annotation.

    `row_source` names what holds the rows, such as the path of a sheet. `anomalies` are those of the rows and
    of the files.
    """

    facts: SheetFacts
    scheme: ClassScheme
    rows: Collection[SheetRow]
    row_source: str
    files_by_clip: FilesByClip
    layout: str
    is_aligned: bool
    anomalies: tuple[Anomaly, ...]


def build_table(
    release: AnnotatedRelease,
    *,
    tree: DirectoryTree,
    frame_policy: str,
    policies: Mapping[str, Policy] = POLICY_FUNCTIONS,
    notes: tuple[Iterable[str], Iterable[str]],
    expected_clip_counts: tuple[int, ...] = (),
    expected_sample_counts: tuple[int, ...] = (),
) -> SampleTable:
    """Join rows and frames, select frames under a policy, and return the table of samples.

    Samples are ordered by subject, clip and frame number. Anomalies of a kind that a release cannot have so
    often are merged into one with their number. `notes` come before and after those of the policy.

    Raises:
        DatasetError: No frame is usable.
    """
    clips, join_anomalies = build_clips(
        release.rows, release.files_by_clip, facts=release.facts, scheme=release.scheme
    )
    selection = policies[frame_policy](clips, release.scheme.classes)
    anomalies = (*release.anomalies, *join_anomalies, *selection.anomalies, *tree.anomalies)
    if not selection.samples:
        raise _build_no_samples_error(release, frame_policy, root=tree.root, anomalies=anomalies)
    first_notes, last_notes = notes
    return SampleTable(
        dataset=release.facts.name,
        frame_policy=frame_policy,
        classes=release.scheme.classes,
        samples=tuple(
            sorted(selection.samples, key=lambda sample: (sample.subject, sample.clip, sample.frame_number))
        ),
        anomalies=merge_anomalies(anomalies, max_similar=MAX_SIMILAR_ANOMALIES, ignore_description=True),
        notes=(*first_notes, *selection.notes, *last_notes),
        layout=release.layout,
        is_aligned=release.is_aligned,
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


def _build_no_samples_error(
    release: AnnotatedRelease, frame_policy: str, *, root: Path, anomalies: Iterable[Anomaly]
) -> DatasetError:
    """Return the error for a release without a sample, with the counts of the anomalies."""
    counts = Counter(anomaly.code for anomaly in anomalies)
    anomaly_counts = ", ".join(f"{code} {count}" for code, count in counts.most_common())
    return DatasetError(
        "release.no-frames",
        f"no usable frames below {root} under the policy {frame_policy!r}: none of the {len(release.rows)} "
        f"rows of {sanitize(release.row_source)} matches one of the {len(release.files_by_clip)} clip "
        f"folders ({anomaly_counts or 'no row has a selected class'}). Check that the sheet belongs to the "
        f"release. {release.facts.access_instructions}",
    )
