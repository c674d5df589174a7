"""Load SAMM, with either edition of its coding sheet, as one sample table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.samm.constants import FACTS
from datasets.sheets.loader import load_release
from datasets.spec import SampleTable


def load(root: Path, frame_policy: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Load the release below `root`; see `load_release`. `classes` () selects the seven emotions.

    Raises:
        DatasetError: No release, sheet or usable frame was found; the sheet cannot be read; or a class or
            layout is unknown.
    """
    return load_release(root, frame_policy, facts=FACTS, classes=classes, layout=layout)
