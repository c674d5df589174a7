"""Load a release from the facts of its data set alone: no editions, cameras or videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.class_selection import select_scheme
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.case_matching import match_case
from datasets.sheets.coding_sheet_search import choose_sheet
from datasets.sheets.facts import FRAME_POLICIES, SheetFacts
from datasets.sheets.layout_choice import check_releases, choose_release
from datasets.sheets.release_search import find_releases
from datasets.sheets.sample_table import (
    AnnotatedRelease,
    build_table,
    describe_excluded_rows,
    describe_objective_column,
)
from datasets.spec import SampleTable


def load_release(
    root: Path, frame_policy: str, *, facts: SheetFacts, classes: Sequence[str], layout: str
) -> SampleTable:
    """Load the release below `root` under one of `FRAME_POLICIES`; a form of its frames is a layout.

    `classes` () selects the default ones; a name of a scheme alone is accepted too. Samples are ordered by
    subject, clip and frame number. `anomalies` lists every defect of the data.

    Raises:
        DatasetError: No release, sheet or usable frame was found; the sheet cannot be read; or a class or
            layout is unknown.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    scheme = select_scheme(
        classes,
        schemes=facts.schemes,
        default=facts.default_classes,
        choices=facts.classes,
        dataset=facts.name,
    )
    tree = DirectoryTree(root)
    releases, tables = find_releases(tree, facts=facts)
    check_releases(releases, layout, facts=facts, tree=tree)
    sheet_choice = choose_sheet(tables, facts=facts, tree=tree)
    rows = sheet_choice.sheet.rows
    candidates = [(release.form, match_case(release, rows)) for release in releases]
    release_choice = choose_release(candidates, layout=layout, facts=facts, tree=tree)
    return build_table(
        AnnotatedRelease(
            facts=facts,
            scheme=scheme,
            rows=rows,
            row_source=sheet_choice.relative_path,
            files_by_clip=release_choice.release.files_by_clip,
            layout=release_choice.layout,
            is_aligned=release_choice.layout in facts.aligned_layouts,
            anomalies=(*sheet_choice.anomalies, *release_choice.release.anomalies),
        ),
        tree=tree,
        frame_policy=frame_policy,
        notes=(
            (sheet_choice.note, *describe_excluded_rows(rows, facts=facts, scheme=scheme)),
            (release_choice.note, *describe_objective_column(sheet_choice.sheet.objective_column)),
        ),
        expected_clip_counts=scheme.count_clips(facts.clip_counts),
    )
