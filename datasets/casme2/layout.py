"""Tell the layouts of CASME II apart; the two raw ones use the same file names."""

from __future__ import annotations

from collections.abc import Sequence

from datasets.sheets.clip_files import Release
from datasets.sheets.clips import parse_interval
from datasets.sheets.coding_sheet import SheetRow


def detect_layout(release: Release, rows: Sequence[SheetRow]) -> str:
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
