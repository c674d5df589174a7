"""Tests that negative controls do not learn expressions, and that the probe predicts the subject."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from datasets.preprocessing.image_array import ImageArray
from datasets.spec import Sample, SampleTable
from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.runs.controls import can_probe, probe_identity, shuffle_labels
from harness.runs.run import execute_run
from harness.runs.run_inputs import RunInputs
from reports.outcomes import evaluate_study
from studies.results import StudyResult
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request


def faces(*, subjects: int, clips: int, frames: int, encode_subject: bool) -> ImageArray:
    """Return grey 8 px images; with `encode_subject`, the brightness encodes the subject."""
    samples = tuple(
        Sample(id=f"s{s}/c{c}/{f}", path="", label=c % 2, subject=f"s{s}", clip=f"s{s}/c{c}", frame_number=f)
        for s in range(subjects)
        for c in range(clips)
        for f in range(frames)
    )
    levels = [40 * int(sample.subject[1:]) if encode_subject else 7 for sample in samples]
    images = np.ones((len(samples), 3, 8, 8), np.uint8) * np.array(levels, np.uint8)[:, None, None, None]
    table = SampleTable(dataset="t", frame_policy="all", classes=("a", "b"), samples=samples)
    return ImageArray(table=table, images=images, fingerprint="f")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(256, 2))


def right(pixels: ImageArray) -> float:
    rows = range(len(pixels.table.samples))
    names, counts, predictions = probe_identity(network(), pixels, rows, device=torch.device("cpu"))
    assert names == tuple(sorted({sample.subject for sample in pixels.table.samples}))
    assert sum(counts) + len(predictions) == len(rows)
    return sum(p.truth == p.predicted_class for p in predictions) / len(predictions)


def test_probe_predicts_the_subject_only_from_informative_features() -> None:
    assert right(faces(subjects=4, clips=4, frames=2, encode_subject=True)) == 1
    assert right(faces(subjects=4, clips=4, frames=2, encode_subject=False)) == 0.25


def test_probe_tests_on_clips_that_it_has_not_learned_from() -> None:
    pixels = faces(subjects=3, clips=3, frames=9, encode_subject=True)
    _, counts, predictions = probe_identity(network(), pixels, range(81), device=torch.device("cpu"))
    assert {p.clip for p in predictions} == {"s0/c1", "s1/c1", "s2/c1"}
    assert counts == (10, 10, 10), "two clips each, five frames of every clip"


def test_probe_without_two_subjects_is_an_error() -> None:
    pixels = faces(subjects=1, clips=4, frames=1, encode_subject=True)
    assert not can_probe(pixels.table.samples, range(4))
    with raises_code("identity-probe.too-few-subjects", "got 1", "leave --controls out"):
        probe_identity(network(), pixels, range(4), device=torch.device("cpu"))


def test_probe_of_a_network_without_a_linear_layer_is_an_error() -> None:
    pixels = faces(subjects=2, clips=2, frames=1, encode_subject=True)
    with raises_code("identity-probe.no-linear-layer", "the network Flatten has no nn.Linear"):
        probe_identity(nn.Flatten(), pixels, range(4), device=torch.device("cpu"))


def test_probe_is_planned_only_where_every_training_part_has_two_subjects(tmp_path: Path) -> None:
    for clip in ("joy/s{}/a", "fear/s{}/b"):
        for subject, frame in np.ndindex(3, 4):
            folder = tmp_path / "faces" / clip.format(subject)
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{frame}.png"), np.full((36, 36, 3), 20 * subject + frame, np.uint8))

    def controls(*protocols: str) -> tuple[str, ...]:
        data = DataRequest(dataset="folder", root=tmp_path / "faces")
        return plan_study(request(tmp_path, data=data, protocols=protocols, controls=True)).study.controls

    assert controls("frame") == ("shuffled-labels", "onset-frame", "identity-probe")
    assert controls("frame", "subject") == ("shuffled-labels", "onset-frame"), "one subject of three trains"


def test_labels_are_shuffled_between_clips() -> None:
    clips = [f"c{c}" for c in range(12) for _ in range(3)]
    labels = torch.tensor([c % 4 for c in range(12) for _ in range(3)])
    shuffled = shuffle_labels(labels, clips, seed=1)
    assert len({(clip, int(label)) for clip, label in zip(clips, shuffled, strict=True)}) == 12
    assert torch.equal(shuffled.sort().values, labels.sort().values)
    assert not torch.equal(shuffled, labels)
    assert torch.equal(shuffled, shuffle_labels(labels, clips, seed=1))


def test_onset_control_replaces_frames_by_the_onset(tree: Path) -> None:
    plan = plan_study(
        request(tree, data=DataRequest(dataset="casme2", root=tree, frames="onset_offset"), controls=True)
    )
    assert plan.study.controls == ("shuffled-labels", "onset-frame", "identity-probe")
    assert plan.onset_images is not None
    onset_pixels = plan.onset_images.pixels
    rows = [row for row, sample in enumerate(onset_pixels.table.samples) if sample.frame_number == 10]
    assert np.array_equal(onset_pixels.images[rows], plan.pixels.images[rows])
    later = [row for row, sample in enumerate(onset_pixels.table.samples) if sample.frame_number == 12]
    assert np.array_equal(onset_pixels.images[later], onset_pixels.images[rows])
    assert not np.array_equal(plan.pixels.images[later], plan.pixels.images[rows])
    (spec,) = (spec for spec in plan.study.list_runs() if spec.variant == "onset-frame")
    result, _ = execute_run(
        spec,
        RunInputs(
            pixels=plan.onset_images.pixels, splits=plan.onset_images.splits, device=torch.device("cpu")
        ),
        on_epochs=lambda _: None,
    )
    assert len(result.predictions) == len(plan.splits[0].test)


@pytest.mark.slow
def test_controls_are_rows_of_the_report_and_cells_of_the_study(tree: Path, harness: Run) -> None:
    options = (
        "--dataset",
        "casme2",
        "--root",
        tree,
        "--only",
        "proposed",
        "--preset",
        "quick",
        "--epochs",
        1,
    )
    size = ("--image-size", 32, "--width", 0.125)
    code, _, err = harness("compare", *options, *size, "--controls", "--protocol", "subject")
    assert code == 0, err
    for line in ("(shuffled-labels) · subject", "(onset-frame) · subject", "(identity-probe) · subject"):
        assert line in err
    (report,) = Path("results").glob("*/report.md")
    table = [line for line in report.read_text().split("\n") if line.startswith("| control: ")]
    assert len(table) == 5
    assert table[0].startswith("| control: majority class")
    again = harness("compare", *options, *size, "--controls", "--protocol", "subject")[2]
    assert "plan: 0 cells to run, 4 reused" in again


def test_controls_that_have_not_run_are_rows_too(tree: Path) -> None:
    plan = plan_study(request(tree, controls=True))
    result = StudyResult(study=plan.study, results=())
    assert [row.control for row in evaluate_study(result).controls] == list(plan.study.controls)
