import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from architectures.catalogue import LADDER, get_architecture
from harness.data.loading import DataRequest
from harness.planning.request import Request, outline_study
from studies.analysis_plan import AnalysisPlan
from studies.codec import to_json
from studies.presets import get_preset

ABLATION = Request(kind="ablation", data=DataRequest(dataset="casme2"), design="ladder")
COMPARISON = Request(kind="comparison", data=DataRequest(dataset="casme2"))
PLAN = AnalysisPlan(
    study_name="s", metric="uar", margin=0.05, protocols=("frame",), split_seeds=(0,), seeds=(0,), pairs=()
)


def test_outline_gets_missing_values_from_the_preset() -> None:
    outline = outline_study(ABLATION)
    assert outline.arms == LADDER
    assert (outline.training.epochs, outline.training.batch_size) == (100, 32)
    assert (outline.dataset.image_size, outline.dataset.frame_policy) == (224, "paper")
    assert (outline.split_seeds, outline.seeds, outline.analysis_plan) == ((0,), (0,), None)


def test_quick_preset_has_a_size_for_every_kind_of_study() -> None:
    assert outline_study(replace(ABLATION, preset="quick")).dataset.image_size == 32
    assert outline_study(replace(COMPARISON, preset="quick")).dataset.image_size == 72


def test_demo_preset_gives_networks_protocols_and_seeds() -> None:
    outline = outline_study(replace(COMPARISON, preset="demo"))
    demo = get_preset("demo")
    assert [(arm.name, arm.width) for arm in outline.arms] == [(name, demo.width) for name in demo.networks]
    assert (outline.request.protocols, outline.seeds) == (("frame", "subject"), (0, 1, 2, 3, 4))
    assert (outline.dataset.name, outline.dataset.frame_policy) == ("casme2", "onset_offset")
    synthetic = replace(COMPARISON, preset="demo", data=DataRequest(dataset="synthetic"))
    assert outline_study(synthetic).dataset.name == demo.dataset


def test_requested_networks_protocols_and_seeds_replace_those_of_the_preset() -> None:
    request = replace(
        COMPARISON, preset="demo", only=("alexnet",), image_size=72, protocols=("clip",), seeds=2
    )
    outline = outline_study(request)
    assert [arm.name for arm in outline.arms] == ["alexnet"]
    assert (outline.request.protocols, outline.seeds) == (("clip",), (0, 1))


def test_requested_values_replace_those_of_the_preset() -> None:
    request = replace(
        COMPARISON, only=("proposed",), epochs=3, image_size=48, width=0.5, batch=8, seeds=2, splits=3
    )
    outline = outline_study(request)
    assert [(arm.name, arm.width) for arm in outline.arms] == [("proposed", 0.5)]
    assert (outline.training.epochs, outline.training.batch_size) == (3, 8)
    assert (outline.dataset.image_size, outline.seeds, outline.split_seeds) == (48, (0, 1), (0, 1, 2))


def test_flow_is_augmented_without_flips_and_colors() -> None:
    request = replace(ABLATION, data=DataRequest(dataset="casme2", representation="flow", frames="apex"))
    augmentation = outline_study(request).training.augmentation
    assert (augmentation.flip, augmentation.hue) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "slow"}, "unknown preset 'slow'"),
        ({"seeds": 0}, "--seeds must be at least 1"),
        ({"splits": 1001}, "--splits must be at least 1 and at most 1000; got 1001"),
        ({"metric": "f2"}, "'f2'"),
        ({"margin": 0.0}, "between 0 and 100 points; got 0"),
        ({"margin": 100.0}, "between 0 and 100 points; got 100"),
        ({"searches": "x.db"}, "--searches needs --tuned; got 'x.db'"),
        ({"protocols": ("clips",)}, "'clips'"),
        ({"device": "tpu"}, "'tpu'"),
        ({"engine": "steam"}, "'steam'"),
        ({"design": "snake"}, "'snake'"),
        ({"image_size": 8}, "vgg16 needs images of at least 32 px; got 8"),
        ({"epochs": 0}, "epochs"),
        ({"plan_path": Path("gone.json")}, "with --save-plan gone.json first"),
    ],
)
def test_wrong_value_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        outline_study(replace(ABLATION, **changes))


def test_outline_refuses_arms_that_need_larger_images() -> None:
    outline = outline_study(replace(ABLATION, preset="quick"))
    with pytest.raises(ValueError, match="alexnet"):
        outline.check_arms((get_architecture("alexnet"),))


def test_saved_plan_is_loaded() -> None:
    Path("plan.json").write_text(to_json(PLAN))
    assert outline_study(replace(ABLATION, plan_path=Path("plan.json"))).analysis_plan == PLAN


def test_file_that_is_no_plan_is_refused_with_its_path() -> None:
    Path("plan.json").write_text("{}")
    with pytest.raises(ValueError, match=r"--plan takes a file .*; plan\.json is not such a file"):
        outline_study(replace(ABLATION, plan_path=Path("plan.json")))
