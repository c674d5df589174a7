"""Choose which release below a root to read: the one in the given layout, or in the preferred one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datasets.errors import DatasetError
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree
from datasets.sheets.clip_files import Release
from datasets.sheets.coding_sheet_search import suggest_parent_folder
from datasets.sheets.facts import SheetFacts
from datasets.text import sanitize, summarize_names


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChoice:
    """The chosen release, its layout, and a note on it and on the releases not used."""

    release: Release
    layout: str
    note: str


def check_releases(
    releases: Sequence[Release], layout: str, *, facts: SheetFacts, tree: DirectoryTree
) -> None:
    """Raise DatasetError if the layout is unknown or there is no release."""
    if layout and layout not in facts.layouts:
        raise DatasetError(
            "release-layout.unknown",
            f"unknown layout {layout!r} of {facts.name}; accepted: {', '.join(facts.layouts)}",
        )
    if not releases:
        examples = ", ".join(facts.example_paths.values())
        raise DatasetError(
            "release.missing",
            f"no release of {facts.title} in {tree.root} (looked for files like {examples}, "
            f"up to {MAX_DEPTH} levels down). {suggest_parent_folder(tree.root, facts)}",
        )


def choose_release(
    candidates: Iterable[tuple[str, Release]], *, layout: str, facts: SheetFacts, tree: DirectoryTree
) -> ReleaseChoice:
    """Choose the release in the given layout, or, for "", in the first of the data set's that is present.

    `candidates` are the releases with their layouts, at least one.

    Raises:
        DatasetError: No release is in the given layout, or several releases are in the chosen layout.
    """
    candidates = sorted(
        candidates,
        key=lambda candidate: (
            facts.layouts.index(candidate[0]),
            tree.relative_to_root(candidate[1].folder),
        ),
    )
    descriptions = [
        f"{name} in {sanitize(tree.relative_to_root(release.folder))}" for name, release in candidates
    ]
    target_layout = layout or candidates[0][0]
    matches = [index for index, (name, _) in enumerate(candidates) if name == target_layout]
    if not matches:
        raise DatasetError(
            "release-layout.missing",
            f"no {target_layout} release of {facts.title} in {tree.root} (looked for files like "
            f"{facts.example_paths[target_layout]}, up to {MAX_DEPTH} levels down); there is: "
            f"{summarize_names(descriptions)}. Name one of these layouts, or omit the layout.",
        )
    if len(matches) > 1:
        folders = ", ".join(str(candidates[index][1].folder) for index in matches)
        raise DatasetError(
            "release.several",
            f"one {target_layout} release is accepted; {tree.root} holds {len(matches)}: {folders}. "
            "Name one of them as the root, with its coding sheet in it, or move the others away.",
        )
    best_index = matches[0]
    others = summarize_names([text for index, text in enumerate(descriptions) if index != best_index])
    note = f"release: {descriptions[best_index]}" + (f" (not used: {others})" if others else "")
    return ReleaseChoice(release=candidates[best_index][1], layout=target_layout, note=note)
