from dataclasses import replace
from typing import Any

from reports.caveats import list_caveats
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _caveats_of(factory: type[Factory], choose: Any = None, **kwargs: Any) -> list[str]:
    return list(list_caveats(evaluate_study(factory.finish(factory.study(**kwargs), choose or factory.run))))


def test_unequal_widths_are_a_caveat_with_a_remedy(factory: type[Factory]) -> None:
    """Only block networks scale in width: vgg16 and the proposed network, but not ResNet-34."""
    (caveat,) = _caveats_of(factory, only=("vgg16", "resnet34", "proposed"), width=0.25)

    assert caveat == (
        "Widths are unequal: vgg16 0.25, proposed 0.25; not scaled: resnet34. These networks also differ in "
        "size; with --width 1 no network is scaled."
    )


def test_equal_widths_have_no_caveat(factory: type[Factory]) -> None:
    assert _caveats_of(factory) == []
    assert _caveats_of(factory, width=0.25) == []


def _runs_with_best_epoch(factory: type[Factory], *last: tuple[str, int]) -> Any:
    """Return runs whose best epoch is the third of 100, or the last one for these (arm, seed) pairs."""

    def choose(spec: RunSpec) -> RunResult:
        cut = (spec.architecture.name, spec.seed) in last
        return replace(factory.run(spec), best_epoch=spec.training.epochs if cut else 3)

    return choose


def test_trainings_that_still_improve_have_a_caveat(factory: type[Factory]) -> None:
    (caveat,) = _caveats_of(factory, _runs_with_best_epoch(factory, ("vgg16", 0)), seeds=(0, 1))

    assert caveat == (
        "Training was still improving when it ended: vgg16 (1 of 2 runs under frame). The best epoch was "
        "the last one allowed; with more --epochs these networks can score higher."
    )


def test_less_than_half_of_the_runs_have_no_caveat(factory: type[Factory]) -> None:
    assert _caveats_of(factory, _runs_with_best_epoch(factory, ("vgg16", 0)), seeds=(0, 1, 2)) == []
    assert _caveats_of(factory, lambda _: None) == []


def test_both_caveats_are_listed(factory: type[Factory]) -> None:
    both = _caveats_of(
        factory, _runs_with_best_epoch(factory, ("resnet34", 0)), only=("resnet34", "proposed"), width=0.5
    )

    assert [text.split(":")[0] for text in both] == [
        "Widths are unequal",
        "Training was still improving when it ended",
    ]
