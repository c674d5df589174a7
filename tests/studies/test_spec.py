from dataclasses import replace
from typing import Any

import pytest

from architectures.catalogue import get_architecture
from architectures.spec import ArchitectureSpec
from datasets.spec import AugmentationSpec, DatasetSpec
from studies.arms import build_ablation_arms, build_comparison_arms
from studies.spec import MAX_COUNT, RunSpec, TrainingSpec
from studies.study import Study, build_null_arm, is_null_arm
from tests.error_codes import raises_code

CHANGES: list[dict[str, Any]] = [
    {"dataset": DatasetSpec(name="casme2", frame_policy="paper", image_size=48)},
    {"dataset": DatasetSpec(name="synthetic", frame_policy="apex", image_size=48)},
    {"dataset": DatasetSpec(name="synthetic", frame_policy="paper", image_size=64)},
    {"fingerprint": "e" * 64},
    {"protocol": "subject"},
    {"fold": 1},
    {"seed": 1},
    {"split_seed": 1},
    {"architecture": get_architecture("vgg16")},
    {"architecture": replace(get_architecture("proposed"), width=0.5)},
    {"training": TrainingSpec(epochs=99)},
    {"training": TrainingSpec(batch_size=16)},
    {"training": TrainingSpec(learning_rate=1e-4)},
    {"training": TrainingSpec(gamma=0.0)},
    {"training": TrainingSpec(class_weights="none")},
    {"training": TrainingSpec(patience=5)},
    {"training": TrainingSpec(augmentation=AugmentationSpec(flip=0.0))},
    {"training": TrainingSpec(engine="compiled")},
    {"training": TrainingSpec(engine="fused")},
    {"training": TrainingSpec(precision="bfloat16")},
    {"training": TrainingSpec(deterministic=True)},
]


def test_key_is_sixteen_hexadecimal_digits(spec: RunSpec) -> None:
    assert len(spec.key) == 16
    assert set(spec.key) <= set("0123456789abcdef")


def test_key_ignores_the_name_of_the_architecture(spec: RunSpec) -> None:
    renamed = replace(spec, architecture=replace(spec.architecture, name="rung 5"))

    assert renamed.key == spec.key


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_key_changes_with_everything_else(spec: RunSpec, change: dict[str, Any]) -> None:
    assert replace(spec, **change).key != spec.key


@pytest.mark.parametrize(("index", "name"), [(0, "vgg16"), (-1, "proposed")])
def test_ends_of_the_ladder_are_cells_of_the_comparison(spec: RunSpec, index: int, name: str) -> None:
    (arm,) = build_comparison_arms((name,))

    rung = replace(spec, architecture=build_ablation_arms("ladder")[index])

    assert rung.key == replace(spec, architecture=arm).key


def test_smallest_training_is_accepted() -> None:
    assert TrainingSpec(epochs=1, batch_size=1, patience=1, gamma=0.0).epochs == 1


def test_only_compiled_training_changes_without_compilation() -> None:
    assert TrainingSpec(engine="compiled").without_compilation() == TrainingSpec(engine="eager")
    assert TrainingSpec(engine="fused").without_compilation() == TrainingSpec(engine="fused")


def test_run_of_a_variant_is_named_after_it(spec: RunSpec) -> None:
    assert replace(spec, variant="robustness").name.endswith(" (robustness)")
    assert "(" not in spec.name


@pytest.mark.parametrize(
    ("change", "code", "name"),
    [
        ({"epochs": 0}, "training-count.too-small", "epochs"),
        ({"batch_size": 0}, "training-count.too-small", "batch"),
        ({"patience": -2}, "training-count.too-small", "patience"),
        ({"epochs": MAX_COUNT + 1}, "training-count.too-large", "epochs"),
        ({"learning_rate": 0.0}, "learning-rate.range", "learning rate"),
        ({"learning_rate": 1.0}, "learning-rate.range", "learning rate"),
        ({"gamma": -0.5}, "gamma.negative", "gamma"),
    ],
)
def test_training_out_of_range_is_refused(change: dict[str, Any], code: str, name: str) -> None:
    with raises_code(code, name, *change.values()):
        TrainingSpec(**change)


@pytest.mark.parametrize(("name", "size", "smallest"), [("proposed", 31, 32), ("alexnet", 64, 65)])
def test_images_that_are_too_small_are_refused(spec: RunSpec, name: str, size: int, smallest: int) -> None:
    dataset = replace(spec.dataset, image_size=size)

    with raises_code("image-size.too-small", name, smallest, size, "--image-size"):
        replace(spec, dataset=dataset, architecture=get_architecture(name))

    fits = replace(spec.dataset, image_size=smallest)
    assert replace(spec, dataset=fits, architecture=get_architecture(name)).dataset == fits


def test_runs_are_sorted_by_protocol_seed_and_arm(study: Study) -> None:
    runs = study.list_runs()

    assert len(runs) == 2 * 2 * 5
    assert [(run.protocol, run.seed) for run in runs[::5]] == [
        ("frame", 0),
        ("frame", 1),
        ("subject", 0),
        ("subject", 1),
    ]
    assert [run.architecture for run in runs[:5]] == list(study.arms)
    assert len({run.key for run in runs}) == len(runs)
    assert {run.training.epochs for run in runs} == {3}


def test_study_name_has_a_stem_and_a_digest(study: Study) -> None:
    stem, _, digest = study.name.rpartition("-")

    assert stem == "ablation-ladder-synthetic-frame+subject-quick"
    assert len(digest) == 6
    assert replace(study).name == study.name
    assert replace(study, seeds=(0,)).name.startswith(stem + "-")
    assert replace(study, seeds=(0,)).name != study.name


def test_comparison_has_no_design_in_its_name(study: Study) -> None:
    named = replace(study, kind="comparison", design="", arms=build_comparison_arms(("vgg16",)))

    assert named.name.startswith("comparison-synthetic-frame+subject-quick-")


@pytest.mark.parametrize("field", ["arms", "protocols", "seeds"])
def test_study_of_nothing_is_refused(study: Study, field: str) -> None:
    with raises_code("study-axis.empty", field[:-1]):
        replace(study, **{field: ()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"protocols": ("frame", "frame")}, "protocol", "frame"),
        ({"seeds": (0, 1, 0)}, "seed", "0"),
        ({"arms": build_comparison_arms(("vgg16", "vgg16"))}, "arm", "vgg16"),
    ],
)
def test_duplicate_names_are_refused(study: Study, change: dict[str, Any], name: str, value: str) -> None:
    with raises_code("study-axis.duplicate", name, value):
        replace(study, **change)


def test_study_is_refused_with_its_smallest_arm(study: Study) -> None:
    with raises_code("image-size.too-small", "alexnet", 65, 48):
        replace(study, arms=build_comparison_arms())


def test_arm_is_any_architecture(study: Study) -> None:
    small = ArchitectureSpec(name="small", stages=((1, 8),))

    assert [run.architecture.name for run in replace(study, arms=(small,), seeds=(0,)).list_runs()] == [
        "small"
    ] * 2


def test_every_training_has_a_stream_of_its_own(spec: RunSpec) -> None:
    streams = {
        replace(spec, split_seed=division, seed=seed, fold=fold).rng_seed
        for division in range(4)
        for seed in range(4)
        for fold in range(4)
    }

    assert len(streams) == 64


def test_random_stream_of_fold_0_is_unchanged(spec: RunSpec) -> None:
    assert [replace(spec, split_seed=division).rng_seed for division in (0, 1, 7)] == [0, 1, 7]


def test_seeds_vary_the_training_and_split_seeds_the_division(study: Study) -> None:
    repeated = replace(study, split_seeds=(0, 1), seeds=(0, 1, 2))
    runs = [
        run
        for run in repeated.list_runs()
        if run.architecture == study.arms[0] and run.protocol == study.protocols[0] and not run.fold
    ]

    assert [(run.split_seed, run.seed) for run in runs] == [(d, s) for d in (0, 1) for s in (0, 1, 2)]


def test_null_arm_is_trained_with_seeds_of_its_own(study: Study) -> None:
    null = build_null_arm(study.primary_arm)
    runs = replace(study, arms=(*study.arms, null), seeds=(0, 1)).list_runs()
    first = {run.seed for run in runs if run.architecture == study.primary_arm}
    second = {run.seed for run in runs if run.architecture == null}

    assert is_null_arm(null)
    assert not is_null_arm(study.primary_arm)
    assert len(second) == 2
    assert not first & second


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1])
def test_margin_that_is_no_share_is_refused(study: Study, margin: float) -> None:
    with raises_code("margin.range", f"{margin:g}"):
        replace(study, margin=margin)
