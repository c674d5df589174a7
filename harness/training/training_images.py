"""The images that a network was trained on, as shortened digests, so that they are recognized later.

The header of a run's weights holds the first `DIGEST_BYTES` bytes of each image's SHA-256, 8 characters per
image. The probability that any of 10,000 other images matches any of 10,000 training images is 4e-7.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.spec import Split
from datasets.text import sanitize
from harness.errors import HarnessError

DIGEST_BYTES = 6
PARTS = ("training", "validation")
"""The parts of a split that a training uses; validation selects the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingImages:
    """Shortened digests of the images in the training and in the validation part of a split."""

    training: frozenset[bytes]
    validation: frozenset[bytes]

    def find_part(self, digest: str) -> str:
        """Return the part that holds an image, given its SHA-256: "training", "validation" or "neither"."""
        short_digest = _shorten(digest)
        return next((part for part in PARTS if short_digest in getattr(self, part)), "neither")


def collect_training_images(digests: Sequence[str], split: Split) -> TrainingImages | None:
    """Return the images of a split, given the SHA-256 of each row's image; None if no digest is known."""
    if not digests:
        return None
    rows_by_part = {"training": split.train, "validation": split.validation}
    return TrainingImages(
        **{
            part: frozenset(_shorten(digests[row]) for row in rows if digests[row])
            for part, rows in rows_by_part.items()
        }
    )


def encode_training_images(images: TrainingImages) -> str:
    """Return the digests as text, the same for equal sets."""
    return json.dumps(
        {part: base64.b64encode(b"".join(sorted(getattr(images, part)))).decode() for part in PARTS}
    )


def decode_training_images(text: str) -> TrainingImages:
    """Return the digests of a text that `encode_training_images` wrote.

    Raises:
        HarnessError: it is not such a text.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or not all(isinstance(data.get(part), str) for part in PARTS):
        raise HarnessError(
            "training-images.invalid",
            f"the digests of training images must be an object with the texts {' and '.join(PARTS)}; got "
            f"{sanitize(text)}: run the training again",
        )
    return TrainingImages(**{part: frozenset(_split_digests(data[part])) for part in PARTS})


def _shorten(digest: str) -> bytes:
    return bytes.fromhex(digest)[:DIGEST_BYTES]


def _split_digests(text: str) -> list[bytes]:
    content = base64.b64decode(text, validate=True)
    return [content[start : start + DIGEST_BYTES] for start in range(0, len(content), DIGEST_BYTES)]
