import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.leakage.audit import (
    Finding,
    audit_split,
    compute_leakage,
    get_excluded_codes,
    guaranteed_disjoint,
)
from datasets.leakage.similarity import build_similarity_index
from datasets.spec import Leakage, SampleTable, Split
from datasets.splits import PROTOCOLS, count_folds, split_table
from tests.datasets.image_files import recode_as_jpeg


def make_split(
    train: Sequence[int],
    test: Sequence[int],
    validation: Sequence[int] = (),
    protocol: str = "frame",
) -> Split:
    return Split(
        protocol=protocol,
        fold=0,
        seed=0,
        train=tuple(train),
        validation=tuple(validation),
        test=tuple(test),
    )


@pytest.fixture
def table(table_of: Callable[..., SampleTable]) -> SampleTable:
    """Rows 0-2: s1/c1; 3-4: s1/c2; 5-6: s2/c3."""
    return table_of([("anger", "s1", "c1", 3), ("joy", "s1", "c2", 2), ("joy", "s2", "c3", 2)])


@pytest.fixture
def people(table_of: Callable[..., SampleTable]) -> Callable[[int], tuple[NDArray[np.uint8], SampleTable]]:
    """Return random images and the table of 12 subjects with 3 clips of 3 frames: 9 rows per subject."""
    table = table_of(
        [
            (("anger", "joy")[(person + clip) % 2], f"s{person:02d}", f"c{clip}", 3)
            for person in range(12)
            for clip in range(3)
        ]
    )

    def draw(seed: int) -> tuple[NDArray[np.uint8], SampleTable]:
        rng = np.random.default_rng(seed)
        images = []
        for _ in range(12):
            coarse = rng.normal(128, 40, (8, 8, 3)).astype(np.float32)
            smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
            images += [np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255) for _ in range(9)]
        return np.stack(images).astype(np.uint8), table

    return draw


def split_people(protocol: str = "subject") -> Split:
    """Return a split of `people`: subjects 0-7 for training, 8-9 for validation, 10-11 for the test."""
    return make_split(range(72), range(90, 108), range(72, 90), protocol)


def remove_labels(table: SampleTable, *names: str) -> SampleTable:
    changes: dict[str, Any] = dict.fromkeys(names, "")
    return replace(table, samples=tuple(replace(sample, **changes) for sample in table.samples))


def codes(findings: tuple[Finding, ...]) -> dict[str, str]:
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
def test_known_shares(
    table: SampleTable, train: tuple[int, ...], test: tuple[int, ...], clip: float, subject: float
) -> None:
    assert compute_leakage(table, make_split(train, test)) == Leakage(clip=clip, subject=subject)


def test_validation_is_not_training(table: SampleTable) -> None:
    assert compute_leakage(table, make_split((5,), (2,), (0, 1))) == Leakage(clip=0.0, subject=0.0)


def test_share_of_missing_names_is_unknown(table: SampleTable) -> None:
    parts = make_split((0, 1), (2,))
    assert compute_leakage(remove_labels(table, "clip"), parts) == Leakage(clip=None, subject=1.0)
    assert compute_leakage(remove_labels(table, "subject"), parts) == Leakage(clip=1.0, subject=None)
    unknown = remove_labels(table, "clip", "subject")
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
def test_share_is_known_only_if_all_samples_have_names(
    table: SampleTable, nameless: int, expected: Leakage
) -> None:
    samples = tuple(
        replace(sample, clip="", subject="") if row == nameless else sample
        for row, sample in enumerate(table.samples)
    )
    assert compute_leakage(replace(table, samples=samples), make_split((0, 1), (2,), (5, 6))) == expected


def test_protocols_leak_as_documented(table_of: Callable[..., SampleTable]) -> None:
    table = table_of([(("anger", "joy")[clip % 2], f"s{clip % 10}", f"c{clip}", 20) for clip in range(40)])
    assert compute_leakage(table, split_table(table, "frame", seed=0)) == Leakage(clip=1.0, subject=1.0)
    clips = compute_leakage(table, split_table(table, "clip", seed=0))
    assert clips.clip == 0.0
    assert clips.subject is not None
    assert clips.subject > 0.0
    assert compute_leakage(table, split_table(table, "subject", seed=0)) == Leakage(clip=0.0, subject=0.0)


def test_every_protocol_except_frame_guarantees_disjoint_groups() -> None:
    assert {name: sorted(guaranteed_disjoint(name)) for name in PROTOCOLS} == {
        "frame": [],
        "clip": ["clip"],
        "subject": ["clip", "subject"],
        "kfold": ["clip", "subject"],
        "loso": ["clip", "subject"],
        "lodo": ["clip", "subject"],
    }
    assert guaranteed_disjoint("of the user's own") == frozenset()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("part", ["train", "validation"])
def test_clip_in_two_parts_is_an_error_under_every_protocol(
    table: SampleTable, protocol: str, part: str
) -> None:
    parts: dict[str, Any] = {"train": (5,), "validation": (), "test": (2, 3, 4, 6)} | {part: (0, 1)}
    first, second = audit_split(
        table, replace(make_split((), ()), protocol=protocol, **parts), digests=(), similarity=None
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
def test_shared_subject_is_an_error_if_the_protocol_excludes_it(
    table: SampleTable, protocol: str, severity: str
) -> None:
    (finding,) = audit_split(
        table, make_split((0, 1, 2), (3, 4, 5), (), protocol), digests=(), similarity=None
    )
    assert (finding.code, finding.severity, finding.count) == ("shared-subject", severity, 2)
    assert finding.share == pytest.approx(2 / 3)
    assert finding.examples == ("s1/c2/0 ~ s1/c1/0", "s1/c2/1 ~ s1/c1/0")
    assert (f"the protocol {protocol} excludes" in finding.message) == (severity == "error")


def test_identical_bytes_are_an_error_under_any_name(table: SampleTable) -> None:
    digests = ["a", "b", "c", "d", "e", "b", "g"]
    finding, relabelled = audit_split(
        table, make_split((0, 1), (5, 6), (), "subject"), digests=digests, similarity=None
    )
    assert relabelled.code == "one-image-two-labels"
    assert (finding.code, finding.severity, finding.count, finding.share) == ("same-bytes", "error", 1, 0.5)
    assert finding.examples == ("s2/c3/0 ~ s1/c1/1",)


def test_three_examples_are_the_maximum(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
) -> None:
    _, table = people(0)
    finding, *_ = audit_split(table, split_people(), digests=["same"] * 108, similarity=None)
    assert (finding.count, finding.share, len(finding.examples)) == (18, 1.0, 3)


def test_one_image_with_another_label_in_the_test_is_an_error(table: SampleTable) -> None:
    digests = ["a", "b", "c", "d", "e", "b", "d"]
    findings = audit_split(table, make_split((0, 1), (5, 6), (3,)), digests=digests, similarity=None)
    assert codes(findings) == {"same-bytes": "error", "one-image-two-labels": "error"}
    copies, relabelled = findings
    assert (copies.count, relabelled.count, relabelled.share) == (2, 1, 0.5)
    assert relabelled.examples == ("s2/c3/0 ~ s1/c1/1",), "rows 6 and 3 have the same label"
    assert relabelled.message.startswith("1 of 2 test samples (50.0%) are byte for byte an image in training")


@pytest.mark.parametrize("rows", [{"train": (0, 3), "test": (5,)}, {"train": (5,), "test": (0, 3)}])
def test_image_with_two_labels_in_one_part_is_a_warning(table: SampleTable, rows: dict[str, Any]) -> None:
    digests = ["b", "", "", "b", "", "", ""]
    parts = make_split(**rows)
    (conflict,) = audit_split(
        remove_labels(table, "clip", "subject"), parts, digests=digests, similarity=None
    )
    assert (conflict.code, conflict.severity, conflict.count) == ("conflicting-labels", "warning", 2)
    assert conflict.share == pytest.approx(2 / 3)
    assert conflict.examples == ("s1/c1/0 ~ s1/c2/0", "s1/c2/0 ~ s1/c1/0")
    assert conflict.message.startswith("2 of 3 samples (66.7%) are byte for byte")


def test_one_image_with_one_label_is_no_conflict(table: SampleTable) -> None:
    digests = ["b", "b", "", "", "", "", ""]
    findings = audit_split(
        remove_labels(table, "clip", "subject"), make_split((0, 1), (5,)), digests=digests, similarity=None
    )
    assert findings == ()


def test_similar_class_names_are_a_warning(table: SampleTable) -> None:
    table = replace(remove_labels(table, "clip", "subject"), classes=("Very Happy", "veryhappy"))
    (finding,) = audit_split(table, make_split((0, 3), (1, 4, 5)), digests=(), similarity=None)
    assert (finding.code, finding.severity, finding.count, finding.share) == (
        "similar-class-names",
        "warning",
        5,
        1,
    )
    assert finding.examples == ("s1/c1/0 ~ s1/c2/0", "s1/c1/1 ~ s1/c2/0", "s1/c2/0 ~ s1/c1/0")
    assert "the classes 'Very Happy' and 'veryhappy', which differ only in case or spaces" in finding.message
    assert audit_split(table, make_split((0,), (1,)), digests=(), similarity=None) == (), (
        "only one row of the pair is in the split"
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
def test_excluded_codes_of_protocols(protocol: str, expected: set[str]) -> None:
    assert get_excluded_codes(protocol) == expected


def shift(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.roll(image, 1, axis=2)


def brighten(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    brighter: NDArray[np.uint8] = np.clip(image * 1.08 + 8, 0, 255).astype(np.uint8)
    return brighter


def recode(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return recode_as_jpeg(image, quality=70)


@pytest.mark.parametrize("changed", [shift, brighten, recode])
def test_changed_copy_is_a_warning(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
    changed: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> None:
    images, table = people(0)
    images[95], images[107] = changed(images[4]), changed(images[80])
    digests = [str(row) for row in range(108)]
    (finding,) = audit_split(
        table, split_people(), digests=digests, similarity=build_similarity_index(images, table)
    )
    assert (finding.code, finding.severity, finding.count) == ("near-duplicate", "warning", 2)
    assert finding.share == pytest.approx(2 / 18)
    # The other frames of the copied subject are as similar as the copied frame.
    assert finding.examples[0].startswith("s10/c1/2 ~ s00/")
    assert finding.examples[1].startswith("s11/c2/2 ~ s08/")
    assert "images of different subjects" in finding.message


def test_copy_in_another_clip_of_a_subject_is_a_warning(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
) -> None:
    images, table = people(0)
    images[5] = images[1] + np.uint8(3)
    images[8] = images[2] + np.uint8(3)
    parts = make_split([row for row in range(108) if row not in (3, 4, 5)], (3, 4, 5), protocol="clip")
    findings = audit_split(table, parts, digests=(), similarity=build_similarity_index(images, table))
    assert codes(findings) == {"shared-subject": "warning", "near-duplicate": "warning"}
    assert findings[1].examples == ("s00/c1/2 ~ s00/c0/1",)


def test_copy_of_equal_bytes_is_one_finding(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
) -> None:
    images, table = people(0)
    images[95] = images[4]
    digests = ["copied" if row in (4, 95) else str(row) for row in range(108)]
    findings = audit_split(
        table, split_people(), digests=digests, similarity=build_similarity_index(images, table)
    )
    assert codes(findings) == {"same-bytes": "error"}


def test_frames_of_one_clip_are_no_near_duplicates(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
) -> None:
    images, table = people(0)
    parts = split_table(table, "frame", seed=0)
    findings = audit_split(table, parts, digests=(), similarity=build_similarity_index(images, table))
    assert codes(findings) == {"shared-clip": "error", "shared-subject": "warning"}


def test_frames_without_labels_are_compared_between_classes(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]],
) -> None:
    images, table = people(0)
    table = remove_labels(table, "subject", "clip")
    images[100] = images[0] + np.uint8(3)
    findings = audit_split(
        table,
        make_split(range(90), range(90, 108)),
        digests=(),
        similarity=build_similarity_index(images, table),
    )
    assert codes(findings) == {"near-duplicate": "warning"}
    assert findings[0].examples == ("s11/c0/1 ~ s00/c0/0",)
    assert "images of different classes keep apart" in findings[0].message


@pytest.mark.parametrize(
    ("protocol", "validation", "expected"),
    [
        ("frame", (2,), {}),
        ("clip", (3, 4), {}),
        ("clip", (2, 3, 4), {"validation-shared": "warning"}),
        ("kfold", (3, 4), {"validation-shared": "warning"}),
    ],
)
def test_validation_that_shares_an_excluded_group_is_a_warning(
    table: SampleTable, protocol: str, validation: tuple[int, ...], expected: dict[str, str]
) -> None:
    findings = audit_split(
        table, make_split((0, 1), (5, 6), validation, protocol), digests=(), similarity=None
    )
    assert codes(findings) == expected


def test_share_of_validation_is_of_its_own_samples(table: SampleTable) -> None:
    (finding,) = audit_split(
        table, make_split((0, 1), (5, 6), (2, 3, 4), "clip"), digests=(), similarity=None
    )
    assert (finding.count, finding.examples) == (1, ("s1/c1/2 ~ s1/c1/0",))
    assert finding.share == pytest.approx(1 / 3)
    assert finding.message.startswith("1 of 3 validation samples (33.3%) have their clip in training")


@pytest.mark.parametrize("protocol", ["kfold", "loso"])
def test_clean_folds_have_no_finding_for_many_seeds(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]], protocol: str
) -> None:
    images, table = people(0)
    digests, similarity = [str(row) for row in range(len(images))], build_similarity_index(images, table)
    for seed in range(4):
        for fold in range(count_folds(table, protocol)):
            parts = split_table(table, protocol, seed=seed, fold=fold)
            assert audit_split(table, parts, digests=digests, similarity=similarity) == ()


@pytest.mark.parametrize("protocol", ["clip", "subject"])
def test_clean_splits_raise_no_error_and_no_near_duplicate(
    people: Callable[[int], tuple[NDArray[np.uint8], SampleTable]], protocol: str
) -> None:
    digests = [str(row) for row in range(108)]
    for seed in range(12):
        images, table = people(seed)
        parts = split_table(table, protocol, seed=seed)
        findings = audit_split(
            table, parts, digests=digests, similarity=build_similarity_index(images, table)
        )
        assert codes(findings) in ({}, {"shared-subject": "warning"}), seed
        assert protocol == "clip" or not findings


def test_module_is_light() -> None:
    code = (
        "import sys, datasets.leakage.audit; print(*{'torch', 'numpy', 'pandas'} & set(sys.modules), end='')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == ""
