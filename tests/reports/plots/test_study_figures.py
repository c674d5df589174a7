from pathlib import Path
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.plots.study_figures import (
    build_bar_figure,
    build_confusion_figure,
    build_curve_figure,
    build_reliability_figure,
    format_figure_path,
    pool_folds,
)
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_names_are_safe_in_a_link() -> None:
    assert format_figure_path("comparison-my set/x|y", "loss") == "figures/comparison-my-set-x-y-loss.png"


@pytest.mark.parametrize(
    ("kind", "quantity", "dataset", "item"),
    [
        ("comparison", "accuracy", "casme2", ("Figure 14",)),
        ("comparison", "loss", "casme2", ("Figure 15",)),
        ("comparison", "loss", "ckplus", ("Figure 12",)),
        ("comparison", "loss", "synthetic", ("Figure 15 (CASME II)",)),
        ("comparison", "loss", "mine", ()),
        ("ablation", "accuracy", "casme2", ("Figure 16",)),
        ("ablation", "loss", "ckplus", ()),
    ],
)
def test_curves_name_their_figure_of_the_paper(
    factory: type[Factory], tmp_path: Path, kind: str, quantity: Any, dataset: str, item: tuple[str, ...]
) -> None:
    (tmp_path / "figures").mkdir()
    study = evaluate_study(factory.finish(factory.study(kind, dataset=dataset)))

    figure = build_curve_figure(study, "frame", metric=quantity)

    assert figure is not None
    assert figure.paper_items == item
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).is_file()


def test_accuracy_figures_state_the_leak(factory: type[Factory], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    study = evaluate_study(factory.finish(factory.study("ablation", protocols=("frame", "subject"))))

    for figure in (
        build_confusion_figure(study, "frame"),
        build_curve_figure(study, "frame", metric="accuracy"),
        build_bar_figure(study),
        build_reliability_figure(study, "frame"),
    ):
        assert figure is not None
        assert any("100.00 % of the test frames have their clip in training" in n for n in figure.notes)


def test_captions_state_unknown_leaks(factory: type[Factory], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    study = evaluate_study(
        factory.finish(
            factory.study("ablation"), lambda spec: factory.nameless(factory.run(spec), "clip", "subject")
        )
    )
    for figure in (
        build_confusion_figure(study, "frame"),
        build_curve_figure(study, "frame", metric="accuracy"),
        build_bar_figure(study),
    ):
        assert figure is not None
        assert any("it is unknown how many of the test frames have their clip" in n for n in figure.notes)


def test_no_finished_run_gives_no_figure(factory: type[Factory], tmp_path: Path) -> None:
    study = evaluate_study(factory.finish(factory.study("ablation"), lambda spec: None))

    assert build_confusion_figure(study, "frame") is None
    assert build_curve_figure(study, "frame", metric="loss") is None
    assert build_bar_figure(study) is None
    assert build_reliability_figure(study, "frame") is None
    assert pool_folds(study.outcomes[0]) is None


def test_reliability_figure_excludes_unfinished_runs(factory: type[Factory], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()

    def choose(spec: RunSpec) -> RunResult | None:
        return factory.run(spec) if spec.architecture.name == "vgg16" else None

    figure = build_reliability_figure(evaluate_study(factory.finish(factory.study(), choose)), "frame")

    assert figure is not None
    assert figure.alt_text == "Accuracy by confidence of vgg16"
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).is_file()
