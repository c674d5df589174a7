import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.megc2019.constants import CLASSES, SETS
from reports.latex import write_latex
from reports.outcomes import evaluate_study
from reports.table import Table
from reports.tables.published_scores import HEADER, build_published_table
from studies.results import Prediction, RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory, blank_figures, write_text

Choose = Callable[[RunSpec], RunResult]


def _make_predictions(parts: Sequence[str], *, prefix: bool = True) -> tuple[Prediction, ...]:
    """Return a prediction for each official clip of the parts: right, but always negative for SAMM."""
    return tuple(
        Prediction(
            id=f"{subject}/c{label}-{index}/1",
            subject=subject,
            clip=f"{subject}/c{label}-{index}",
            truth=label,
            probabilities=tuple(float(c == (0 if part == "samm" else label)) for c in range(3)),
        )
        for part in parts
        for label, count in enumerate(SETS[part].clips_per_class)
        for index in range(count)
        for subject in [f"{part}/s{index % 9}" if prefix else f"s{index % 9}"]
    )


def _choose(factory: type[Factory], predictions: Sequence[Prediction]) -> Choose:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), classes=CLASSES)
        return replace(run, predictions=tuple(predictions))

    return choose


def _build(
    factory: type[Factory],
    predictions: Sequence[Prediction],
    *,
    dataset: str = "megc2019",
    protocols: tuple[str, ...] = ("loso",),
) -> Table:
    study = factory.study(dataset=dataset, only=("proposed",), protocols=protocols)
    table = build_published_table(evaluate_study(factory.finish(study, _choose(factory, predictions))))
    assert table
    return table


@pytest.fixture(scope="module")
def full_table(factory: type[Factory]) -> Table:
    return _build(factory, _make_predictions(list(SETS)))


def _select_rows(table: Table, method: str) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row[1:]) for row in table.rows if row[0].text == method]


def test_own_values_are_beside_the_published_ones_of_the_same_set_and_metric(full_table: Table) -> None:
    assert full_table.header == HEADER
    own = _select_rows(full_table, "proposed")

    # Of all sets SAMM's 41 clips that are not negative are wrong.
    uf1 = (500 / 541 + 166 / 192 + 136 / 151) / 3
    uar = (1 + 83 / 109 + 68 / 83) / 3
    samm_uf1 = 184 / 225 / 3
    rest = ("UF1", "this study", "validation")
    assert own[0] == ("loso", "Full", "442", "UF1", "–", f"{100 * uf1:.2f}", *rest)
    assert own[1][:6] == ("loso", "Full", "442", "UAR", "–", f"{100 * uar:.2f}")
    assert own[2][:6] == ("loso", "SMIC", "164", "UF1", "–", "100.00")
    assert own[6][:6] == ("loso", "SAMM", "133", "UF1", "–", f"{100 * samm_uf1:.2f}")
    keys = [row[5].text for row in full_table.rows if row[2].text == "SAMM"]
    assert (full_table.rows[-1][0].text, len(own), len(keys)) == ("proposed", 8, 6)


def test_published_value_has_what_is_known_about_it(full_table: Table) -> None:
    assert _select_rows(full_table, "STSTNet")[1] == (
        *("loso", "Full", "442", "UAR", "76.05", "71.86"),
        *("macro precision", "metric mislabelled", "fixed epochs"),
    )
    assert _select_rows(full_table, "HTNet")[0][4:] == (
        *("86.03", "–", "UF1", "selected on test", "best epoch on the test subject"),
    )
    assert _select_rows(full_table, "LBP-TOP")[2][1:6] == (*("SMIC", "164", "UF1", "20.00", "–"),)
    assert [row[2] for row in _select_rows(full_table, "CapsuleNet")] == ["435", "435"]


def test_notes_name_the_evidence_a_single_time_and_the_methods_without_a_value(full_table: Table) -> None:
    assert len(set(full_table.notes)) == len(full_table.notes)
    (evidence,) = (note for note in full_table.notes if note.startswith("STSTNet: "))
    assert evidence == (
        "STSTNet: christy1206/STSTNet at 1afb56e: STSTNet_logfile.txt; selection rule: "
        "christy1206/STSTNet at 205bd0b: main.m, lines 25-41; the printed UAR is the macro "
        "precision of the log."
    )
    assert any(note.startswith("OFF-ApexNet, Bi-WOOF: as quoted") for note in full_table.notes)
    assert any(
        note.startswith("MMNet: selected on test, no value listed; muse1998") for note in full_table.notes
    )


def test_values_over_the_official_clips_under_loso_may_be_compared(full_table: Table) -> None:
    assert full_table.notes[0].startswith(
        "The values of this study under loso may be compared with the computed values of STSTNet, STSTNet "
        "(Python port), which"
    )


def test_reasons_against_a_comparison_are_named(factory: type[Factory]) -> None:
    predictions = _make_predictions(list(SETS))
    table = _build(factory, predictions[1:], protocols=("loso", "clip"))

    assert table.notes[0] == (
        "The values of this study under loso may not be compared with the published ones: the clip lists "
        "differ (test clips: Full 441 instead of 442, SMIC 163 instead of 164)."
    )
    assert "the published protocol is loso (0.00 % of the test frames have their clip" in table.notes[1]
    assert {row[0] for row in _select_rows(table, "proposed")} == {"loso", "clip"}


def test_synthetic_faces_are_not_compared(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = _choose(factory, _make_predictions(list(SETS)))(spec)
        return replace(run, data=replace(run.data, synthetic=True))

    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("loso",))
    table = build_published_table(evaluate_study(factory.finish(study, choose)))
    assert table
    assert table.notes[0].endswith("may not be compared with the published ones: the faces are synthetic.")


def test_study_on_one_set_has_the_published_values_of_this_set(factory: type[Factory]) -> None:
    table = _build(factory, _make_predictions(["samm"], prefix=False), dataset="samm")

    assert {row[2].text for row in table.rows} == {"SAMM"}
    assert [row[0].text for row in table.rows] == [
        "LBP-TOP",
        "STSTNet",
        "proposed (collapsed)",
    ] * 2
    assert _select_rows(table, "proposed (collapsed)")[1][4:6] == ("–", "33.33")
    assert "trained on three data sets, those of this study on SAMM alone." in table.notes[0]
    assert not any("MMNet" in note for note in table.notes)


@pytest.mark.parametrize(
    ("dataset", "protocol", "classes"),
    [
        ("samm", "subject", CLASSES),
        ("samm", "loso", ("anger", "happiness", "surprise")),
        ("ckplus", "loso", CLASSES),
    ],
)
def test_other_data_classes_and_protocols_have_no_table(
    factory: type[Factory], dataset: str, protocol: str, classes: tuple[str, ...]
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), classes=classes)

    study = factory.study(dataset=dataset, only=("proposed",), protocols=(protocol,))
    assert build_published_table(evaluate_study(factory.finish(study, choose))) is None


def test_unfinished_study_has_its_status(factory: type[Factory]) -> None:
    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("loso",))
    table = build_published_table(evaluate_study(factory.finish(study, lambda _: None)))
    assert table
    assert _select_rows(table, "proposed")[0][4:] == ("–", "–", "UF1", "not run", "validation")
    assert table.notes[0].endswith("may not be compared with the published ones: no training has finished.")


def test_every_form_of_the_report_has_the_table(factory: type[Factory], tmp_path: Path) -> None:
    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("loso",))
    result = factory.finish(study, _choose(factory, _make_predictions(list(SETS))))

    text = write_text([result], tmp_path)
    with blank_figures():
        main = write_latex([result], tmp_path / "latex", images={})
    data = json.loads((tmp_path / "report.json").read_text())

    assert "### Published numbers\n" in text
    assert text.count("Selection rule: how the training epoch") == 1
    assert "<td>metric mislabelled</td>" in (tmp_path / "report.html").read_text()
    assert f"tables/published-{study.name}.tex" in main.read_text()
    (table,) = (table for table in data["tables"] if table["id"] == f"published-{study.name}")
    own = table["rows"][-1]
    assert own[0]["text"] == "proposed"
    assert own[6]["value"] == pytest.approx(100 / 3)
    assert own[6]["run_keys"] == [study.list_runs()[0].key]
