from dataclasses import replace

from reports.outcomes import evaluate_study
from reports.tables.composite_parts import build_part_table
from studies.results import Prediction, RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

ANSWERS = {
    "smic/s01": ((0, 0), (1, 0), (2, 2)),
    "casme2/sub01": ((0, 0), (1, 1)),
    "samm/006": ((0, 2),),
}
"""True and predicted class of each clip, by subject."""


def test_each_data_set_is_scored_alone_and_all_together(factory: type[Factory]) -> None:
    predictions = tuple(
        Prediction(
            id=f"{subject}/c{index}/1",
            subject=subject,
            clip=f"{subject}/c{index}",
            truth=truth,
            probabilities=tuple(float(label == answer) for label in range(3)),
        )
        for subject, pairs in ANSWERS.items()
        for index, (truth, answer) in enumerate(pairs)
    )

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(
            spec, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), classes=("negative", "positive", "surprise")
        )
        return replace(run, predictions=predictions)

    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("subject",))
    table = build_part_table(evaluate_study(factory.finish(study, choose)))

    assert table is not None
    scores = {name: factory.column(table, name)[0] for name in table.header if name.endswith(("UF1", "UAR"))}
    assert scores == {
        "Full UF1": "66.67",
        "Full UAR": "72.22",
        "SMIC UF1": "55.56",
        "SMIC UAR": "66.67",
        "CASME II UF1": "100.00",
        "CASME II UAR": "100.00",
        "SAMM UF1": "0.00",
        "SAMM UAR": "0.00",
    }
    assert "Test clips: SMIC 3 of 1 subject (official: 164 of 16)" in table.notes[1]


def test_runs_that_are_missing_have_a_status_and_other_data_have_no_table(factory: type[Factory]) -> None:
    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("subject",))
    table = build_part_table(evaluate_study(factory.finish(study, lambda _: None)))
    assert table is not None
    assert factory.column(table, "SAMM UAR") == ["not run"]
    assert build_part_table(evaluate_study(factory.finish(factory.study()))) is None
