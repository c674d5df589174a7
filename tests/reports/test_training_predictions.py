from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.outcomes import evaluate_study
from reports.training_predictions import build_run_table, build_study_tables, write_megc_logs
from studies.prediction_files.reader import read_predictions
from studies.results import StudyResult
from studies.scoring.scored_table import score_table
from tests.error_codes import raises_code

RIGHT = [n % 3 > 0 for n in range(36)]


def _study(factory: Any, *protocols: str) -> StudyResult:
    study = factory.study(
        protocols=protocols, seeds=(0, 1), folds=tuple(3 if p == "kfold" else 1 for p in protocols)
    )

    def make_run(spec: Any) -> Any:
        result = factory.run_from_correctness(spec, RIGHT[spec.seed :] + RIGHT[: spec.seed], subjects=7)
        return factory.fold_part(result) if spec.protocol == "kfold" else result

    result: StudyResult = factory.finish(study, make_run)
    return result


def test_training_logs_give_the_scores_of_the_report(factory: Any, tmp_path: Path) -> None:
    result = _study(factory, "frame", "kfold")
    paths = write_megc_logs(result, tmp_path)

    assert [path.name for path in paths] == [
        "vgg16-kfold-seed-0.txt",
        "vgg16-kfold-seed-1.txt",
        "proposed-kfold-seed-0.txt",
        "proposed-kfold-seed-1.txt",
    ]
    trainings = [
        training
        for outcome in evaluate_study(result).outcomes
        if outcome.protocol == "kfold"
        for training in outcome.trainings
    ]
    for path, training in zip(paths, trainings, strict=True):
        values = score_table(read_predictions(path)).scopes[0].values
        scores = training.scores
        assert (values["UF1"], values["UAR"], values["accuracy"]) == (scores.uf1, scores.uar, scores.accuracy)


def test_study_with_only_frame_has_no_log(factory: Any, tmp_path: Path) -> None:
    with raises_code("megc-log.no-clips", "--protocol loso"):
        write_megc_logs(_study(factory, "frame"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_frames_are_the_unit_of_the_protocol_frame(factory: Any) -> None:
    tables = [table for _, table in build_study_tables(_study(factory, "frame", "subject"))]

    assert {table.unit for table in tables} == {"frames", "clips"}
    assert {len(table.predictions) for table in tables} == {36}
    assert tables[0].name == "vgg16, frame, seed 0"


def test_run_without_predictions_for_images_is_refused(factory: Any) -> None:
    run = _study(factory, "subject").results[0]

    assert len(build_run_table(run, name="run 1").predictions) == 36
    with raises_code("training.no-predictions", "run 1"):
        build_run_table(replace(run, predictions=()), name="run 1")
