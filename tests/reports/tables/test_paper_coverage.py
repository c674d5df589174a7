from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.tables.paper_coverage import find_missing_items
from studies.arms import build_comparison_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import Study
from tests.reports.conftest import Factory

SEVEN = tuple(arm.name for arm in build_comparison_arms())
CASME2 = {"Table 5", "Table 6", "Figure 13", "Figure 14", "Figure 15"}


def _gaps(
    factory: type[Factory], study: Study, *, choose: Any = None, images: tuple[str, ...] = ()
) -> dict[str, Any]:
    study_result = evaluate_study(factory.finish(study, choose or factory.run))
    return {
        gap.item: gap
        for gap in find_missing_items([study_result], [f"{study.name}/{name}" for name in images])
    }


def test_full_comparison_supports_its_tables_and_figures(factory: type[Factory]) -> None:
    gaps = _gaps(factory, factory.study(only=SEVEN), images=("samples", "augmentation"))

    assert not CASME2 & set(gaps)
    assert not {"Figure 8", "Figure 9"} & set(gaps)
    assert gaps["Table 4"].reason == "No comparison on CK+"
    assert gaps["Table 4"].command == "harness compare --dataset ckplus --protocol frame"
    assert gaps["Figure 18"].command == "harness ablate --dataset casme2 --design ladder --protocol frame"


def test_missing_images_are_gaps(factory: type[Factory]) -> None:
    gaps = _gaps(factory, factory.study(only=SEVEN))

    assert {"Figure 8", "Figure 9"} <= set(gaps)


def test_excluded_networks_are_named(factory: type[Factory]) -> None:
    gaps = _gaps(factory, factory.study())

    assert "Table 5" not in gaps
    assert gaps["Table 6"].reason.startswith("Networks left out: alexnet, resnet34")


def test_unfinished_networks_are_named(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        return None if spec.architecture.name == "proposed" else factory.run(spec)

    gaps = _gaps(factory, factory.study(only=SEVEN), choose=choose)

    assert gaps["Table 5"].reason == gaps["Table 6"].reason == "Not finished under frame: proposed"


def test_another_split_or_another_size_does_not_support_the_paper(factory: type[Factory]) -> None:
    strict = _gaps(factory, factory.study(only=SEVEN, protocols=("subject",)))
    narrow = _gaps(factory, factory.study(only=SEVEN, width=0.25))

    assert strict["Table 6"].reason == "Not run under frame, the paper's split"
    assert narrow["Table 6"].reason.startswith("Not the paper's settings: width 0.25")


def test_ablation_supports_its_figures_and_the_classes_of_the_proposed(factory: type[Factory]) -> None:
    gaps = _gaps(factory, factory.study("ablation"))

    assert not {"Figure 16", "Figure 17", "Figure 18", "Table 5"} & set(gaps)
    assert "Table 6" in gaps


def test_synthetic_study_supports_nothing_of_the_paper(factory: type[Factory]) -> None:
    gaps = _gaps(factory, factory.study(dataset="synthetic", only=SEVEN), images=("samples",))

    assert CASME2 | {"Table 2", "Table 3", "Table 4", "Figure 7", "Figure 8", "Figure 18"} <= set(gaps)


@pytest.mark.parametrize(("synthetic", "root_option"), [(False, "--root 'my faces' "), (True, "")])
def test_command_names_the_release_of_the_study(
    factory: type[Factory], synthetic: bool, root_option: str
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        result = factory.run(spec)
        return replace(result, data=replace(result.data, synthetic=synthetic))

    command = "harness compare --dataset casme2 --root 'my faces' --protocol subject"
    study = factory.study(protocols=("subject",))
    result = replace(factory.finish(study, choose), commands=(command,))
    gaps = {gap.item: gap.command for gap in find_missing_items([evaluate_study(result)], [])}

    assert gaps["Table 6"] == f"harness compare --dataset casme2 {root_option}--protocol frame"
    assert gaps["Table 4"] == "harness compare --dataset ckplus --protocol frame"
