"""Load SAMM, with either edition of its coding sheet, as one sample table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.class_selection import ClassScheme, select_scheme
from datasets.io.directory_tree import DirectoryTree
from datasets.megc2019.constants import SETS
from datasets.samm.constants import CLASSES, CLIP_COUNTS, DEFAULT_CLASSES, FACTS, SCHEMES
from datasets.samm.constants import FRAME_POLICIES as FRAME_POLICIES
from datasets.samm.constants import LAYOUTS as LAYOUTS
from datasets.sheets.case_matching import match_case
from datasets.sheets.clips import build_clips
from datasets.sheets.coding_sheet_search import choose_sheet
from datasets.sheets.frame_policies import POLICY_FUNCTIONS
from datasets.sheets.layout_choice import check_releases, choose_release
from datasets.sheets.release_search import find_releases
from datasets.sheets.sample_table import (
    build_no_samples_error,
    build_table,
    describe_excluded_rows,
    describe_objective_column,
)
from datasets.spec import SampleTable


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root` under a frame policy, one of `FRAME_POLICIES`.

    `classes` () selects the seven emotions; "other" is accepted too, and a name of `SCHEMES` alone. Samples
    are ordered by subject, clip and frame number. `anomalies` lists every defect of the data.

    Raises:
        DatasetError: No release, sheet or usable frame was found; the sheet cannot be read; or a class or
            layout is unknown.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    scheme = select_scheme(
        classes, schemes=SCHEMES, default=DEFAULT_CLASSES, choices=CLASSES, dataset=FACTS.name
    )
    tree = DirectoryTree(root)
    releases, tables = find_releases(tree, facts=FACTS)
    check_releases(releases, layout, facts=FACTS, tree=tree)
    sheet_choice = choose_sheet(tables, facts=FACTS, tree=tree)
    rows = sheet_choice.sheet.rows
    candidates = [(release.form, match_case(release, rows)) for release in releases]
    release_choice = choose_release(candidates, layout=layout, facts=FACTS, tree=tree)
    files_by_clip = release_choice.release.files_by_clip
    clips, join_anomalies = build_clips(rows, files_by_clip, facts=FACTS, scheme=scheme)
    selection = POLICY_FUNCTIONS[frame_policy](clips, scheme.classes)
    anomalies = (
        *sheet_choice.anomalies,
        *release_choice.release.anomalies,
        *join_anomalies,
        *selection.anomalies,
        *tree.anomalies,
    )
    if not selection.samples:
        raise build_no_samples_error(
            tree.root,
            frame_policy,
            facts=FACTS,
            rows=rows,
            sheet_name=sheet_choice.relative_path,
            num_clips=len(files_by_clip),
            anomalies=anomalies,
        )
    return build_table(
        selection,
        facts=FACTS,
        scheme=scheme,
        frame_policy=frame_policy,
        layout=release_choice.layout,
        is_aligned=False,
        anomalies=anomalies,
        notes=(
            sheet_choice.note,
            *describe_excluded_rows(rows, facts=FACTS, scheme=scheme),
            *selection.notes,
            release_choice.note,
            *describe_objective_column(sheet_choice.sheet.objective_column),
        ),
        expected_clip_counts=_get_clip_counts(scheme),
    )


def _get_clip_counts(scheme: ClassScheme) -> tuple[int, ...]:
    """Return the clips of each class of the scheme in a complete release."""
    if scheme == SCHEMES["3-class"]:
        return SETS[FACTS.name].clips_per_class
    return tuple(CLIP_COUNTS[name] for name in scheme.classes)
