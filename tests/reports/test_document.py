import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasets.spec import Anomaly
from reports.document import write_report
from studies.paper.inconsistencies import INCONSISTENCIES
from studies.results import RunResult, StudyResult
from studies.spec import RunSpec
from studies.study import Study
from tests.error_codes import raises_code
from tests.reports.conftest import Factory

PNG = b"\x89PNG pretend"


def _report(factory: type[Factory], out: Path, *studies: Any) -> str:
    return factory.write_text([factory.finish(study) for study in studies], out)


@pytest.fixture(scope="module")
def joint_report(factory: type[Factory], tmp_path_factory: pytest.TempPathFactory) -> Any:
    studies = [factory.study("ablation", protocols=("frame", "subject")), factory.study()]
    images = {f"{study.name}/{name}": PNG for study in studies for name in ("samples", "augmentation")}
    out = tmp_path_factory.mktemp("joined")
    return out, factory.write_text([factory.finish(study) for study in studies], out, images=images)


def test_every_linked_image_exists(joint_report: Any) -> None:
    out, text = joint_report

    files = re.findall(r"!\[[^\]]*\]\(<([^>]+)>\)", text)

    assert len(files) == len(set(files)) == 2 + 9 + 13
    assert all((out / file).is_file() for file in files)
    assert sorted(p.name for p in out.iterdir()) == [
        "figures",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_studies_are_joined_in_the_order_of_the_paper(joint_report: Any) -> None:
    _, text = joint_report

    assert text.startswith("# Comparison and ablation on CASME II\n")
    assert [line for line in text.split("\n") if line.startswith("## ")] == [
        "## The paper's claims",
        "## Summary",
        "## Comparison on CASME II (preset paper)",
        "## Ablation on CASME II (preset paper, design ladder)",
        "## Effect of the split protocol",
        "## Notes on tables and figures",
        "## Setup",
        "## Data",
        "## Appendix: the paper",
        "## Run index",
    ]


def test_tables_and_figures_are_numbered_through(joint_report: Any) -> None:
    _, text = joint_report

    for kind in ("Table", "Figure"):
        numbers = [int(n) for n in re.findall(rf"^\*\*{kind} (\d+)\. ", text, flags=re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 5


def test_inconsistencies_are_listed_a_single_time(joint_report: Any) -> None:
    _, text = joint_report

    for fault in INCONSISTENCIES:
        assert len(re.findall(rf"^- {fault.id}: ", text, flags=re.MULTILINE)) == 1


def test_tables_with_an_accuracy_list_the_leaks(joint_report: Any) -> None:
    _, text = joint_report
    lines = text.split("\n")
    heads = [
        line for line, rule in itertools.pairwise(lines) if line.startswith("|") and rule.startswith("| -")
    ]
    headers = [line for line in heads if "ccuracy" in line]

    assert len(headers) >= 4
    assert all("Clip overlap" in line and "Subject overlap" in line for line in headers)


def test_faces_from_licensed_sets_come_with_a_warning(joint_report: Any) -> None:
    _, text = joint_report

    assert text.count("check its license agreement before publishing") == 2


def test_same_studies_are_the_same_bytes(factory: type[Factory], tmp_path: Path) -> None:
    study = factory.study(only=("proposed",))

    assert _report(factory, tmp_path / "a", study) == _report(factory, tmp_path / "b", study)


def test_report_is_replaced_completely(factory: type[Factory], tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("old")

    text = _report(factory, tmp_path, factory.study(only=("proposed",)))

    assert "old" not in text[:3]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "figures",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_unfinished_study_has_a_report(factory: type[Factory], tmp_path: Path) -> None:
    study = factory.study("ablation")

    result = factory.finish(study, lambda spec: "no memory" if spec.seed == 0 else None)
    text = factory.write_text([result], tmp_path)

    assert "0 of 5 runs finished, 5 failed" in text
    assert "No run has finished, so no samples are counted." in text
    assert text.count("failed: no memory") >= 5


def test_data_cannot_break_the_page(factory: type[Factory], tmp_path: Path) -> None:
    classes = ("dis|gust", "<b>fear</b>", "`joy`", *factory.classes[3:])
    anomaly = Anomaly(code="gap", location="a|b\nc", description="<img>", action="*kept*")

    result = factory.finish(
        factory.study(only=("proposed",), dataset="mine"),
        lambda spec: factory.run(spec, classes=classes, anomalies=(anomaly,)),
    )
    text = factory.write_text([result], tmp_path)

    assert r"| frame    | dis\|gust " in text
    assert r"\<b\>fear\</b\>" in text
    assert r"- gap: a\|b\\nc: \<img\>; \*kept\*" in text
    assert not re.search(r"(?<!\\)<(b|img)>", text)


def test_long_list_of_anomalies_is_truncated(factory: type[Factory], tmp_path: Path) -> None:
    anomalies = tuple(
        Anomaly(code="gap", location=f"clip {n}", description="short", action="kept") for n in range(13)
    )

    result = factory.finish(
        factory.study(only=("proposed",)), lambda spec: factory.run(spec, anomalies=anomalies)
    )
    text = factory.write_text([result], tmp_path)

    assert "Anomalies in the data: 13." in text
    assert text.count("- gap: clip ") == 10
    assert "Only the first 10 are listed; 3 more are" in text


@pytest.mark.slow
def test_shared_data_have_one_section(factory: type[Factory], tmp_path: Path) -> None:
    comparison, ablation = factory.study(only=("proposed",)), factory.study("ablation")
    other = replace(ablation, fingerprint="e" * 64)

    shared = _report(factory, tmp_path / "once", comparison, ablation)
    twice = _report(factory, tmp_path / "twice", comparison, other)

    assert shared.count("In the paper: Table 2.") == 1
    assert twice.count("In the paper: Table 2.") == 2


def test_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with raises_code("report.no-study"):
        write_report([], tmp_path, images={})


def _finish_synthetic(factory: type[Factory], study: Study) -> StudyResult:
    def run(spec: RunSpec) -> RunResult:
        result = factory.run(spec)
        return replace(result, data=replace(result.data, synthetic=True))

    return factory.finish(study, run)


def test_synthetic_faces_are_named_first(factory: type[Factory], tmp_path: Path) -> None:
    study = factory.study(only=("proposed",))

    text = factory.write_text([_finish_synthetic(factory, study)], tmp_path)

    stamp = (
        "**The faces of CASME II are synthetic, not from the real release: nothing in this report is about "
        "people.**"
    )
    assert text.split("\n\n")[1:3] == [stamp, "## Summary"]
    assert "are synthetic" not in _report(factory, tmp_path, study)


@pytest.mark.slow
def test_synthetic_datasets_share_one_warning(factory: type[Factory], tmp_path: Path) -> None:
    studies = [
        _finish_synthetic(factory, factory.study(kind, dataset=name))
        for kind in ("comparison", "ablation")
        for name in ("ckplus", "synthetic")
    ]

    text = factory.write_text(studies, tmp_path)

    assert "**The faces of CK+ and the synthetic set are synthetic, not from" in text


def test_synthetic_studies_are_named_next_to_real_ones(factory: type[Factory], tmp_path: Path) -> None:
    real, synthetic = factory.study(only=("proposed",)), factory.study("ablation")

    text = factory.write_text([factory.finish(real), _finish_synthetic(factory, synthetic)], tmp_path)

    (stamp,) = [line for line in text.split("\n") if line.startswith("**The faces of")]
    assert f"CASME II in {synthetic.name} are synthetic" in stamp.replace("\\", "")
    assert real.name not in stamp
    assert stamp.endswith("no result on them is about people.**")
