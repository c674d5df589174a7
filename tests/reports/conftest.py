from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from architectures.spec import ArchitectureSpec
from datasets.spec import Anomaly, DatasetSpec, Leakage
from reports.document import write_report
from reports.table import Table
from studies.arms import build_ablation_arms, build_comparison_arms
from studies.cost import Cost
from studies.results import DataSummary, Environment, Epoch, Failure, Prediction, RunResult, StudyResult
from studies.spec import TRAINING_VERSION, RunSpec, TrainingSpec
from studies.study import Study

CLASSES = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
LEAKS = {"frame": Leakage(clip=1.0, subject=1.0), "clip": Leakage(clip=0.0, subject=0.875)}
NO_LEAK = Leakage(clip=0.0, subject=0.0)
Matrix = Sequence[Sequence[int]]
GOOD: Matrix = (
    (8, 1, 0, 0, 0, 1),
    (0, 2, 0, 0, 0, 0),
    (0, 0, 6, 0, 0, 0),
    (1, 0, 0, 4, 0, 0),
    (0, 0, 0, 0, 1, 1),
    (0, 0, 0, 0, 0, 5),
)
COLLAPSED: Matrix = tuple((sum(row), 0, 0, 0, 0, 0) for row in GOOD)


def predictions(matrix: Matrix, frames: int = 1) -> tuple[Prediction, ...]:
    """Return predictions with confusion matrix `matrix` [truth][predicted], with `frames` frames per clip."""
    classes = len(matrix)
    rows: list[Prediction] = []
    for truth, row in enumerate(matrix):
        for predicted, count in enumerate(row):
            for _ in range(count):
                clip = f"sub01/c{len(rows) // frames}"
                probabilities = tuple(0.9 if c == predicted else 0.1 / (classes - 1) for c in range(classes))
                for frame in range(frames):
                    rows.append(
                        Prediction(
                            id=f"{clip}/{frame}",
                            subject="sub01",
                            clip=clip,
                            truth=truth,
                            probabilities=probabilities,
                        )
                    )
    return tuple(rows)


def run(
    spec: RunSpec,
    matrix: Matrix = GOOD,
    *,
    classes: tuple[str, ...] = CLASSES,
    frames: int = 1,
    anomalies: tuple[Anomaly, ...] = (),
) -> RunResult:
    """Return a finished run whose confusion matrix over evaluation units is `matrix`."""
    test = tuple(frames * sum(row) for row in matrix)
    return RunResult(
        spec=spec,
        data=DataSummary(
            classes=classes,
            train=tuple(7 * n for n in test),
            validation=tuple(2 * n for n in test),
            test=test,
            leakage=LEAKS.get(spec.protocol, NO_LEAK),
            warnings=(),
            notes=("drawn for a test",),
            anomalies=anomalies,
        ),
        predictions=predictions(matrix, frames),
        history=tuple(
            Epoch(
                number=n,
                train_loss=1 / n,
                train_accuracy=1 - 1 / (n + 1),
                validation_loss=1.5 / n,
                validation_accuracy=1 - 1.2 / (n + 1),
                seconds=2.0,
            )
            for n in (1, 2, 3)
        ),
        best_epoch=3,
        cost=cost_of(spec.architecture),
        environment=Environment(
            device="cpu",
            platform="Linux",
            threads=2,
            versions=(("torch", "2.6.0"),),
            commit="abc1234",
        ),
        seconds=6.25,
    )


def nameless(result: RunResult, *names: str, leakage: Leakage | None = None) -> RunResult:
    """Return the run on data without these labels; `names` are "clip" or "subject".

    `leakage` is the stored leakage; by default the shares of these names are None, as current runs store.
    """
    stored = leakage or replace(result.data.leakage, **dict.fromkeys(names))
    blank: dict[str, Any] = dict.fromkeys(names, "")
    return replace(
        result,
        data=replace(result.data, leakage=stored),
        predictions=tuple(replace(prediction, **blank) for prediction in result.predictions),
    )


def run_from_correctness(
    spec: RunSpec, right: Sequence[bool], *, subjects: int, first: int | None = None
) -> RunResult:
    """Return a finished run with one clip per value of `right`, True if predicted correctly.

    Clip c belongs to subject c modulo `subjects`. The first `first` clips (default: half) have class 0, the
    others class 1.
    """

    def one_hot(predicted: int) -> tuple[float, ...]:
        return tuple(0.9 if c == predicted else 0.02 for c in range(len(CLASSES)))

    half = len(right) // 2 if first is None else first
    rows = tuple(
        Prediction(
            id=f"c{clip}/0",
            subject=f"sub{clip % subjects:02}",
            clip=f"c{clip}",
            truth=int(clip >= half),
            probabilities=one_hot(int((clip >= half) == correct)),
        )
        for clip, correct in enumerate(right)
    )
    return replace(run(spec), predictions=rows)


def fold_part(result: RunResult) -> RunResult:
    """Return the run with only its own fold's predictions: every `folds`-th clip."""
    spec = result.spec
    own = result.predictions[spec.fold :: spec.folds]
    return replace(result, predictions=own, training_version=TRAINING_VERSION)


def cost_of(arm: ArchitectureSpec) -> Cost:
    """Return a cost that depends on the name: 262,144 parameters (1 MiB) per letter."""
    letters = len(arm.name)
    return Cost(
        parameters=262_144 * letters,
        multiply_adds=1_000_000 * letters,
        activations=50,
        attention=40,
        additions=30,
        norm=20,
        pooling=10,
        uncounted_ops=(("aten::exp", 2),),
    )


def study_of(
    kind: str = "comparison",
    *,
    dataset: str = "casme2",
    only: tuple[str, ...] = ("vgg16", "proposed"),
    protocols: tuple[str, ...] = ("frame",),
    seeds: tuple[int, ...] = (0,),
    split_seeds: tuple[int, ...] = (0,),
    folds: tuple[int, ...] = (),
    width: float = 1.0,
) -> Study:
    """Return a study at the paper's size with the arms of a comparison or of the ladder."""
    arms = build_comparison_arms(only) if kind == "comparison" else build_ablation_arms("ladder")
    arms = tuple(replace(arm, width=width) if arm.network == "blocks" else arm for arm in arms)
    return Study(
        kind=kind,  # type: ignore[arg-type]
        design="" if kind == "comparison" else "ladder",
        preset="paper",
        dataset=DatasetSpec(name=dataset, frame_policy="paper", image_size=224),
        fingerprint="f" * 64,
        protocols=protocols,
        seeds=seeds,
        split_seeds=split_seeds,
        folds=folds,
        training=TrainingSpec(),
        arms=arms,
    )


Choose = Callable[[RunSpec], RunResult | str | None]


def finish(study: Study, choose: Choose = run) -> StudyResult:
    """Return the study's results; `choose` returns a run's result, its failure reason, or None if pending."""
    results, failures = [], []
    for spec in study.list_runs():
        outcome = choose(spec)
        if isinstance(outcome, RunResult):
            results.append(outcome)
        elif isinstance(outcome, str):
            failures.append(Failure(spec=spec, reason=outcome))
    ids = tuple((result.spec.key, f"run-{i}") for i, result in enumerate(results))
    return StudyResult(study=study, results=tuple(results), failures=tuple(failures), run_ids=ids)


@contextmanager
def blank_figures() -> Iterator[None]:
    """Let matplotlib write empty files, for tests of texts: most of a report's time is drawing."""

    def write_nothing(canvas: FigureCanvasAgg, path: Path, **options: Any) -> None:
        path.write_bytes(b"")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCanvasAgg, "print_png", write_nothing)
        yield


def write_text(
    results: Sequence[StudyResult], out: Path, *, images: Mapping[str, bytes] | None = None
) -> str:
    """Write a report with blank figures and return the text of report.md."""
    with blank_figures():
        return write_report(results, out, images=images or {}).read_text(encoding="utf-8")


def replace_no_break_spaces(text: str) -> str:
    """Replace no-break spaces by ordinary ones."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def column(table: Table, name: str) -> list[str]:
    """Return the texts of a column from top to bottom, with plain spaces."""
    return [replace_no_break_spaces(row[table.header.index(name)].text) for row in table.rows]


class Factory:
    """Functions and constants with which tests build studies and results."""

    good, collapsed, classes = GOOD, COLLAPSED, CLASSES
    run = staticmethod(run)
    run_from_correctness = staticmethod(run_from_correctness)
    nameless = staticmethod(nameless)
    fold_part = staticmethod(fold_part)
    study = staticmethod(study_of)
    finish = staticmethod(finish)
    predictions = staticmethod(predictions)
    cost = staticmethod(cost_of)
    column = staticmethod(column)
    write_text = staticmethod(write_text)
    replace_no_break_spaces = staticmethod(replace_no_break_spaces)


@pytest.fixture(scope="session")
def factory() -> type[Factory]:
    return Factory
