import pytest
from markdown_it import MarkdownIt

from reports.markdown import escape, render_bullets, render_code, render_figure, render_table
from reports.table import Cell, ReportFigure, Table

NASTY = [
    "a|b",
    "<script>alert(1)</script>",
    "`code`",
    "two\nlines\r\nand\u2028three",
    "*bold* _slanted_ ~~gone~~",
    "[link](http://x.y)",
    "back\\slash|",
    "&lt; &amp;",
    "$x^2$",
    "sub01/EP02_01f",
    "![x](y)",
]


def _render_html(markdown: str) -> str:
    page: str = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    return page


def _text(html: str) -> str:
    for old, new in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        html = html.replace(old, new)
    return html


@pytest.mark.parametrize("text", NASTY)
def test_data_is_rendered_verbatim(text: str) -> None:
    html = _render_html(escape(text))

    assert html.startswith("<p>")
    assert _text(html.removeprefix("<p>").removesuffix("</p>\n")) == " ".join(text.split())


@pytest.mark.parametrize("text", NASTY)
def test_data_stays_in_its_cell(text: str) -> None:
    table = Table(id="t", title=text, header=("a", text), rows=((Cell(text=text), Cell(text="x")),))

    html = _render_html(render_table(table))

    assert html.count("<td") == 2
    assert html.count("<th") - html.count("<thead") == 2
    assert f"<td>{' '.join(text.split())}</td>" in _text(html)


@pytest.mark.parametrize("text", ["plain", "a `b` c", "``", "a\nb", "<b>|"])
def test_code_is_rendered_verbatim(text: str) -> None:
    assert _text(_render_html(render_code(text))) == f"<p><code>{' '.join(text.split())}</code></p>\n"


def test_table_is_padded_aligned_captioned_and_noted() -> None:
    table = Table(
        id="t",
        title="Scores",
        header=("Network", "F1"),
        rows=((Cell(text="vgg16"), Cell(text="9.50", value=9.5)), (Cell(text="x"), Cell(text="failed"))),
        notes=("One seed.",),
        paper_items=("Table 6",),
    )

    assert render_table(table, number=2).split("\n") == [
        "**Table 2. Scores**  ",
        "In the paper: Table 6.",
        "",
        "| Network |     F1 |",
        "| ------- | -----: |",
        "| vgg16   |   9.50 |",
        "| x       | failed |",
        "",
        "- One seed.",
    ]


def test_table_on_its_own_has_no_number() -> None:
    table = Table(id="t", title="Scores", header=("a",), rows=())

    assert render_table(table).startswith("**Scores**\n\n| a   |")


def test_figure_links_its_file_with_an_alt_text() -> None:
    figure = ReportFigure(
        id="f", title="Curves", file="figures/a b.png", alt_text="Loss of a]b", paper_items=("Figure 12",)
    )

    text = render_figure(figure, number=1)

    assert '<img src="figures/a%20b.png" alt="Loss of a]b" />' in _render_html(text)
    assert "**Figure 1. Curves**  \nIn the paper: Figure 12." in text


def test_bullets_are_single_lines() -> None:
    assert render_bullets(["one", "two\nthree"]) == "- one\n- two three"
    assert render_bullets([]) == ""
