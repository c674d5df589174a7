from pathlib import Path

import pytest

from reports.latex import escape_latex, render_latex_table, write_latex
from reports.table import Cell, Table
from tests.reports.conftest import Factory


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50 % & a_b #1 $x$ {y}", r"50 \% \& a\_b \#1 \$x\$ \{y\}"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("+1 [0 to 2]", "+1 {[}0 to 2{]}"),
        ("9 ± 1 −2", r"9 \ensuremath{\pm} 1 \ensuremath{-}2"),
        ("two\nlines", "two lines"),
    ],
)
def test_texts_are_shown_literally(text: str, latex: str) -> None:
    assert escape_latex(text) == latex


def test_a_table_has_booktabs_rules_and_aligned_columns() -> None:
    rows = ((Cell(text="vgg16"), Cell(text="9.50", value=9.5)),)

    lines = render_latex_table(Table(id="t 1", title="Scores", header=("Network", "F1"), rows=rows)).split(
        "\n"
    )

    assert lines[0] == r"\begin{table}"
    assert r"\label{tab:t-1}" in lines
    start = lines.index(r"\begin{tabular}{lr}")
    assert lines[start + 1 : start + 6] == [
        r"\toprule",
        r"Network & F1 \\",
        r"\midrule",
        r"vgg16 & 9.50 \\",
        r"\bottomrule",
    ]


def test_every_input_of_the_main_file_and_every_figure_is_there(
    factory: type[Factory], tmp_path: Path
) -> None:
    study = factory.study(dataset="folder", only=("vgg16", "proposed"))
    images = {f"{study.name}/samples": b"\x89PNG"}

    main = write_latex([factory.finish(study)], tmp_path, images=images)

    text = main.read_text(encoding="utf-8")
    inputs = [
        line.removeprefix(r"\input{").removesuffix("}") for line in text.split("\n") if "\\input{" in line
    ]
    assert len(inputs) > 10
    contents = "".join((tmp_path / name).read_text(encoding="utf-8") for name in inputs)
    files = [part.split("}")[0] for part in contents.split("keepaspectratio]{")[1:]]
    assert all((tmp_path / file).is_file() for file in files)
    assert {Path(file).suffix for file in files} == {".pdf", ".png"}
    assert "runs-" not in text
