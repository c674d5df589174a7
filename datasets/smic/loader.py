"""Load SMIC, from any of its cameras, raw or cropped, as one sample table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.class_selection import select_scheme
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.layout_choice import check_releases, choose_release
from datasets.sheets.release_search import find_releases
from datasets.sheets.sample_table import AnnotatedRelease, build_table
from datasets.smic.annotation import complete_rows, read_annotation
from datasets.smic.clip_folders import detect_layout, list_clip_folders
from datasets.smic.constants import CLASSES, CLIP_COUNTS, CLIP_TOTALS, EXTENDED_TOTALS, FACTS, SCHEMES
from datasets.smic.constants import FRAME_POLICIES as FRAME_POLICIES
from datasets.smic.constants import LAYOUTS as LAYOUTS
from datasets.spec import SampleTable


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root` under a frame policy, one of `FRAME_POLICIES`.

    The clips and their classes come from the folder names, onset and offset from the annotation, if there is
    one. `layout` is one of `LAYOUTS`; "" selects the first one present. Samples are ordered by subject, clip
    and frame number. `anomalies` lists every defect of the data.

    Raises:
        DatasetError: No release or usable frame was found; the annotation cannot be read; or a class or
            layout is unknown.
    """
    assert frame_policy in FRAME_POLICIES, frame_policy
    scheme = select_scheme(classes, schemes=SCHEMES, default=CLASSES, choices=CLASSES, dataset=FACTS.name)
    tree = DirectoryTree(root)
    releases, tables = find_releases(tree, facts=FACTS, list_clips=list_clip_folders)
    check_releases(releases, layout, facts=FACTS, tree=tree)
    candidates = [(detect_layout(release), release) for release in releases]
    release_choice = choose_release(candidates, layout=layout, facts=FACTS, tree=tree)
    modality, _, form = release_choice.layout.partition("_")
    files_by_clip = release_choice.release.files_by_clip
    annotation = read_annotation(tables, modality, tree=tree)
    rows, row_anomalies = complete_rows(annotation, files_by_clip)
    return build_table(
        AnnotatedRelease(
            facts=FACTS,
            scheme=scheme,
            rows=rows,
            row_source="the annotation",
            files_by_clip=files_by_clip,
            layout=release_choice.layout,
            is_aligned=form == "cropped",
            anomalies=(*annotation.anomalies, *release_choice.release.anomalies, *row_anomalies),
        ),
        tree=tree,
        frame_policy=frame_policy,
        notes=(
            (annotation.note, "classes: those of the clip names"),
            (
                f"a complete {modality.upper()} release has {CLIP_TOTALS[modality]} clips, an extended one "
                f"{EXTENDED_TOTALS[modality]} long clips; {len(files_by_clip)} clip folders are there",
                release_choice.note,
            ),
        ),
        expected_clip_counts=scheme.count_clips(CLIP_COUNTS.get(modality, {})),
    )
