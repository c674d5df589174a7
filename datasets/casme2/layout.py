"""Choose which release below a root to read: the one in the given layout, or in the preferred one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.casme2.clip_files import Casme2Release
from datasets.casme2.clips import parse_interval
from datasets.casme2.coding_sheet import SheetRow
from datasets.casme2.coding_sheet_search import suggest_parent_folder
from datasets.casme2.constants import EXAMPLE_PATHS, LAYOUTS
from datasets.errors import DatasetError
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree
from datasets.text import sanitize, summarize_names


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChoice:
    """The chosen release, its layout, and a note on it and on the releases not used."""

    release: Casme2Release
    layout: str
    note: str


def check_releases(releases: Sequence[Casme2Release], layout: str, *, tree: DirectoryTree) -> None:
    """Raise DatasetError if the layout is unknown or there is no release."""
    if layout and layout not in LAYOUTS:
        raise DatasetError(
            "casme2-layout.unknown", f"unknown layout {layout!r} of casme2; accepted: {', '.join(LAYOUTS)}"
        )
    if not releases:
        examples = ", ".join(EXAMPLE_PATHS.values())
        raise DatasetError(
            "casme2-release.missing",
            f"no release of CASME II in {tree.root} (looked for files like {examples}, "
            f"up to {MAX_DEPTH} levels down). {suggest_parent_folder(tree.root)}",
        )


def choose_release(
    releases: Sequence[Casme2Release], rows: Sequence[SheetRow], *, layout: str, tree: DirectoryTree
) -> ReleaseChoice:
    """Choose the release in the given layout, or, for "", in the first of `LAYOUTS` that is present.

    Raises:
        DatasetError: No release is in the given layout, or several releases are in the chosen layout.
    """
    candidates = [(detect_layout(release, rows), release) for release in releases]
    candidates.sort(
        key=lambda candidate: (LAYOUTS.index(candidate[0]), tree.relative_to_root(candidate[1].folder))
    )
    descriptions = [
        f"{name} in {sanitize(tree.relative_to_root(release.folder))}" for name, release in candidates
    ]
    target_layout = layout or candidates[0][0]
    matches = [index for index, (name, _) in enumerate(candidates) if name == target_layout]
    if not matches:
        raise DatasetError(
            "casme2-layout.missing",
            f"no {target_layout} release of CASME II in {tree.root} (looked for files like "
            f"{EXAMPLE_PATHS[target_layout]}, up to {MAX_DEPTH} levels down); there is: "
            f"{summarize_names(descriptions)}. Name one of these layouts, or none.",
        )
    if len(matches) > 1:
        folders = ", ".join(str(candidates[index][1].folder) for index in matches)
        raise DatasetError(
            "casme2-release.several",
            f"one {target_layout} release is accepted; {tree.root} holds {len(matches)}: {folders}. "
            "Name one of them as the root, with its coding sheet in it, or move the others away.",
        )
    best_index = matches[0]
    others = summarize_names([text for index, text in enumerate(descriptions) if index != best_index])
    note = f"release: {descriptions[best_index]}" + (f" (not used: {others})" if others else "")
    return ReleaseChoice(release=candidates[best_index][1], layout=target_layout, note=note)


def detect_layout(release: Casme2Release, rows: Sequence[SheetRow]) -> str:
    """Return the layout of a release.

    The two raw layouts use the same file names. "raw_selected" holds only the frames from onset to offset, so
    a release is "raw" if more than half of the clip folders with a sheet row hold frames outside this
    interval.
    """
    if release.form != "img":
        return release.form
    num_known = num_beyond = 0
    for row in rows:
        clip_files, interval = release.files_by_clip.get(row.key), parse_interval(row)
        if clip_files and clip_files.frame_paths and interval:
            num_known += 1
            num_beyond += (
                min(clip_files.frame_paths) < interval[0] or max(clip_files.frame_paths) > interval[1]
            )
    return "raw" if num_beyond * 2 > num_known else "raw_selected"
