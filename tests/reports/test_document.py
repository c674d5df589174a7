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
from tests.reports.conftest import Built, write_text

PNG = b"\x89PNG pretend"


def _report(built: type[Built], out: Path, *studies: Any) -> str:
    return write_text([built.finish(study) for study in studies], out)


@pytest.fixture(scope="module")
def joined(built: type[Built], tmp_path_factory: pytest.TempPathFactory) -> Any:
    studies = [built.study("ablation", protocols=("frame", "subject")), built.study()]
    pictures = {f"{study.name}/{name}": PNG for study in studies for name in ("samples", "augmentation")}
    out = tmp_path_factory.mktemp("joined")
    return out, write_text([built.finish(study) for study in studies], out, images=pictures)


def test_every_picture_that_is_linked_is_there(joined: Any) -> None:
    out, text = joined

    files = re.findall(r"!\[[^\]]*\]\(<([^>]+)>\)", text)

    assert len(files) == len(set(files)) == 2 + 9 + 13
    assert all((out / file).is_file() for file in files)
    assert sorted(p.name for p in out.iterdir()) == [
        "figures",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_studies_are_joined_in_the_order_of_the_paper(joined: Any) -> None:
    _, text = joined

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


def test_tables_and_figures_are_numbered_through(joined: Any) -> None:
    _, text = joined

    for kind in ("Table", "Figure"):
        numbers = [int(n) for n in re.findall(rf"^\*\*{kind} (\d+)\. ", text, flags=re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 5


def test_each_fault_is_told_once(joined: Any) -> None:
    _, text = joined

    for fault in INCONSISTENCIES:
        assert len(re.findall(rf"^- {fault.id}: ", text, flags=re.MULTILINE)) == 1


def test_every_table_with_an_accuracy_tells_the_leaks(joined: Any) -> None:
    _, text = joined
    lines = text.split("\n")
    heads = [
        line for line, rule in itertools.pairwise(lines) if line.startswith("|") and rule.startswith("| -")
    ]
    headers = [line for line in heads if "ccuracy" in line]

    assert len(headers) >= 4
    assert all("Clip overlap" in line and "Subject overlap" in line for line in headers)


def test_faces_from_licensed_sets_come_with_a_warning(joined: Any) -> None:
    _, text = joined

    assert text.count("check its license agreement before publishing") == 2


def test_the_same_studies_are_the_same_bytes(built: type[Built], tmp_path: Path) -> None:
    study = built.study(only=("proposed",))

    assert _report(built, tmp_path / "a", study) == _report(built, tmp_path / "b", study)


def test_a_report_is_replaced_whole(built: type[Built], tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("old")

    text = _report(built, tmp_path, built.study(only=("proposed",)))

    assert "old" not in text[:3]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "figures",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_nothing_finished_is_still_a_report(built: type[Built], tmp_path: Path) -> None:
    study = built.study("ablation")

    result = built.finish(study, lambda spec: "no memory" if spec.seed == 0 else None)
    text = write_text([result], tmp_path)

    assert "0 of 5 runs finished, 5 failed" in text
    assert "No run has finished, so no samples are counted." in text
    assert text.count("failed: no memory") >= 5


def test_what_the_data_say_cannot_break_the_page(built: type[Built], tmp_path: Path) -> None:
    classes = ("dis|gust", "<b>fear</b>", "`joy`", *built.classes[3:])
    odd = Anomaly(code="gap", location="a|b\nc", description="<img>", action="*kept*")

    result = built.finish(
        built.study(only=("proposed",), dataset="mine"),
        lambda spec: built.run(spec, classes=classes, anomalies=(odd,)),
    )
    text = write_text([result], tmp_path)

    assert r"| frame    | dis\|gust " in text
    assert r"\<b\>fear\</b\>" in text
    assert r"- gap: a\|b\\nc: \<img\>; \*kept\*" in text
    assert not re.search(r"(?<!\\)<(b|img)>", text)


def test_a_long_list_of_anomalies_is_counted_and_cut(built: type[Built], tmp_path: Path) -> None:
    odd = tuple(
        Anomaly(code="gap", location=f"clip {n}", description="short", action="kept") for n in range(13)
    )

    result = built.finish(built.study(only=("proposed",)), lambda spec: built.run(spec, anomalies=odd))
    text = write_text([result], tmp_path)

    assert "Anomalies in the data: 13." in text
    assert text.count("- gap: clip ") == 10
    assert "Only the first 10 are listed; 3 more are" in text


def test_the_same_data_are_told_once_and_other_data_twice(built: type[Built], tmp_path: Path) -> None:
    comparison, ablation = built.study(only=("proposed",)), built.study("ablation")
    other = replace(ablation, fingerprint="e" * 64)

    once = _report(built, tmp_path / "once", comparison, ablation)
    twice = _report(built, tmp_path / "twice", comparison, other)

    assert once.count("In the paper: Table 2.") == 1
    assert twice.count("In the paper: Table 2.") == 2


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with raises_code("report.no-study"):
        write_report([], tmp_path, images={})


def _drawn(built: type[Built], study: Study) -> StudyResult:
    def run(spec: RunSpec) -> RunResult:
        made = built.run(spec)
        return replace(made, data=replace(made.data, synthetic=True))

    return built.finish(study, run)


def test_drawn_faces_in_a_real_layout_are_told_before_anything_else(
    built: type[Built], tmp_path: Path
) -> None:
    study = built.study(only=("proposed",))

    text = write_text([_drawn(built, study)], tmp_path)

    stamp = (
        "**The faces of CASME II are synthetic, not from the real release: nothing in this report is about "
        "people.**"
    )
    assert text.split("\n\n")[1:3] == [stamp, "## Summary"]
    assert "are synthetic" not in _report(built, tmp_path, study)


def test_several_drawn_sets_are_named_once_each(built: type[Built], tmp_path: Path) -> None:
    studies = [
        _drawn(built, built.study(kind, dataset=name))
        for kind in ("comparison", "ablation")
        for name in ("ckplus", "synthetic")
    ]

    text = write_text(studies, tmp_path)

    assert "**The faces of CK+ and the synthetic set are synthetic, not from" in text


def test_beside_real_faces_the_drawn_studies_are_named(built: type[Built], tmp_path: Path) -> None:
    real, made = built.study(only=("proposed",)), built.study("ablation")

    text = write_text([built.finish(real), _drawn(built, made)], tmp_path)

    (stamp,) = [line for line in text.split("\n") if line.startswith("**The faces of")]
    assert f"CASME II in {made.name} are synthetic" in stamp.replace("\\", "")
    assert real.name not in stamp
    assert stamp.endswith("no result on them is about people.**")
