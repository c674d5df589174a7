"""Load CASME II, in any layout of its release and any edition of its sheet, as one sample table.

`datasets.sheets` finds the release and the coding sheet, joins the two and selects the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.casme2.constants import (
    CLASSES,
    DEFAULT_CLASSES,
    EDITION_2014,
    FACTS,
    SCHEMES,
    get_expected_clip_counts,
    get_expected_sample_counts,
)
from datasets.casme2.constants import FRAME_POLICIES as FRAME_POLICIES
from datasets.casme2.constants import LAYOUTS as LAYOUTS
from datasets.casme2.editions import describe_edition, detect_edition
from datasets.casme2.layout import detect_layout
from datasets.casme2.paper_frames import POLICY_FUNCTIONS
from datasets.casme2.video_length import read_video_lengths
from datasets.class_selection import ClassScheme, select_scheme
from datasets.io.directory_tree import DirectoryTree
from datasets.megc2019.constants import SETS
from datasets.sheets.case_matching import match_case
from datasets.sheets.coding_sheet_search import choose_sheet
from datasets.sheets.layout_choice import check_releases, choose_release
from datasets.sheets.release_search import find_releases
from datasets.sheets.sample_table import (
    AnnotatedRelease,
    build_table,
    describe_excluded_rows,
    describe_objective_column,
)
from datasets.spec import SampleTable


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root` under a frame policy, one of `FRAME_POLICIES`.

    `classes` () selects the default six; "others" is accepted too, and a name of `SCHEMES` alone. `layout` is
    one of `LAYOUTS`; "" selects the first one present. Samples are ordered by subject, clip and frame number.
    `anomalies` lists every defect of the data.

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
    releases = tuple(match_case(release, rows) for release in releases)
    candidates = [(detect_layout(release, rows), release) for release in releases]
    release_choice = choose_release(candidates, layout=layout, facts=FACTS, tree=tree)
    files_by_clip = release_choice.release.files_by_clip
    if release_choice.layout == "compressed":
        files_by_clip = read_video_lengths(files_by_clip)
    edition_date = detect_edition(rows)
    is_cropped = release_choice.layout == "cropped"
    return build_table(
        AnnotatedRelease(
            facts=FACTS,
            scheme=scheme,
            rows=rows,
            row_source=sheet_choice.relative_path,
            files_by_clip=files_by_clip,
            layout=release_choice.layout,
            is_aligned=is_cropped,
            anomalies=(*sheet_choice.anomalies, *release_choice.release.anomalies),
        ),
        tree=tree,
        frame_policy=frame_policy,
        policies=POLICY_FUNCTIONS,
        notes=(
            (
                sheet_choice.note,
                describe_edition(edition_date),
                *describe_excluded_rows(rows, facts=FACTS, scheme=scheme),
            ),
            (
                *(
                    _describe_paper_differences(scheme.classes, edition_date, layout=release_choice.layout)
                    if frame_policy == "paper"
                    else ()
                ),
                release_choice.note,
                *describe_objective_column(sheet_choice.sheet.objective_column),
            ),
        ),
        expected_clip_counts=_get_clip_counts(scheme, edition_date),
        # Table 2 of the paper counts the frames of the cropped release.
        expected_sample_counts=get_expected_sample_counts(frame_policy, scheme.classes, edition=edition_date)
        if is_cropped and scheme != SCHEMES["3-class"]
        else (),
    )


def _get_clip_counts(scheme: ClassScheme, edition_date: str) -> tuple[int, ...]:
    """Return the clips of each class of the scheme in a complete release."""
    if scheme == SCHEMES["3-class"]:
        return SETS[FACTS.name].clips_per_class
    return get_expected_clip_counts(scheme.classes, edition=edition_date)


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
