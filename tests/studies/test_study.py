from dataclasses import replace

import pytest

from architectures.catalogue import get_architecture
from studies.search import Search
from studies.study import (
    NULL_SEED_OFFSET,
    Study,
    build_null_arm,
    check_design,
    is_null_arm,
    select_primary_arm,
)
from tests.error_codes import raises_code

VGG16, ALEXNET, PROPOSED = map(get_architecture, ("vgg16", "alexnet", "proposed"))


@pytest.fixture
def cell_study(study: Study) -> Study:
    """Return a study of two arms with one cell."""
    return replace(study, protocols=("subject",), seeds=(0,), arms=(VGG16, PROPOSED))


def _list_names(study: Study) -> list[tuple[str, str]]:
    return [(run.architecture.name, run.variant) for run in study.list_runs()]


def test_study_without_checks_runs_one_cell_for_every_arm(cell_study: Study) -> None:
    assert _list_names(cell_study) == [("vgg16", "none"), ("proposed", "none")]


def test_controls_and_checks_follow_the_arms(cell_study: Study) -> None:
    study = replace(cell_study, controls=("shuffled-labels",), checks=("robustness", "cross-entropy"))
    assert _list_names(study) == [
        ("vgg16", "none"),
        ("proposed", "none"),
        ("proposed", "shuffled-labels"),
        ("proposed", "cross-entropy"),
        ("vgg16", "robustness"),
        ("proposed", "robustness"),
    ]


def test_cross_entropy_check_changes_only_the_loss(cell_study: Study) -> None:
    base, check = replace(cell_study, arms=(PROPOSED,), checks=("cross-entropy",)).list_runs()
    assert (check.training.gamma, check.training.class_weights) == (0.0, "none")
    assert replace(check, variant="none", training=base.training) == base


def test_latency_is_measured_in_the_first_cell_only(cell_study: Study) -> None:
    study = replace(cell_study, seeds=(0, 1), folds=(2,), checks=("latency",))
    latency_runs = [run for run in study.list_runs() if run.variant == "latency"]
    assert [(run.architecture, run.seed, run.fold) for run in latency_runs] == [
        (VGG16, 0, 0),
        (PROPOSED, 0, 0),
    ]


def test_onset_control_trains_on_the_onset_frames(cell_study: Study) -> None:
    study = replace(cell_study, controls=("onset-frame",), onset_fingerprint="e" * 64)
    control = study.list_runs()[-1]
    assert (control.variant, control.dataset.representation) == ("onset-frame", "onset")
    assert control.fingerprint == "e" * 64


def test_folds_belong_to_their_protocol(cell_study: Study) -> None:
    study = replace(cell_study, protocols=("subject", "kfold"), folds=(1, 3), arms=(VGG16,))
    assert [(run.protocol, run.fold, run.folds) for run in study.list_runs()] == [
        ("subject", 0, 1),
        ("kfold", 0, 3),
        ("kfold", 1, 3),
        ("kfold", 2, 3),
    ]


def test_search_replaces_the_settings_of_its_own_run(cell_study: Study) -> None:
    first, second = cell_study.list_runs()
    search = Search(
        key=first.key, values=(0.5,), pruned=(False,), learning_rate=0.002, gamma=1.0, class_weights="none"
    )
    searched, unchanged = replace(cell_study, searches=(search,)).list_runs()
    training = searched.training
    assert (training.learning_rate, training.gamma, training.class_weights) == (0.002, 1.0, "none")
    assert searched.key != first.key
    assert unchanged == second


def test_null_arm_has_its_own_seeds(cell_study: Study) -> None:
    null_arm = build_null_arm(PROPOSED)
    runs = replace(cell_study, arms=(PROPOSED, null_arm), seeds=(0, 1)).list_runs()
    assert [run.seed for run in runs if run.architecture == null_arm] == [
        NULL_SEED_OFFSET,
        NULL_SEED_OFFSET + 1,
    ]
    assert is_null_arm(null_arm)
    assert not is_null_arm(PROPOSED)


def test_primary_arm_is_the_proposed_network_or_the_first_arm() -> None:
    assert select_primary_arm((VGG16, PROPOSED)) is PROPOSED
    assert select_primary_arm((ALEXNET, VGG16)) is ALEXNET


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1])
def test_margin_out_of_range_is_refused(study: Study, margin: float) -> None:
    with raises_code("margin.range", f"got {margin:g}"):
        replace(study, margin=margin)


def test_check_names_every_duplicate() -> None:
    with raises_code("study-axis.duplicate", "a study takes each seed once; got 0, 2 twice"):
        check_design((VGG16,), image_size=224, protocols=("frame",), split_seeds=(0,), seeds=(2, 0, 1, 0, 2))


def test_check_refuses_an_empty_axis() -> None:
    with raises_code("study-axis.empty", "at least one split seed"):
        check_design((VGG16,), image_size=224, protocols=("frame",), split_seeds=(), seeds=(0,))
