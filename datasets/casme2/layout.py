"""Which of the releases below a root is read: the layout asked for, or the best there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.casme2.choice import suggest_parent_folder
from datasets.casme2.clips import parse_interval
from datasets.casme2.facts import EXAMPLE_PATHS, LAYOUTS
from datasets.casme2.sheet import SheetRow
from datasets.casme2.takes import Casme2Release
from datasets.text import sanitize, summarize_names
from datasets.tree import MAX_DEPTH, DirectoryTree


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChoice:
    """The release that is read, its layout, and a note on it and on those that are not."""

    release: Casme2Release
    layout: str
    note: str


def check_releases(releases: Sequence[Casme2Release], layout: str, *, tree: DirectoryTree) -> None:
    """Raise ValueError for an unknown layout, and where there is no release at all."""
    if layout and layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r} of casme2; accepted: {', '.join(LAYOUTS)}")
    if not releases:
        raise ValueError(
            f"no release of CASME II in {tree.root} (looked for files like {', '.join(EXAMPLE_PATHS.values())}, "
            f"up to {MAX_DEPTH} levels down). {suggest_parent_folder(tree.root)}"
        )


def choose_release(
    releases: Sequence[Casme2Release], rows: Sequence[SheetRow], *, layout: str, tree: DirectoryTree
) -> ReleaseChoice:
    """The release in the layout named, or where none is, in the first of `LAYOUTS` that is there.

    Raises:
        ValueError: the layout named is not there, or the one to be read is there more than once.
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
        raise ValueError(
            f"no {target_layout} release of CASME II in {tree.root} (looked for files like {EXAMPLE_PATHS[target_layout]}, "
            f"up to {MAX_DEPTH} levels down); there is: {summarize_names(descriptions)}. Name one of these layouts, or none."
        )
    if len(matches) > 1:
        folders = ", ".join(str(candidates[index][1].folder) for index in matches)
        raise ValueError(
            f"one {target_layout} release is accepted; {tree.root} holds {len(matches)}: {folders}. "
            "Name one of them as the root, beside its sheet, or take the others away."
        )
    best_index = matches[0]
    others = summarize_names([text for index, text in enumerate(descriptions) if index != best_index])
    note = f"release: {descriptions[best_index]}" + (f" (not used: {others})" if others else "")
    return ReleaseChoice(release=candidates[best_index][1], layout=target_layout, note=note)


def detect_layout(release: Casme2Release, rows: Sequence[SheetRow]) -> str:
    """Which layout a release is in.

    Both raw ones name their frames alike. The selected one ends where the sheet says, so it is the whole one
    that has frames before the onset or after the offset in more than half of the folders that a row names.
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
