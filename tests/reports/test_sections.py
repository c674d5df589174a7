from collections.abc import Iterable
from dataclasses import replace

import pytest

from datasets.spec import Anomaly
from reports.blocks import Block, Bullets, Heading, Paragraph, flatten
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.sections import (
    MAX_ANOMALIES,
    build_data_section,
    build_protocol_effect_section,
    build_run_index_section,
    build_setup_section,
    build_summary_section,
)
from reports.table import ReportFigure, Statement, Summary, Table
from tests.reports.conftest import Factory


@pytest.fixture
def evaluation(factory: type[Factory]) -> StudyEvaluation:
    return evaluate_study(factory.finish(factory.study(only=("proposed",))))


def _list_paragraphs(blocks: Iterable[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def test_summary_answers_for_every_study(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    ladder = evaluate_study(factory.finish(factory.study("ablation")))
    heading, *blocks = build_summary_section([evaluation, ladder])
    assert heading == Heading(text="Summary")
    names = [block.study_name for block in blocks if isinstance(block, Summary)]
    assert names == [evaluation.study.name, ladder.study.name]


def test_setup_lists_the_commands(evaluation: StudyEvaluation) -> None:
    result = replace(evaluation.result, commands=("harness compare --only proposed",))
    *_, settings = build_setup_section([evaluate_study(result)])
    assert isinstance(settings, Bullets)
    assert settings.items[0] == Statement(text="Command:", code="harness compare --only proposed")
    assert len(settings.items) > 1


def test_data_section_does_not_repeat_the_same_samples(evaluation: StudyEvaluation) -> None:
    assert len(list(build_data_section([evaluation], {}))) == len(
        list(build_data_section([evaluation, evaluation], {}))
    )


def test_data_section_without_a_run_says_so(factory: type[Factory]) -> None:
    pending = evaluate_study(factory.finish(factory.study(), lambda spec: None))
    assert list(build_data_section([pending], {})) == [
        Heading(text="Data"),
        Paragraph(text="No run has finished, so no samples are counted."),
    ]


@pytest.mark.parametrize("count", [1, MAX_ANOMALIES + 2])
def test_data_section_lists_a_limited_number_of_anomalies(factory: type[Factory], count: int) -> None:
    anomalies = tuple(
        Anomaly(code="gap", location=f"sub01/EP{number:02}", description="ends early", action="used")
        for number in range(count)
    )
    study = factory.study(only=("proposed",))
    evaluation = evaluate_study(factory.finish(study, lambda spec: factory.run(spec, anomalies=anomalies)))
    blocks = list(build_data_section([evaluation], {}))
    (bullets,) = [block for block in blocks if isinstance(block, Bullets) and "nomalies" in block.intro]
    assert str(count) in bullets.intro
    assert len(bullets.items) == min(count, MAX_ANOMALIES)
    assert any(f"Only the first {MAX_ANOMALIES}" in text for text in _list_paragraphs(blocks)) == (
        count > MAX_ANOMALIES
    )


def test_data_section_says_that_there_is_no_anomaly(evaluation: StudyEvaluation) -> None:
    assert "No anomalies were found in the data." in _list_paragraphs(build_data_section([evaluation], {}))


def test_images_of_a_licensed_data_set_have_a_warning(
    factory: type[Factory], evaluation: StudyEvaluation
) -> None:
    blocks = list(build_data_section([evaluation], {f"{evaluation.study.name}/samples": "samples.png"}))
    (figure,) = [block for block in blocks if isinstance(block, ReportFigure)]
    assert figure.file == "samples.png"
    assert any("licensed data set" in text for text in _list_paragraphs(blocks))
    synthetic = evaluate_study(factory.finish(factory.study(dataset="synthetic", only=("proposed",))))
    images = {f"{synthetic.study.name}/samples": "samples.png"}
    texts = _list_paragraphs(build_data_section([synthetic], images))
    assert not any("licensed data set" in text for text in texts)


def test_protocol_effect_needs_two_protocols(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    assert list(build_protocol_effect_section([evaluation])) == []
    both = evaluate_study(factory.finish(factory.study(only=("proposed",), protocols=("frame", "clip"))))
    assert next(build_protocol_effect_section([both])) == Heading(text="Effect of the split protocol")


def test_run_index_has_a_table_for_every_study(factory: type[Factory], evaluation: StudyEvaluation) -> None:
    ladder = evaluate_study(factory.finish(factory.study("ablation")))
    blocks = flatten(build_run_index_section([evaluation, ladder]))
    assert [len(block.rows) for block in blocks if isinstance(block, Table)] == [1, 5]
