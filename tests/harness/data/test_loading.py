import re
from pathlib import Path
from typing import Any

import pytest

from harness.data.loading import (
    MAX_IMAGE_SIZE,
    MAX_REPETITIONS,
    DataRequest,
    build_dataset_spec,
    check_count,
    check_protocols,
    load_images,
    load_table,
)


def _build(protocols: tuple[str, ...] = ("frame",), image_size: int = 32, **changes: Any) -> Any:
    request = DataRequest(**{"dataset": "casme2", **changes})
    return build_dataset_spec(request, protocols=protocols, image_size=image_size)


def test_default_frame_policy_is_the_papers_under_the_frame_protocol_only() -> None:
    assert _build().frame_policy == "paper"
    assert _build(("subject",)).frame_policy != "paper"
    assert _build(("frame", "subject")).frame_policy == _build(("subject",)).frame_policy


def test_automatic_alignment_is_none_until_the_data_are_known() -> None:
    assert _build().alignment == "none"
    assert _build(align="haar").alignment == "haar"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "casme3"}, "casme3"),
        ({"align": "hair"}, "'hair'"),
        ({"representation": "onset"}, "'onset'"),
        ({"frames": "peek"}, "'peek'"),
        ({"layout": "flat"}, "'flat'"),
        ({"image_size": MAX_IMAGE_SIZE + 1}, "--image-size must be at most 1024 pixels; got 1025"),
        ({"subject_from": "(.*)"}, "--subject-from"),
        (
            {"representation": "flow", "frames": "onset_offset"},
            "at or near the apex; got onset_offset; accepted",
        ),
    ],
)
def test_wrong_request_is_refused_with_its_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        _build(**changes)


@pytest.mark.parametrize(
    ("protocols", "folds", "message"),
    [
        (("subject", "clips"), None, "'clips'"),
        (("kfold",), 1, "--folds must be at least 2; got 1"),
        (("loso", "frame"), 5, "--folds needs --protocol kfold; got loso, frame"),
    ],
)
def test_wrong_protocol_is_refused(protocols: tuple[str, ...], folds: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_protocols(protocols, folds=folds)


def test_protocols_of_one_study_are_accepted() -> None:
    check_protocols(("frame", "subject", "loso"), folds=None)
    check_protocols(("kfold", "frame"), folds=2)


@pytest.mark.parametrize("count", [0, MAX_REPETITIONS + 1])
def test_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"--seeds must be at least 1 and at most 1000; got {count}"):
        check_count("--seeds", count)
    check_count("--seeds", MAX_REPETITIONS)


def test_table_resolves_classes_layout_and_alignment(tree: Path) -> None:
    request = DataRequest(dataset="casme2", root=tree)
    spec, table = load_table(request, _build(root=tree))
    assert spec.classes == table.classes
    assert (spec.layout, spec.alignment) == (table.layout, "none")
    assert table.is_aligned


def test_images_have_the_requested_size_and_a_row_for_every_sample(tree: Path) -> None:
    request = DataRequest(dataset="casme2", root=tree)
    spec, table = load_table(request, _build(root=tree, image_size=16))
    steps: list[tuple[int, int]] = []
    images = load_images(spec, table, progress=lambda completed, total: steps.append((completed, total)))
    assert images.images.shape == (len(table.samples), 3, 16, 16)
    assert steps[-1] == (len(table.samples), len(table.samples))
