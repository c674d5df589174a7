from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.planning.power_analysis import describe_power
from studies.statistics.power import Noise
from tests.harness.tiny import request

NOISE = Noise(training_sd=0.02, subject_sd=0.02, discordance=0.2, source="measured")


def test_too_few_test_subjects_point_to_the_protocols_that_test_all(tree: Path) -> None:
    text = describe_power(plan_study(request(tree, protocols=("clip",))), "clip", None)

    assert text.startswith("clip: the test has ")
    assert "a verdict needs at least 6 subjects, so none is possible" in text
    assert text.endswith("kfold and loso test all 4 subjects")


@pytest.fixture
def people(tmp_path: Path) -> DataRequest:
    """Write class folders of eight subjects with a clip of eight frames in each of three classes."""
    for label, emotion in enumerate(("anger", "joy", "sadness")):
        for person in range(8):
            clip = tmp_path / "people" / emotion / f"person {person}" / f"clip {label}"
            clip.mkdir(parents=True)
            for frame in range(8):
                image = np.full((32, 32, 3), 80 * label + 8 * person + frame, dtype=np.uint8)
                cv2.imwrite(str(clip / f"{frame}.png"), image)
    return DataRequest(dataset="folder", root=tmp_path / "people")


def test_images_without_subjects_come_with_the_option_that_names_them(
    people: DataRequest, tree: Path
) -> None:
    for label, emotion in enumerate(("anger", "joy")):
        (tree.parent / "plain" / emotion).mkdir(parents=True)
        for number in range(10):
            image = np.full((32, 32, 3), 80 * label + number, dtype=np.uint8)
            cv2.imwrite(str(tree.parent / "plain" / emotion / f"{number}.png"), image)
    data = DataRequest(dataset="folder", root=tree.parent / "plain")
    text = describe_power(plan_study(request(tree, data=data)), "frame", None)

    assert text.startswith(
        "frame: the test has 2 images, 2 of them without a subject label, so no verdict is possible"
    )
    assert "--subject-from REGEX" in text


def test_power_is_stated_for_the_family_by_number_of_seeds(people: DataRequest, tree: Path) -> None:
    plan = plan_study(request(tree, data=people, only=("vgg16", "proposed"), seeds=2))
    text = describe_power(plan, "frame", NOISE)

    assert "in a family of 1: 2 seeds: no verdict; 5 seeds: " in text
    assert "(measured: training SD 2.0 points, subject SD 2.0, 20 % of predictions change" in text
    points = [float(part.split()[-2]) for part in text.split("; ") if part.count("points") == 1][:3]
    assert points == sorted(points, reverse=True)


def test_folds_count_as_trainings_for_one_seed(people: DataRequest, tree: Path) -> None:
    plan = plan_study(request(tree, data=people, only=("vgg16", "proposed"), protocols=("loso",)))
    text = describe_power(plan, "loso", None)

    assert "of 8 folds" in text
    assert "1 seed: no verdict" not in text
    assert "1 seed: " in text
