from typing import Any

from reports.outcomes import evaluate_study
from reports.tables.paper_coverage import find_missing_items
from studies.arms import build_comparison_arms
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import Study
from tests.reports.conftest import Built

SEVEN = tuple(arm.name for arm in build_comparison_arms())
CASME2 = {"Table 5", "Table 6", "Figure 13", "Figure 14", "Figure 15"}


def _gaps(
    built: type[Built], study: Study, *, choose: Any = None, pictures: tuple[str, ...] = ()
) -> dict[str, Any]:
    found = evaluate_study(built.finish(study, choose or built.run))
    return {
        gap.item: gap for gap in find_missing_items([found], [f"{study.name}/{name}" for name in pictures])
    }


def test_a_full_comparison_supports_its_tables_and_figures(built: type[Built]) -> None:
    found = _gaps(built, built.study(only=SEVEN), pictures=("samples", "augmentation"))

    assert not CASME2 & set(found)
    assert not {"Figure 8", "Figure 9"} & set(found)
    assert found["Table 4"].reason == "No comparison on CK+"
    assert found["Table 4"].command == "harness compare --dataset ckplus --protocol frame"
    assert found["Figure 18"].command == "harness ablate --dataset casme2 --design ladder --protocol frame"


def test_pictures_that_were_not_kept_are_missing(built: type[Built]) -> None:
    found = _gaps(built, built.study(only=SEVEN))

    assert {"Figure 8", "Figure 9"} <= set(found)


def test_what_was_left_out_is_named(built: type[Built]) -> None:
    found = _gaps(built, built.study())

    assert "Table 5" not in found
    assert found["Table 6"].reason.startswith("Networks left out: alexnet, resnet34")


def test_what_did_not_finish_is_named(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        return None if spec.architecture.name == "proposed" else built.run(spec)

    found = _gaps(built, built.study(only=SEVEN), choose=choose)

    assert found["Table 5"].reason == found["Table 6"].reason == "Not finished under frame: proposed"


def test_another_split_or_another_size_does_not_support_the_paper(built: type[Built]) -> None:
    strict = _gaps(built, built.study(only=SEVEN, protocols=("subject",)))
    narrow = _gaps(built, built.study(only=SEVEN, width=0.25))

    assert strict["Table 6"].reason == "Not run under frame, the paper's split"
    assert narrow["Table 6"].reason.startswith("Not the paper's settings: width 0.25")


def test_an_ablation_supports_its_figures_and_the_classes_of_the_proposed(built: type[Built]) -> None:
    found = _gaps(built, built.study("ablation"))

    assert not {"Figure 16", "Figure 17", "Figure 18", "Table 5"} & set(found)
    assert "Table 6" in found


def test_a_synthetic_study_supports_nothing_of_the_paper(built: type[Built]) -> None:
    found = _gaps(built, built.study(dataset="synthetic", only=SEVEN), pictures=("samples",))

    assert CASME2 | {"Table 2", "Table 3", "Table 4", "Figure 7", "Figure 8", "Figure 18"} <= set(found)
