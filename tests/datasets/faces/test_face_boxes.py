from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from datasets.faces.face_boxes import Face, apply_fallback_boxes, count_failures, crop_face, group_by_clip
from datasets.spec import Sample, SampleTable

DETECTED = Face(
    clip="a", subject="1", label=0, cascade="alt", box=(10, 20, 40), image_size=(100, 80), box_source="onset"
)
MISSING = Face(clip="z", subject="1", label=1, cascade="", box=(0, 0, 0), image_size=(100, 80), box_source="")


def with_box(clip: str, box: tuple[int, int, int], **changes: Any) -> Face:
    return replace(DETECTED, clip=clip, box=box, **changes)


def test_missing_face_gets_the_median_box_of_its_subject() -> None:
    faces = (
        with_box("a", (10, 20, 40)),
        MISSING,
        with_box("b", (20, 30, 20)),
        with_box("c", (30, 10, 60), box_source="other frame"),
        with_box("d", (0, 0, 80), subject="2"),
    )
    # Centres 30, 30, 60 and 40, 40, 40; sides 40, 20, 60.
    completed = apply_fallback_boxes(faces)
    assert completed[1] == replace(MISSING, box=(10, 20, 40), box_source="subject")
    assert completed[0::2] == faces[0::2]


def test_median_box_is_relative_to_the_size_of_the_images() -> None:
    missing = replace(MISSING, image_size=(200, 160))
    assert apply_fallback_boxes((with_box("a", (10, 20, 40)), missing))[1].box == (20, 40, 80)
    assert apply_fallback_boxes((with_box("a", (60, 40, 40)), replace(MISSING, image_size=(50, 40))))[
        1
    ].box == (
        30,
        20,
        20,
    )


def test_subject_without_any_face_gets_the_centred_square() -> None:
    other = with_box("d", (0, 0, 80), subject="2")
    for missing in (MISSING, replace(MISSING, subject="")):
        nameless = with_box("e", (0, 0, 80), subject="")
        assert apply_fallback_boxes((other, nameless, missing))[2] == replace(
            missing, box=(10, 0, 80), box_source="centre"
        )


def test_unreadable_clip_gets_no_box() -> None:
    missing = replace(MISSING, box_source="unreadable", image_size=(0, 0))
    assert apply_fallback_boxes((DETECTED, missing)) == (DETECTED, missing)


def test_order_of_clips_does_not_change_a_box() -> None:
    faces = (*(with_box(str(n), (n, 2 * n, 30 + n)) for n in range(7)), MISSING)
    assert apply_fallback_boxes(faces[::-1])[::-1] == apply_fallback_boxes(faces)


def test_image_is_cropped_to_the_box_scaled_to_its_size() -> None:
    y, x = np.mgrid[:80, :100]
    image = np.dstack([x, y, x]).astype(np.uint8)
    cut = crop_face(image, DETECTED)
    assert cut.shape == (40, 40, 3)
    assert cut[0, 0].tolist() == [10, 20, 10]
    half = crop_face(image[::2, ::2], DETECTED)
    assert half.shape == (20, 20, 3)
    assert half[0, 0].tolist() == [10, 20, 10]
    assert crop_face(image, replace(MISSING, box_source="unreadable", image_size=(0, 0))).shape == (80, 80, 3)


def test_failures_are_summed_by_subject_and_class(table_of: Callable[..., SampleTable]) -> None:
    table = table_of([("anger", "1", "a", 1)])
    sources = ("onset", "other frame", "subject", "centre", "unreadable", "onset")
    faces = [
        replace(DETECTED, subject=subject, label=label, box_source=source)
        for subject, label, source in zip("112223", (0, 0, 1, 1, 1, 1), sources, strict=True)
    ]
    rates = count_failures(faces, table)
    assert rates.by_subject == {"1": (2, 1), "2": (3, 3), "3": (1, 0)}
    assert rates.by_class == {"anger": (2, 1), "joy": (4, 3)}
    nameless = count_failures([replace(DETECTED, subject="")], table)
    assert (nameless.by_subject, nameless.by_class) == ({}, {"anger": (1, 0), "joy": (0, 0)})


def test_sample_without_a_clip_is_a_clip_of_its_own() -> None:
    def sample(name: str, clip: str) -> Sample:
        return Sample(id=name, path="", label=0, subject="", clip=clip, frame_number=1)

    samples = (sample("i", ""), sample("j", "a"), sample("k", ""), sample("l", "a"))
    table = SampleTable(dataset="made", frame_policy="all", classes=("x",), samples=samples)
    assert {name: [s.id for s in clip] for name, clip in group_by_clip(table).items()} == {
        "i": ["i"],
        "a": ["j", "l"],
        "k": ["k"],
    }
