from pathlib import Path

import pytest

from architectures.network import count_parameters
from architectures.spec import get_components
from harness.planning.plan import plan_study
from studies.arms import build_pairs
from tests.harness.tiny import request


@pytest.mark.slow
def test_placebo_has_the_full_size_without_the_component(tree: Path) -> None:
    plan = plan_study(request(tree, kind="ablation", design="placebo", only=(), width=0.5))
    full, *others = plan.study.arms
    assert [arm.name.removeprefix("proposed without ") for arm in others] == [
        "cbam",
        "cbam, widened",
        "residual",
        "residual, widened",
        "prelu",
        "prelu, widened",
    ]
    for bare, placebo in zip(others[::2], others[1::2], strict=True):
        assert get_components(bare) == get_components(placebo) < get_components(full)
        assert count_parameters(bare) < count_parameters(full)
        assert abs(count_parameters(placebo) / count_parameters(full) - 1) < 0.02
    family = build_pairs(plan.study.arms, design="placebo")
    assert [(before.name, after.name) for before, after in family] == [
        (arm.name, "proposed") for arm in others
    ]
