"""Which of the releases below a root is read: the layout asked for, or the best there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.casme2.choice import sheet_above
from datasets.casme2.clips import span
from datasets.casme2.facts import LAYOUTS, PATTERNS
from datasets.casme2.sheet import Row
from datasets.casme2.takes import Release
from datasets.text import named, shown
from datasets.tree import LEVELS, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The release that is read, its layout, and a note on it and on those that are not."""

    release: Release
    layout: str
    note: str


def check(releases: Sequence[Release], layout: str, *, tree: Tree) -> None:
    """Raise ValueError for an unknown layout, and where there is no release at all."""
    if layout and layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r} of casme2; accepted: {', '.join(LAYOUTS)}")
    if not releases:
        raise ValueError(
            f"no release of CASME II in {tree.root} (looked for files like {', '.join(PATTERNS.values())}, "
            f"up to {LEVELS} levels down). {sheet_above(tree.root)}"
        )


def pick(releases: Sequence[Release], rows: Sequence[Row], *, layout: str, tree: Tree) -> Picked:
    """The release in the layout named, or where none is, in the first of `LAYOUTS` that is there.

    Raises:
        ValueError: the layout named is not there, or the one to be read is there more than once.
    """
    layouts = [(layout_of(release, rows), release) for release in releases]
    layouts.sort(key=lambda found: (LAYOUTS.index(found[0]), tree.relative(found[1].folder)))
    places = [f"{name} in {shown(tree.relative(release.folder))}" for name, release in layouts]
    wanted = layout or layouts[0][0]
    candidates = [place for place, (name, _) in enumerate(layouts) if name == wanted]
    if not candidates:
        raise ValueError(
            f"no {wanted} release of CASME II in {tree.root} (looked for files like {PATTERNS[wanted]}, "
            f"up to {LEVELS} levels down); there is: {named(places)}. Name one of these layouts, or none."
        )
    if len(candidates) > 1:
        folders = ", ".join(str(layouts[place][1].folder) for place in candidates)
        raise ValueError(
            f"one {wanted} release is accepted; {tree.root} holds {len(candidates)}: {folders}. "
            "Name one of them as the root, beside its sheet, or take the others away."
        )
    used = candidates[0]
    unused = named([text for place, text in enumerate(places) if place != used])
    note = f"release: {places[used]}" + (f" (not used: {unused})" if unused else "")
    return Picked(release=layouts[used][1], layout=wanted, note=note)


def layout_of(release: Release, rows: Sequence[Row]) -> str:
    """Which layout a release is in.

    Both raw ones name their frames alike. The selected one ends where the sheet says, so it is the whole one
    that has frames before the onset or after the offset in more than half of the folders that a row names.
    """
    if release.form != "img":
        return release.form
    known = beyond = 0
    for row in rows:
        take, ends = release.takes.get(row.key), span(row)
        if take and take.files and ends:
            known += 1
            beyond += min(take.files) < ends[0] or max(take.files) > ends[1]
    return "raw" if beyond * 2 > known else "raw_selected"
