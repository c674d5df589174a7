import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.leakage.audit import audit_split, compute_leakage, get_excluded_codes, guaranteed_disjoint
from datasets.leakage.similarity import build_similarity_index
from datasets.spec import Leakage, Split
from datasets.splits import PROTOCOLS, count_folds, split_table


def made(train, test, validation=(), protocol="frame"):
    return Split(
        protocol=protocol,
        fold=0,
        seed=0,
        train=tuple(train),
        validation=tuple(validation),
        test=tuple(test),
    )


@pytest.fixture
def table(table_of):
    """Rows 0-2: s1/c1; 3-4: s1/c2; 5-6: s2/c3."""
    return table_of([("anger", "s1", "c1", 3), ("joy", "s1", "c2", 2), ("joy", "s2", "c3", 2)])


@pytest.fixture
def people(table_of):
    """Return random images and the table of 12 subjects with 3 clips of 3 frames: 9 rows per subject."""
    table = table_of(
        [
            (("anger", "joy")[(who + clip) % 2], f"s{who:02d}", f"c{clip}", 3)
            for who in range(12)
            for clip in range(3)
        ]
    )

    def draw(seed):
        rng = np.random.default_rng(seed)
        images = []
        for _ in range(12):
            coarse = rng.normal(128, 40, (8, 8, 3)).astype(np.float32)
            smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
            images += [np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255) for _ in range(9)]
        return np.stack(images).astype(np.uint8), table

    return draw


def whole_subjects(protocol="subject"):
    """Return a split of `people`: subjects 0-7 for training, 8-9 for validation, 10-11 for the test."""
    return made(range(72), range(90, 108), range(72, 90), protocol)


def without(table, *names):
    return replace(
        table, samples=tuple(replace(sample, **dict.fromkeys(names, "")) for sample in table.samples)
    )


def codes(findings):
    return {finding.code: finding.severity for finding in findings}


@pytest.mark.parametrize(
    ("train", "test", "clip", "subject"),
    [
        ((0, 1), (2,), 1.0, 1.0),
        ((0, 1), (2, 3, 4, 5), 0.25, 0.75),
        ((0, 1, 2), (3, 4), 0.0, 1.0),
        ((0, 3), (5, 6), 0.0, 0.0),
    ],
)
def test_known_shares(table, train, test, clip, subject):
    assert compute_leakage(table, made(train, test)) == Leakage(clip=clip, subject=subject)


def test_validation_is_not_training(table):
    assert compute_leakage(table, made((5,), (2,), (0, 1))) == Leakage(clip=0.0, subject=0.0)


def test_a_share_of_names_that_the_data_do_not_give_is_unknown(table):
    parts = made((0, 1), (2,))
    assert compute_leakage(without(table, "clip"), parts) == Leakage(clip=None, subject=1.0)
    assert compute_leakage(without(table, "subject"), parts) == Leakage(clip=1.0, subject=None)
    unknown = without(table, "clip", "subject")
    assert compute_leakage(unknown, parts) == Leakage(clip=None, subject=None)
    assert audit_split(unknown, parts, digests=[""] * 7, similarity=None) == ()


@pytest.mark.parametrize(
    ("nameless", "expected"),
    [
        (0, Leakage(clip=None, subject=None)),
        (2, Leakage(clip=None, subject=None)),
        (5, Leakage(clip=1.0, subject=1.0)),
    ],
)
def test_a_share_is_known_only_if_every_training_and_test_sample_has_a_name(table, nameless, expected):
    samples = tuple(
        replace(sample, clip="", subject="") if row == nameless else sample
        for row, sample in enumerate(table.samples)
    )
    assert compute_leakage(replace(table, samples=samples), made((0, 1), (2,), (5, 6))) == expected


def test_protocols_leak_what_they_say(table_of):
    table = table_of([(("anger", "joy")[clip % 2], f"s{clip % 10}", f"c{clip}", 20) for clip in range(40)])
    assert compute_leakage(table, split_table(table, "frame", seed=0)) == Leakage(clip=1.0, subject=1.0)
    clips = compute_leakage(table, split_table(table, "clip", seed=0))
    assert clips.clip == 0.0
    assert clips.subject > 0.0
    assert compute_leakage(table, split_table(table, "subject", seed=0)) == Leakage(clip=0.0, subject=0.0)


def test_every_protocol_but_frame_promises_something():
    assert {name: sorted(guaranteed_disjoint(name)) for name in PROTOCOLS} == {
        "frame": [],
        "clip": ["clip"],
        "subject": ["clip", "subject"],
        "kfold": ["clip", "subject"],
        "loso": ["clip", "subject"],
    }
    assert guaranteed_disjoint("of the user's own") == frozenset()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_clip_cut_across_is_an_error_under_every_protocol(table, protocol, part):
    parts = {"train": (5,), "validation": (), "test": (2, 3, 4, 6)} | {part: (0, 1)}
    first, second = audit_split(
        table, replace(made((), ()), protocol=protocol, **parts), digests=(), similarity=None
    )[:2]
    shared = 2 if part == "validation" else 1
    assert (first.code, first.severity, first.count, first.share) == (
        "shared-clip",
        "error",
        shared,
        shared / 4,
    )
    assert first.examples[0] == "s1/c1/2 ~ s1/c1/0"
    assert f"{shared} of 4 test samples ({shared / 4:.1%}) have their clip" in first.message
    assert second.code == "shared-subject"


@pytest.mark.parametrize(
    ("protocol", "severity"),
    [
        ("frame", "warning"),
        ("clip", "warning"),
        ("subject", "error"),
        ("kfold", "error"),
        ("loso", "error"),
    ],
)
def test_a_shared_subject_is_an_error_where_the_protocol_promises_none(table, protocol, severity):
    (found,) = audit_split(table, made((0, 1, 2), (3, 4, 5), (), protocol), digests=(), similarity=None)
    assert (found.code, found.severity, found.count) == ("shared-subject", severity, 2)
    assert found.share == pytest.approx(2 / 3)
    assert found.examples == ("s1/c2/0 ~ s1/c1/0", "s1/c2/1 ~ s1/c1/0")
    assert (f"the protocol {protocol} excludes" in found.message) == (severity == "error")


def test_identical_bytes_are_an_error_under_any_name(table):
    digests = ["a", "b", "c", "d", "e", "b", "g"]
    found, relabelled = audit_split(
        table, made((0, 1), (5, 6), (), "subject"), digests=digests, similarity=None
    )
    assert relabelled.code == "one-image-two-labels"
    assert (found.code, found.severity, found.count, found.share) == ("same-bytes", "error", 1, 0.5)
    assert found.examples == ("s2/c3/0 ~ s1/c1/1",)


def test_at_most_three_examples_are_named(people):
    _, table = people(0)
    found, *_ = audit_split(table, whole_subjects(), digests=["same"] * 108, similarity=None)
    assert (found.count, found.share, len(found.examples)) == (18, 1.0, 3)


def test_one_image_with_another_label_in_the_test_is_an_error(table):
    digests = ["a", "b", "c", "d", "e", "b", "d"]
    found = audit_split(table, made((0, 1), (5, 6), (3,)), digests=digests, similarity=None)
    assert codes(found) == {"same-bytes": "error", "one-image-two-labels": "error"}
    copies, relabelled = found
    assert (copies.count, relabelled.count, relabelled.share) == (2, 1, 0.5)
    assert relabelled.examples == ("s2/c3/0 ~ s1/c1/1",), "rows 6 and 3 have the same label"
    assert relabelled.message.startswith("1 of 2 test samples (50.0%) are byte for byte an image in training")


@pytest.mark.parametrize("rows", [{"train": (0, 3), "test": (5,)}, {"train": (5,), "test": (0, 3)}])
def test_one_image_with_two_labels_on_one_side_is_warned_of(table, rows):
    digests = ["b", "", "", "b", "", "", ""]
    parts = made(**rows)
    (conflict,) = audit_split(without(table, "clip", "subject"), parts, digests=digests, similarity=None)
    assert (conflict.code, conflict.severity, conflict.count) == ("conflicting-labels", "warning", 2)
    assert conflict.share == pytest.approx(2 / 3)
    assert conflict.examples == ("s1/c1/0 ~ s1/c2/0", "s1/c2/0 ~ s1/c1/0")
    assert conflict.message.startswith("2 of 3 samples (66.7%) are byte for byte")


def test_one_image_with_one_label_is_no_conflict(table):
    digests = ["b", "b", "", "", "", "", ""]
    found = audit_split(
        without(table, "clip", "subject"), made((0, 1), (5,)), digests=digests, similarity=None
    )
    assert found == ()


def test_classes_whose_names_differ_in_case_or_spaces_are_warned_of(table):
    table = replace(without(table, "clip", "subject"), classes=("Very Happy", "veryhappy"))
    (found,) = audit_split(table, made((0, 3), (1, 4, 5)), digests=(), similarity=None)
    assert (found.code, found.severity, found.count, found.share) == ("similar-class-names", "warning", 5, 1)
    assert found.examples == ("s1/c1/0 ~ s1/c2/0", "s1/c1/1 ~ s1/c2/0", "s1/c2/0 ~ s1/c1/0")
    assert "the classes 'Very Happy' and 'veryhappy', which differ only in case or spaces" in found.message
    assert audit_split(table, made((0,), (1,)), digests=(), similarity=None) == (), (
        "only one of them is there"
    )


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("frame", set()),
        ("clip", {"shared-clip", "same-bytes", "one-image-two-labels"}),
        ("subject", {"shared-clip", "shared-subject", "same-bytes", "one-image-two-labels"}),
        ("kfold", {"shared-clip", "shared-subject", "same-bytes", "one-image-two-labels"}),
        ("loso", {"shared-clip", "shared-subject", "same-bytes", "one-image-two-labels"}),
    ],
)
def test_a_protocol_excludes_what_carries_a_clip_or_a_subject_across(protocol, expected):
    assert get_excluded_codes(protocol) == expected


def shifted(image):
    return np.roll(image, 1, axis=2)


def brightened(image):
    return np.clip(image * 1.08 + 8, 0, 255).astype(np.uint8)


def recoded(image):
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR).transpose(2, 0, 1)


@pytest.mark.parametrize("changed", [shifted, brightened, recoded])
def test_a_changed_copy_is_warned_of(people, changed):
    images, table = people(0)
    images[95], images[107] = changed(images[4]), changed(images[80])
    digests = [str(row) for row in range(108)]
    (found,) = audit_split(
        table, whole_subjects(), digests=digests, similarity=build_similarity_index(images, table)
    )
    assert (found.code, found.severity, found.count) == ("near-duplicate", "warning", 2)
    assert found.share == pytest.approx(2 / 18)
    # The other frames of the copied subject are as similar as the copied frame.
    assert found.examples[0].startswith("s10/c1/2 ~ s00/")
    assert found.examples[1].startswith("s11/c2/2 ~ s08/")
    assert "images of different subjects" in found.message


def test_a_copy_into_another_clip_of_its_subject_is_warned_of_and_its_siblings_are_not(people):
    images, table = people(0)
    images[5] = images[1] + np.uint8(3)
    images[8] = images[2] + np.uint8(3)
    parts = made([row for row in range(108) if row not in (3, 4, 5)], (3, 4, 5), protocol="clip")
    found = audit_split(table, parts, digests=(), similarity=build_similarity_index(images, table))
    assert codes(found) == {"shared-subject": "warning", "near-duplicate": "warning"}
    assert found[1].examples == ("s00/c1/2 ~ s00/c0/1",)


def test_a_copy_of_the_same_bytes_is_not_told_twice(people):
    images, table = people(0)
    images[95] = images[4]
    digests = ["copied" if row in (4, 95) else str(row) for row in range(108)]
    found = audit_split(
        table, whole_subjects(), digests=digests, similarity=build_similarity_index(images, table)
    )
    assert codes(found) == {"same-bytes": "error"}


def test_frames_of_one_clip_are_no_near_duplicates(people):
    images, table = people(0)
    parts = split_table(table, "frame", seed=0)
    found = audit_split(table, parts, digests=(), similarity=build_similarity_index(images, table))
    assert codes(found) == {"shared-clip": "error", "shared-subject": "warning"}


def test_frames_of_a_set_that_tells_nothing_are_compared_between_classes(people):
    images, table = people(0)
    table = without(table, "subject", "clip")
    images[100] = images[0] + np.uint8(3)
    found = audit_split(
        table, made(range(90), range(90, 108)), digests=(), similarity=build_similarity_index(images, table)
    )
    assert codes(found) == {"near-duplicate": "warning"}
    assert found[0].examples == ("s11/c0/1 ~ s00/c0/0",)
    assert "images of different classes keep apart" in found[0].message


@pytest.mark.parametrize(
    ("protocol", "validation", "expected"),
    [
        ("frame", (2,), {}),
        ("clip", (3, 4), {}),
        ("clip", (2, 3, 4), {"validation-shared": "warning"}),
        ("kfold", (3, 4), {"validation-shared": "warning"}),
    ],
)
def test_validation_that_shares_what_is_promised_apart_is_warned_of(table, protocol, validation, expected):
    found = audit_split(table, made((0, 1), (5, 6), validation, protocol), digests=(), similarity=None)
    assert codes(found) == expected


def test_the_share_of_validation_is_of_its_own_samples(table):
    (found,) = audit_split(table, made((0, 1), (5, 6), (2, 3, 4), "clip"), digests=(), similarity=None)
    assert (found.count, found.share, found.examples) == (1, pytest.approx(1 / 3), ("s1/c1/2 ~ s1/c1/0",))
    assert found.message.startswith("1 of 3 validation samples (33.3%) have their clip in training")


@pytest.mark.parametrize("protocol", ["kfold", "loso"])
def test_clean_folds_raise_nothing_over_many_seeds(people, protocol):
    images, table = people(0)
    digests, alike = [str(row) for row in range(len(images))], build_similarity_index(images, table)
    for seed in range(4):
        for fold in range(count_folds(table, protocol)):
            parts = split_table(table, protocol, seed=seed, fold=fold)
            assert audit_split(table, parts, digests=digests, similarity=alike) == ()


@pytest.mark.parametrize("protocol", ["clip", "subject"])
def test_clean_splits_raise_no_error_and_no_near_duplicate(people, protocol):
    digests = [str(row) for row in range(108)]
    for seed in range(12):
        images, table = people(seed)
        parts = split_table(table, protocol, seed=seed)
        found = audit_split(table, parts, digests=digests, similarity=build_similarity_index(images, table))
        assert codes(found) in ({}, {"shared-subject": "warning"}), seed
        assert protocol == "clip" or not found


def test_the_module_is_light():
    code = (
        "import sys, datasets.leakage.audit; print(*{'torch', 'numpy', 'pandas'} & set(sys.modules), end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
