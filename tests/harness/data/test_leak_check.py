"""Tests that leaks which a protocol excludes stop a study during planning."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.spec import Split
from harness.data.leak_check import check_leaks
from harness.data.loading import DataRequest
from harness.planning.plan import StudyPlan, plan_study
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request

ALL = ("frame", "clip", "subject", "kfold", "loso")


@pytest.fixture
def people(tree: Path, tmp_path: Path) -> Path:
    """Write class folders of three subjects with two clips each, without leaks."""
    root = tmp_path / "people"
    for subject in range(1, 4):
        for label, emotion in enumerate(("fear", "joy"), start=1):
            clip = tree / "Cropped" / f"sub{subject:02}" / f"EP{label:02}_01f"
            shutil.copytree(clip, root / emotion / f"person {subject}" / f"clip {label}")
    return root


@pytest.fixture
def leaky_folders(people: Path) -> Path:
    """Write the same folders with an image of the first subject copied to the second, in the same class."""
    shutil.copy(people / "fear/person 1/clip 1/reg_img10.jpg", people / "fear/person 2/clip 1/reg_img13.jpg")
    return people


def make_plan(root: Path, *protocols: str, **changes: object) -> StudyPlan:
    data = DataRequest(dataset="folder", root=root)
    return plan_study(request(root, data=data, protocols=protocols, **changes))


@pytest.mark.parametrize("protocol", ["clip", "loso"])
def test_copy_between_disjoint_groups_stops_the_study(leaky_folders: Path, protocol: str) -> None:
    with raises_code("split.leaks", "same-bytes") as error:
        # In at least one of these splits, one of the two clips is in the test and the other is not.
        make_plan(leaky_folders, protocol, splits=1 if protocol == "loso" else 12, only=("vgg16-bn-gap",))
    message = str(error.value)
    assert message.startswith(f"the protocol {protocol} requires that no clip or ")
    assert "are byte for byte an image in training or validation, such as fear/person" in message
    assert "fear/person 1/clip 1/reg_img10.jpg" in message
    assert "fear/person 2/clip 1/reg_img13.jpg" in message
    assert message.endswith("allow the leaks with --allow-leaks (in Python allow_leaks=True)")


def test_allowed_leak_does_not_stop_the_study(leaky_folders: Path) -> None:
    assert make_plan(leaky_folders, "frame").study.protocols == ("frame",)


def test_data_that_do_not_leak_are_planned_under_every_protocol(people: Path) -> None:
    plan = make_plan(people, *ALL, splits=2)
    assert {split.protocol for split in plan.splits} == set(ALL)


def test_leaks_that_are_allowed_change_no_run_and_no_name(leaky_folders: Path) -> None:
    plan = make_plan(leaky_folders, "loso", allow_leaks=True)
    frames = make_plan(leaky_folders, "frame", allow_leaks=True)
    assert frames.study == make_plan(leaky_folders, "frame").study
    assert [split.protocol for split in plan.splits] == ["loso"] * 3
    with raises_code("split.leaks", "--allow-leaks"):
        check_leaks(plan.pixels, plan.splits)


@pytest.mark.parametrize(
    ("protocol", "code"),
    [("clip", "shared-clip"), ("subject", "shared-subject"), ("kfold", "shared-subject"), ("clip", None)],
)
def test_split_with_shared_groups_stops_the_study(people: Path, protocol: str, code: str | None) -> None:
    pixels = make_plan(people, "frame").pixels
    rows = range(len(pixels.table.samples))
    test = rows[:1] if code == "shared-clip" else rows[:3]
    if code == "shared-subject":
        # Without clips only the guarantee about subjects is violated.
        bare = tuple(replace(sample, clip="") for sample in pixels.table.samples)
        pixels = replace(pixels, table=replace(pixels.table, samples=bare))
    rest = tuple(row for row in rows if row not in test)
    split = Split(protocol=protocol, fold=2, seed=1, train=rest[1:], validation=rest[:1], test=tuple(test))
    if code is None:
        check_leaks(pixels, (split,))
        return
    with raises_code("split.leaks", f"split 1, fold 2 violates this: {code}: "):
        check_leaks(pixels, (split,))


@pytest.mark.slow
def test_a_folder_of_images_takes_part_and_an_image_with_two_labels_stops_a_study_over_people(
    harness: Run, people: Path
) -> None:
    shutil.copy(people / "fear/person 1/clip 1/reg_img10.jpg", people / "joy/person 2/clip 2/reg_img13.jpg")
    data = ("--dataset", "folder", "--root", people)
    small = ("--preset", "quick", "--epochs", 1, "--image-size", 32, "--width", 0.125, "--only", "proposed")
    status, out, _ = harness("data", "audit", *data, "--protocol", "loso", "--json")
    assert status == 1
    audited = json.loads(out)
    errors = {f["code"] for s in audited["splits"] for f in s["findings"] if f["severity"] == "error"}
    assert errors == {"same-bytes", "one-image-two-labels"}
    assert [fault["code"] for fault in audited["faults"]] == ["one image with two labels"]
    status, _, err = harness("compare", *data, *small, "--protocol", "loso", "--dry-run")
    assert status == 2
    assert "one-image-two-labels: 1 of" in err
    status, out, err = harness("compare", *data, *small, "--protocol", "loso", "--allow-leaks", "--json")
    assert status == 0, err
    output = " ".join(err.split())
    assert "anomaly: one image with two labels: fear/person 1/clip 1/reg_img10.jpg, joy/person 2" in output
    document = json.loads(out)
    assert document["cells"][0]["spec"]["dataset"]["classes"] == ["fear", "joy"]
    report = Path(document["report"]).read_text()
    assert "same-bytes" in report
    assert "one-image-two-labels" in report


@pytest.mark.parametrize("command", ["ablate", "compare", "reproduce", "tune"])
def test_every_command_that_plans_studies_can_allow_leaks(harness: Run, command: str) -> None:
    status, out, _ = harness(command, "--help")
    assert status == 0
    assert "--allow-leaks" in out
