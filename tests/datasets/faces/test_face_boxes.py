from dataclasses import replace

import numpy as np

from datasets.faces.face_boxes import Face, apply_fallback_boxes, count_failures, crop_face, group_by_clip
from datasets.spec import Sample, SampleTable

FOUND = Face(
    clip="a", subject="1", label=0, cascade="alt", box=(10, 20, 40), image_size=(100, 80), box_source="onset"
)
LOST = Face(clip="z", subject="1", label=1, cascade="", box=(0, 0, 0), image_size=(100, 80), box_source="")


def found(clip, box, **changes):
    return replace(FOUND, clip=clip, box=box, **changes)


def test_a_lost_face_gets_the_median_box_of_its_subjects_found_ones():
    faces = (
        found("a", (10, 20, 40)),
        LOST,
        found("b", (20, 30, 20)),
        found("c", (30, 10, 60), box_source="other frame"),
        found("d", (0, 0, 80), subject="2"),
    )
    # Centres 30, 30, 60 and 40, 40, 40; sides 40, 20, 60.
    settled_faces = apply_fallback_boxes(faces)
    assert settled_faces[1] == replace(LOST, box=(10, 20, 40), box_source="subject")
    assert settled_faces[0::2] == faces[0::2]


def test_the_median_box_is_relative_to_the_size_of_the_images():
    lost = replace(LOST, image_size=(200, 160))
    assert apply_fallback_boxes((found("a", (10, 20, 40)), lost))[1].box == (20, 40, 80)
    assert apply_fallback_boxes((found("a", (60, 40, 40)), replace(LOST, image_size=(50, 40))))[1].box == (
        30,
        20,
        20,
    )


def test_a_subject_without_any_face_gets_the_centred_square():
    other = found("d", (0, 0, 80), subject="2")
    for lost in (LOST, replace(LOST, subject="")):
        nameless = found("e", (0, 0, 80), subject="")
        assert apply_fallback_boxes((other, nameless, lost))[2] == replace(
            lost, box=(10, 0, 80), box_source="centre"
        )


def test_a_clip_of_which_nothing_can_be_read_stays_so():
    lost = replace(LOST, box_source="unreadable", image_size=(0, 0))
    assert apply_fallback_boxes((FOUND, lost)) == (FOUND, lost)


def test_the_order_of_clips_does_not_change_a_box():
    faces = (*(found(str(n), (n, 2 * n, 30 + n)) for n in range(7)), LOST)
    assert apply_fallback_boxes(faces[::-1])[::-1] == apply_fallback_boxes(faces)


def test_an_image_is_cut_to_the_box_and_one_of_another_size_to_its_share():
    y, x = np.mgrid[:80, :100]
    image = np.dstack([x, y, x]).astype(np.uint8)
    cut = crop_face(image, FOUND)
    assert cut.shape == (40, 40, 3)
    assert cut[0, 0].tolist() == [10, 20, 10]
    half = crop_face(image[::2, ::2], FOUND)
    assert half.shape == (20, 20, 3)
    assert half[0, 0].tolist() == [10, 20, 10]
    assert crop_face(image, replace(LOST, box_source="unreadable", image_size=(0, 0))).shape == (80, 80, 3)


def test_failures_are_counted_by_subject_and_by_class(table_of):
    table = table_of([("anger", "1", "a", 1)])
    sources = ("onset", "other frame", "subject", "centre", "unreadable", "onset")
    faces = [
        replace(FOUND, subject=subject, label=label, box_source=source)
        for subject, label, source in zip("112223", (0, 0, 1, 1, 1, 1), sources, strict=True)
    ]
    rates = count_failures(faces, table)
    assert rates.by_subject == {"1": (2, 1), "2": (3, 3), "3": (1, 0)}
    assert rates.by_class == {"anger": (2, 1), "joy": (4, 3)}
    nameless = count_failures([replace(FOUND, subject="")], table)
    assert (nameless.by_subject, nameless.by_class) == ({}, {"anger": (1, 0), "joy": (0, 0)})


def test_a_sample_without_a_clip_is_a_clip_of_its_own():
    def sample(name, clip):
        return Sample(id=name, path="", label=0, subject="", clip=clip, frame_number=1)

    samples = (sample("i", ""), sample("j", "a"), sample("k", ""), sample("l", "a"))
    table = SampleTable(dataset="made", frame_policy="all", classes=("x",), samples=samples)
    assert {name: [s.id for s in clip] for name, clip in group_by_clip(table).items()} == {
        "i": ["i"],
        "a": ["j", "l"],
        "k": ["k"],
    }
