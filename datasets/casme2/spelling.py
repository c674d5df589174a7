"""Clips whose names on disk differ from the sheet's in upper and lower case alone, as copies' do.

A name is taken for a row's where no other row and no other clip of the subject could be meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from datasets.casme2.sheet import Row
from datasets.casme2.takes import Release
from datasets.spec import Anomaly
from datasets.text import named, shown

Key = tuple[str, str]


def respelled(release: Release, rows: Iterable[Row]) -> Release:
    """The release with its clips named as the rows have them, and one anomaly where any was not."""
    keys = {row.key for row in rows}
    wanted = _by_lower_case(keys - release.takes.keys())
    spelled = {
        there[0]: wanted[folded][0]
        for folded, there in _by_lower_case(release.takes.keys() - keys).items()
        if len(there) == len(wanted.get(folded, ())) == 1
    }
    if not spelled:
        return release
    pairs = [f"{'/'.join(there)} for {'/'.join(row)}" for there, row in sorted(spelled.items())]
    anomaly = Anomaly(
        code="other case",
        where=shown("/".join(min(spelled))),
        what=f"{len(pairs)} clips are named in another case than in the sheet: {named(pairs)}",
        action="they were taken as the same",
    )
    takes = {spelled.get(key, key): take for key, take in release.takes.items()}
    return replace(release, takes=takes, anomalies=(*release.anomalies, anomaly))


def _by_lower_case(keys: Iterable[Key]) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = defaultdict(list)
    for subject, name in keys:
        found[subject, name.casefold()].append((subject, name))
    return found
