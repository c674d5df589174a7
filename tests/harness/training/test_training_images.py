"""Tests of the digests of training images."""

from __future__ import annotations

import hashlib

import pytest

from datasets.spec import Split
from harness.training.training_images import (
    collect_training_images,
    decode_training_images,
    encode_training_images,
)

DIGESTS = tuple(hashlib.sha256(bytes([row % 4])).hexdigest() for row in range(6))
SPLIT = Split(protocol="frame", fold=0, seed=0, train=(0, 1), validation=(2, 4), test=(3, 5))


def test_image_in_two_parts_counts_as_training() -> None:
    images = collect_training_images(DIGESTS, SPLIT)
    assert images is not None
    # Row 4 has the bytes of row 0, and row 5 those of row 1.
    parts = [images.find_part(digest) for digest in DIGESTS]
    assert parts == ["training", "training", "validation", "neither", "training", "training"]


def test_images_are_stored_in_eight_characters() -> None:
    images = collect_training_images(DIGESTS, SPLIT)
    assert images is not None
    text = encode_training_images(images)
    assert decode_training_images(text) == images
    assert len(text) == 4 * 8 + len('{"training": "", "validation": ""}')
    assert text == encode_training_images(decode_training_images(text))


def test_unknown_digests_are_left_out() -> None:
    assert collect_training_images((), SPLIT) is None
    images = collect_training_images(("",) * 6, SPLIT)
    assert images is not None
    assert not images.training


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"training": 1, "validation": ""}', '{"training": "?"}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode_training_images(text)
