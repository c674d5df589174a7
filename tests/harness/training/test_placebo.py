from pathlib import Path

from architectures.parts import parts_of
from architectures.size import parameters
from harness.plan import prepare
from studies.arms import pairs
from tests.harness.tiny import request


def test_a_placebo_has_the_size_of_the_whole_network_and_lacks_the_part(tree: Path) -> None:
    plan = prepare(request(tree, kind="ablation", design="placebo", only=(), width=0.5))
    whole, *others = plan.study.arms
    assert [arm.name.removeprefix("proposed without ") for arm in others] == [
        "cbam",
        "cbam, widened",
        "residual",
        "residual, widened",
        "prelu",
        "prelu, widened",
    ]
    for bare, placebo in zip(others[::2], others[1::2], strict=True):
        assert parts_of(bare) == parts_of(placebo) < parts_of(whole)
        assert parameters(bare) < parameters(whole)
        assert abs(parameters(placebo) / parameters(whole) - 1) < 0.02
    family = pairs(plan.study.arms, design="placebo")
    assert [(before.name, after.name) for before, after in family] == [
        (arm.name, "proposed") for arm in others
    ]
