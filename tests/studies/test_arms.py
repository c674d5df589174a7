import pytest

from studies.arms import DESIGNS, ablation, comparison


@pytest.mark.parametrize("design", DESIGNS)
def test_a_ladder_has_five_rungs_and_ends_in_the_proposed_network(design: str) -> None:
    rungs = ablation(design)

    assert len(rungs) == 5
    assert rungs[-1].name == "proposed"


def test_the_paper_ladder_starts_at_vgg16_and_the_controlled_one_at_its_trimmed_form() -> None:
    assert ablation("ladder")[0].name == "vgg16"
    assert (ablation("ladder")[0].norm, ablation("ladder")[0].head) == ("none", "vgg")
    assert {(rung.norm, rung.head) for rung in ablation("controlled")} == {("batch", "gap")}


def test_an_unknown_design_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="unknown design 'staircase'; accepted: ladder, controlled"):
        ablation("staircase")


def test_a_comparison_is_the_papers_seven() -> None:
    assert [arm.name for arm in comparison()] == [
        "vgg16",
        "alexnet",
        "resnet34",
        "efficientnet-b0",
        "shufflenetv2",
        "mobilenetv3-large",
        "proposed",
    ]


def test_only_what_is_named_in_the_order_named() -> None:
    assert [arm.name for arm in comparison(("resnet34", "vgg16"))] == ["resnet34", "vgg16"]


def test_an_unknown_network_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match=r"unknown architecture 'resnet999'; accepted: vgg16, .*proposed"):
        comparison(("vgg16", "resnet999"))
