from dataclasses import replace
from typing import Any

from reports.caveats import list_caveats
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def _said(built: type[Built], choose: Any = None, **kwargs: Any) -> list[str]:
    return list(list_caveats(evaluate_study(built.finish(built.study(**kwargs), choose or built.run))))


def test_unequal_widths_are_named_with_the_option_that_evens_them(built: type[Built]) -> None:
    """Only block networks scale in width: vgg16 and the proposed network, but not ResNet-34."""
    (said,) = _said(built, only=("vgg16", "resnet34", "proposed"), width=0.25)

    assert said == (
        "Widths are unequal: vgg16 0.25, proposed 0.25; not scaled: resnet34. These networks also differ in "
        "size; with --width 1 no network is scaled."
    )


def test_equal_widths_need_no_caution(built: type[Built]) -> None:
    assert _said(built) == []
    assert _said(built, width=0.25) == []


def _ending(built: type[Built], *last: tuple[str, int]) -> Any:
    """Return runs whose best epoch is the third of 100, or the last one for these (arm, seed) pairs."""

    def choose(spec: RunSpec) -> RunResult:
        cut = (spec.architecture.name, spec.seed) in last
        return replace(built.run(spec), best_epoch=spec.training.epochs if cut else 3)

    return choose


def test_trainings_that_ended_while_improving_are_counted(built: type[Built]) -> None:
    (said,) = _said(built, _ending(built, ("vgg16", 0)), seeds=(0, 1))

    assert said == (
        "Training was still improving when it ended: vgg16 (1 of 2 runs under frame). The best epoch was "
        "the last one allowed; with more --epochs these networks can score higher."
    )


def test_less_than_half_of_the_runs_are_no_caution(built: type[Built]) -> None:
    assert _said(built, _ending(built, ("vgg16", 0)), seeds=(0, 1, 2)) == []
    assert _said(built, lambda _: None) == []


def test_both_cautions_can_hold(built: type[Built]) -> None:
    both = _said(built, _ending(built, ("resnet34", 0)), only=("resnet34", "proposed"), width=0.5)

    assert [text.split(":")[0] for text in both] == [
        "Widths are unequal",
        "Training was still improving when it ended",
    ]
