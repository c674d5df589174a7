"""Match clip names on disk that differ from the sheet only in case, as in some copies.

A name on disk is matched to a row only if no other row and no other clip of the subject fits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from datasets.sheets.clip_files import Release
from datasets.sheets.coding_sheet import SheetRow
from datasets.spec import Anomaly
from datasets.text import sanitize, summarize_names

Key = tuple[str, str]


def match_case(release: Release, rows: Iterable[SheetRow]) -> Release:
    """Return the release with clips named as in the sheet, and one anomaly if any name was changed."""
    keys = {row.key for row in rows}
    sheet_keys = _group_by_lower_case(keys - release.files_by_clip.keys())
    renames = {
        disk_keys[0]: sheet_keys[lower_key][0]
        for lower_key, disk_keys in _group_by_lower_case(release.files_by_clip.keys() - keys).items()
        if len(disk_keys) == len(sheet_keys.get(lower_key, ())) == 1
    }
    if not renames:
        return release
    pairs = [f"{'/'.join(disk)} for {'/'.join(sheet)}" for disk, sheet in sorted(renames.items())]
    examples = summarize_names(pairs)
    anomaly = Anomaly(
        code="other case",
        location=sanitize("/".join(min(renames))),
        description=f"{len(pairs)} clips are named in another case than in the sheet: {examples}",
        action="they were taken as the same",
    )
    files_by_clip = {renames.get(key, key): clip_files for key, clip_files in release.files_by_clip.items()}
    return replace(release, files_by_clip=files_by_clip, anomalies=(*release.anomalies, anomaly))


def _group_by_lower_case(keys: Iterable[Key]) -> dict[Key, list[Key]]:
    groups: dict[Key, list[Key]] = defaultdict(list)
    for subject, name in keys:
        groups[subject, name.casefold()].append((subject, name))
    return groups
