from dataclasses import replace

import pytest

from reports.claims.catalogue import CLAIMS
from reports.claims.table import (
    IMAGE_INDEPENDENT_CLAIMS,
    build_claim_table,
    describe_claim_results,
    judge_claims,
)
from reports.outcomes import StudyEvaluation, evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _evaluate(
    factory: type[Factory], protocols: tuple[str, ...], *, dataset: str = "casme2", synthetic: bool = False
) -> StudyEvaluation:
    """Evaluate the proposed network with 30 of 40 clips correct."""

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [clip % 4 > 0 for clip in range(40)], subjects=10)
        return replace(run, data=replace(run.data, synthetic=synthetic))

    study = factory.study(dataset=dataset, only=("proposed",), protocols=protocols)
    return evaluate_study(factory.finish(study, choose))


def test_study_of_another_data_set_has_no_table(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, ("frame",), dataset="synthetic")
    assert judge_claims([evaluation]) == {}
    assert build_claim_table([evaluation]) is None
    assert describe_claim_results([evaluation]) == ()


@pytest.mark.parametrize(
    ("protocols", "protocols_of_verdicts"),
    [
        (("frame",), ("frame",)),
        (("clip",), ("frame",)),
        (("subject",), ("subject",)),
        (("subject", "frame", "loso"), ("frame", "loso")),
    ],
)
def test_claims_have_verdicts_under_the_papers_split_and_the_strictest_one(
    factory: type[Factory], protocols: tuple[str, ...], protocols_of_verdicts: tuple[str, ...]
) -> None:
    results = judge_claims([_evaluate(factory, protocols)])
    assert tuple(dict.fromkeys(protocol for _, protocol in results)) == protocols_of_verdicts
    assert len(results) == len(protocols_of_verdicts) * len(CLAIMS)


def test_every_protocol_has_a_column_for_the_value_and_the_verdict(factory: type[Factory]) -> None:
    table = build_claim_table([_evaluate(factory, ("frame", "subject"))])
    assert table is not None
    assert table.header[3:] == (
        *("Measured, frame", "Verdict, frame"),
        *("Measured, subject", "Verdict, subject"),
    )
    row = factory.column(table, "Id").index("acc-casme2")
    assert factory.column(table, "Measured, subject")[row].startswith("accuracy 75.00 %")
    assert factory.column(table, "Paper")[row] == "98.23 %, 98.69 %"


def test_table_names_the_claims_that_the_runs_do_not_test(factory: type[Factory]) -> None:
    table = build_claim_table([_evaluate(factory, ("subject",))])
    assert table is not None
    (note,) = [note for note in table.notes if note.startswith("These runs do not test ")]
    assert "acc-ckplus, best-ckplus" in note
    assert "acc-ckplus" not in factory.column(table, "Id")


def test_synthetic_faces_decide_no_claim_about_faces(factory: type[Factory]) -> None:
    results = judge_claims([_evaluate(factory, ("frame",), synthetic=True)])
    decided = {claim for (claim, _), result in results.items() if result.verdict != "not testable here"}
    assert decided <= set(IMAGE_INDEPENDENT_CLAIMS)
    accuracy = results["acc-casme2", "frame"]
    assert (accuracy.verdict, accuracy.reason) == ("not testable here", "the faces are synthetic")
    assert accuracy.measured_text.startswith("accuracy 75.00 %")


def test_real_faces_exclude_synthetic_ones(factory: type[Factory]) -> None:
    real = _evaluate(factory, ("frame",))
    assert judge_claims([_evaluate(factory, ("frame",), synthetic=True), real]) == judge_claims([real])


def test_text_counts_verdicts_by_protocol_and_image_independent_claims_under_the_first(
    factory: type[Factory],
) -> None:
    statements = describe_claim_results([_evaluate(factory, ("frame", "subject"))])
    frame_text, subject_text = (statement.text for statement in statements)
    assert all(statement.run_keys for statement in statements)
    assert frame_text.startswith(f"Under frame (the paper's split): of {len(CLAIMS)} claims ")
    count = len(CLAIMS) - len(IMAGE_INDEPENDENT_CLAIMS)
    assert subject_text.startswith(f"Under subject (no test subject in training): of {count} claims ")
    assert "size-vgg" in frame_text
    assert "size-vgg" not in subject_text
