from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import get_architecture
from datasets.spec import DatasetSpec
from datasets.splits import split_table
from harness.data.loading import DataRequest, build_dataset_spec, load_images, load_table
from harness.runs.run_inputs import RunInputs, RunInputsCache, StudyImages
from studies.spec import RunSpec, TrainingSpec
from studies.study import Study

CPU = torch.device("cpu")


@pytest.fixture
def images(tree: Path) -> StudyImages:
    """Return the images of the tiny data set with two splits by subject."""
    request = DataRequest(dataset="casme2", root=tree)
    spec, table = load_table(request, build_dataset_spec(request, protocols=("subject",), image_size=32))
    pixels = load_images(spec, table)
    splits = tuple(split_table(pixels.table, "subject", seed=seed, fold=0, folds=1) for seed in (0, 1))
    return StudyImages(pixels=pixels, splits=splits)


def _build_study(images: StudyImages, representation: str = "frame") -> Study:
    return Study(
        kind="comparison",
        design="",
        preset="quick",
        dataset=DatasetSpec(name="casme2", frame_policy="apex", image_size=32, representation=representation),
        fingerprint=images.pixels.fingerprint,
        protocols=("subject",),
        split_seeds=(0, 1),
        training=TrainingSpec(),
        arms=(get_architecture("proposed"),),
    )


def _list_specs(images: StudyImages) -> tuple[RunSpec, ...]:
    return _build_study(images).list_runs()


def test_split_of_a_run_is_that_of_its_protocol_and_seed(images: StudyImages) -> None:
    inputs = RunInputs(pixels=images.pixels, splits=images.splits, device=CPU)
    for spec, split in zip(_list_specs(images), images.splits, strict=True):
        run_split, summary = inputs.get_split(spec)
        assert run_split is split
        assert sum(summary.test) == len(split.test)
        assert summary.leakage.subject == 0


def test_consecutive_runs_of_a_split_share_the_summary(images: StudyImages) -> None:
    inputs = RunInputs(pixels=images.pixels, splits=images.splits, device=CPU)
    first, second = _list_specs(images)
    summary = inputs.get_split(first)[1]
    assert inputs.get_split(replace(first, seed=5))[1] is summary
    assert inputs.get_split(second)[1] is not summary
    assert len(inputs.summary_cache) == 1


def test_cache_reuses_the_inputs_of_a_fingerprint(images: StudyImages) -> None:
    cache = RunInputsCache(_build_study(images), {images.pixels.fingerprint: images}, device=CPU)
    first, second = _list_specs(images)
    assert cache.get(first) is cache.get(second)
    assert cache.get(first).similarity_index is not None


def test_motion_images_have_no_similarity_index(images: StudyImages) -> None:
    study = _build_study(images, "flow")
    cache = RunInputsCache(study, {images.pixels.fingerprint: images}, device=CPU)
    assert cache.get(study.list_runs()[0]).similarity_index is None
