from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from datasets.spec import Anomaly
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.sections import (
    MAX_ANOMALIES,
    Block,
    Inconsistencies,
    build_ablation_section,
    build_claim_section,
    build_comparison_section,
    build_data_section,
    build_inconsistency_section,
    build_missing_items_section,
    build_protocol_effect_section,
    build_run_index_section,
    build_setup_section,
    build_summary_section,
)
from reports.table import ReportFigure, Summary, Table
from studies.paper.published import PAPER_ITEMS
from tests.reports.conftest import Factory


@pytest.fixture
def evaluation(factory: type[Factory]) -> StudyEvaluation:
    return evaluate_study(factory.finish(factory.study(only=("proposed",))))


def _list_texts(blocks: Iterable[Block]) -> list[str]:
    return [block for block in blocks if isinstance(block, str)]


def test_summary_has_a_block_for_every_study(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    ladder = evaluate_study(factory.finish(factory.study("ablation")))
    heading, *summaries = build_summary_section([evaluation, ladder])
    assert heading == "## Summary"
    assert all(isinstance(summary, Summary) for summary in summaries)
    assert [summary.study_name for summary in summaries] == [evaluation.study.name, ladder.study.name]


def test_claim_section_is_empty_without_a_data_set_of_the_paper(
    factory: type[Factory], evaluation: StudyEvaluation
) -> None:
    assert next(build_claim_section([evaluation])) == "## The paper's claims"
    synthetic = evaluate_study(factory.finish(factory.study(dataset="synthetic", only=("proposed",))))
    assert list(build_claim_section([synthetic])) == []


def test_setup_lists_the_commands(evaluation: StudyEvaluation) -> None:
    result = replace(evaluation.result, commands=("harness compare --only proposed",))
    *_, settings = build_setup_section([evaluate_study(result)])
    assert isinstance(settings, str)
    assert settings.startswith("- Command: `harness compare --only proposed`\n- ")


def test_data_section_does_not_repeat_the_same_samples(evaluation: StudyEvaluation) -> None:
    assert len(list(build_data_section([evaluation], {}))) == len(
        list(build_data_section([evaluation, evaluation], {}))
    )


def test_data_section_without_a_run_says_so(factory: type[Factory]) -> None:
    pending = evaluate_study(factory.finish(factory.study(), lambda spec: None))
    assert list(build_data_section([pending], {})) == [
        "## Data",
        "No run has finished, so no samples are counted.",
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "No anomalies were found in the data."),
        (1, "Anomalies in the data: 1.\n\n- "),
        (MAX_ANOMALIES + 2, f"Only the first {MAX_ANOMALIES} are listed; 2 more are stored with the runs."),
    ],
)
def test_data_section_lists_a_limited_number_of_anomalies(
    factory: type[Factory], count: int, expected: str
) -> None:
    anomalies = tuple(
        Anomaly(code="gap", location=f"sub01/EP{n:02}", description="ends early", action="used")
        for n in range(count)
    )
    study = factory.study(only=("proposed",))
    evaluation = evaluate_study(factory.finish(study, lambda spec: factory.run(spec, anomalies=anomalies)))
    (text,) = [text for text in _list_texts(build_data_section([evaluation], {})) if "nomalies" in text]
    assert expected in text
    assert text.count("EP") == min(count, MAX_ANOMALIES)


def test_images_of_a_licensed_data_set_have_a_warning(
    factory: type[Factory], evaluation: StudyEvaluation
) -> None:
    license_text = "Faces from a licensed data set: check its license agreement before publishing them."
    blocks = list(build_data_section([evaluation], {f"{evaluation.study.name}/samples": "samples.png"}))
    (figure,) = [block for block in blocks if isinstance(block, ReportFigure)]
    assert figure.file == "samples.png"
    assert license_text in blocks
    synthetic = evaluate_study(factory.finish(factory.study(dataset="synthetic", only=("proposed",))))
    images = {f"{synthetic.study.name}/samples": "samples.png"}
    assert license_text not in build_data_section([synthetic], images)


def test_comparison_section_begins_with_the_classes_and_the_scores(
    evaluation: StudyEvaluation, tmp_path: Path
) -> None:
    section = build_comparison_section(evaluation, heading="Comparison", out=tmp_path)
    heading, class_table, inconsistencies, score_table = islice(section, 4)
    assert heading == "## Comparison"
    assert isinstance(class_table, Table)
    assert inconsistencies == Inconsistencies(items=("Table 5",))
    assert isinstance(score_table, Table)


def test_comparison_section_writes_its_figures(evaluation: StudyEvaluation, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    section = build_comparison_section(evaluation, heading="Comparison", out=tmp_path)
    figure = next(block for block in section if isinstance(block, ReportFigure))
    assert (tmp_path / figure.file).is_file()


@pytest.mark.parametrize("include_classes", [False, True])
def test_ablation_section_has_the_class_table_on_request(
    factory: type[Factory], tmp_path: Path, include_classes: bool
) -> None:
    ladder = evaluate_study(factory.finish(factory.study("ablation")))
    section = build_ablation_section(
        ladder, heading="Ablation", out=tmp_path, include_classes=include_classes
    )
    table = next(block for block in section if isinstance(block, Table))
    assert table.id.startswith("classes-" if include_classes else "ablation-")


def test_protocol_effect_needs_two_protocols(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    assert list(build_protocol_effect_section([evaluation])) == []
    both = evaluate_study(factory.finish(factory.study(only=("proposed",), protocols=("frame", "clip"))))
    assert next(build_protocol_effect_section([both])) == "## Effect of the split protocol"


def test_missing_items_name_their_reason_and_command(evaluation: StudyEvaluation) -> None:
    heading, text = build_missing_items_section([evaluation], {})
    assert heading == "## Paper results not covered"
    assert isinstance(text, str)
    lines = text.split("\n")
    assert all(line.startswith("- ") for line in lines)
    assert any("`harness ablate" in line for line in lines)


def test_inconsistency_section_leaves_the_reported_ones_out() -> None:
    assert list(build_inconsistency_section())[1:] == [
        Inconsistencies(items=tuple(PAPER_ITEMS), unreported_only=True)
    ]


def test_run_index_has_a_table_for_every_study(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    ladder = evaluate_study(factory.finish(factory.study("ablation")))
    heading, *tables = build_run_index_section([evaluation, ladder])
    assert heading == "## Run index"
    assert [len(table.rows) for table in tables] == [1, 5]
