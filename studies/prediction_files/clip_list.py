"""The digest of a list of clips with their true classes.

Two tables with the same digest are about the same clips with the same labels, however files spell the names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from studies.prediction_files.table import ClipPrediction

DIGEST_LENGTH = 12


def compute_clip_list_digest(predictions: Iterable[ClipPrediction], classes: Sequence[str]) -> str:
    """Return `DIGEST_LENGTH` hexadecimal digits of the clips' keys and true classes, in any order."""
    lines = sorted([*prediction.key, classes[prediction.truth]] for prediction in predictions)
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:DIGEST_LENGTH]
