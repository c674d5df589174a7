"""Tests of reports with hostile names, rendered as on GitHub: names add no markup, links or cells."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from architectures.catalogue import CATALOGUE
from datasets.leakage.audit import Finding
from datasets.spec import Anomaly
from reports.markdown import escape, render_bullets, render_code, render_figure, render_grid, render_table
from reports.plots.confusion_matrices import draw_confusion_matrices
from reports.table import Cell, ReportFigure, Table
from studies.results import StudyResult
from studies.spec import RunSpec
from tests.hostile import case_settings, hostile_names, temporary_folder
from tests.reports.conftest import Factory

pytestmark = pytest.mark.slow

PLAIN = {"p", "strong", "em", "code", "ul", "ol", "li", "br", "hr", "h1", "h2", "h3", "details", "summary"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
OWN = re.compile(r"figures/[A-Za-z0-9._-]+\.png")


class _Page(HTMLParser):
    """The elements, links and images of a page, its text, and the cells of each row."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.rows: list[int] = []
        self.text = ""
        reader = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(
            ["table", "strikethrough", "linkify"]
        )
        reader.linkify.set({"fuzzy_link": True, "fuzzy_email": True})  # type: ignore[union-attr]
        self.html = reader.render(markdown)
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.append("declaration")

    def handle_data(self, data: str) -> None:
        self.text += data


def visible_text(text: str) -> str:
    """Return the visible characters of a text, without white space."""
    seen = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    invisible = re.compile(
        "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    )
    seen = invisible.sub(lambda match: match[0].encode("unicode_escape").decode(), seen)
    return re.sub(r"\s+", "", seen)


def page_text(page: _Page) -> str:
    return re.sub(r"\s+", "", page.text)


@pytest.mark.parametrize("level", ["", "# ", "### ", "- "])
@case_settings(200)
@given(text=hostile_names())
def test_any_text_is_rendered_verbatim(level: str, text: str) -> None:
    page = _Page(level + escape(text))
    element = {"": ["p"], "# ": ["h1"], "### ": ["h3"], "- ": ["ul", "li"]}[level]
    assert [tag for tag in page.tags if tag != "code"] in (element, [] if not level else element)
    assert page.links == []
    assert page.text.replace("\ufffd", "").isprintable() or "\n" in page.text
    if text.isprintable() and "\\u" not in text:
        assert page_text(page) == visible_text(text)


@case_settings(200)
@given(text=hostile_names())
def test_command_with_any_text_stays_one_code_span(text: str) -> None:
    page = _Page("- x. " + render_code("harness " + text))
    assert page.tags == ["ul", "li", "code"]
    assert page.links == []


@case_settings(200)
@given(texts=st.lists(hostile_names(), min_size=1, max_size=4))
def test_list_has_one_item_per_text(texts: list[str]) -> None:
    page = _Page(render_bullets(texts))
    assert page.tags.count("li") == len(texts)
    assert set(page.tags) <= {"ul", "li", "code"}
    assert page.links == []


@case_settings(250)
@given(cells=st.lists(st.lists(hostile_names(), min_size=3, max_size=3), min_size=1, max_size=4))
def test_table_keeps_its_columns_and_rows(cells: list[list[str]]) -> None:
    header, *rows = cells
    page = _Page(render_grid(header, rows, right_aligned=(True, False, True)))
    assert page.rows == [3] * len(cells)
    assert set(page.tags) <= TABLE | {"code"}
    assert page.links == []


@case_settings(200)
@given(texts=st.tuples(hostile_names(), hostile_names(), hostile_names(), hostile_names()))
def test_captions_and_notes_are_rendered_verbatim(texts: tuple[str, str, str, str]) -> None:
    title, alt, note, cell = texts
    table = Table(
        id="t",
        title="T " + title,
        header=("a", cell),
        rows=((Cell(text=cell), Cell(text=note)),),
        notes=(note,),
    )
    figure = ReportFigure(id="f", title="F " + title, file="figures/a.png", alt_text=alt, notes=(note, cell))
    for text in (render_table(table, number=1), render_figure(figure, number=1)):
        page = _Page(text)
        assert set(page.tags) <= PLAIN | TABLE | {"img"}
        assert page.links in ([], ["figures/a.png"])
        assert page.rows in ([], [2, 2])
        assert page.tags.count("strong") == 1


def hostile_study(factory: type[Factory], draw: Any) -> StudyResult:
    """Return a study with hostile names in every text field; one run has failed and one is pending."""
    more = st.integers(0, 10**6)
    classes = tuple(f"{draw(hostile_names())}{draw(more)}" for _ in factory.classes)
    arms = tuple(
        replace(CATALOGUE[name], name=f"{name} {draw(hostile_names())}") for name in ("proposed", "vgg16")
    )
    study = factory.study(
        only=("proposed", "vgg16"),
        dataset=draw(st.sampled_from(("casme2", "folder"))),
        protocols=("frame", "subject"),
    )
    study = replace(study, arms=(*study.arms, *arms))
    anomalies = tuple(
        Anomaly(
            code=draw(hostile_names()),
            location=draw(hostile_names()),
            description=draw(hostile_names()),
            action=draw(hostile_names()),
        )
        for _ in range(3)
    )
    hostile_name = draw(hostile_names())

    def choose(spec: RunSpec) -> Any:
        if spec.architecture == arms[0]:
            return hostile_name if spec.protocol == "frame" else None
        run = factory.run(spec, classes=classes, anomalies=anomalies)
        finding = Finding(
            code=hostile_name,
            severity="error",
            share=0.5,
            count=2,
            examples=(hostile_name, hostile_name),
            message=hostile_name,
        )
        data = replace(run.data, warnings=(hostile_name,), notes=(hostile_name,), findings=(finding,))
        environment = replace(
            run.environment,
            device=hostile_name,
            platform=hostile_name,
            versions=((hostile_name, hostile_name),),
            commit=hostile_name,
        )
        predictions = tuple(
            replace(p, id=f"{hostile_name}{p.id}", subject=hostile_name, clip=f"{hostile_name}{p.clip}")
            for p in run.predictions
        )
        return replace(run, data=data, environment=environment, predictions=predictions)

    return factory.finish(study, choose)


@case_settings(3, shrink=False)
@given(data=st.data())
def test_report_has_only_its_own_markup(factory: type[Factory], data: Any) -> None:
    result = hostile_study(factory, data.draw)
    with temporary_folder() as root:
        text = factory.write_text([result], root)
        images = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
        assert sorted(path.name for path in root.parent.iterdir()) == ["root"]
    page = _Page(text)
    assert set(page.tags) <= PLAIN | TABLE | {"img"}
    links = [link for link in page.links if link is not None and OWN.fullmatch(link)]
    assert len(links) == len(page.links)
    assert sorted(links) == images
    assert page.tags.count("img") == len(page.links)
    for table in re.findall("<table>.*?</table>", page.html, flags=re.DOTALL):
        assert len(set(_rows(table))) == 1


def _rows(table: str) -> list[int]:
    return [row.count("<td") + row.count("<th>") + row.count("<th ") for row in table.split("<tr>")[1:]]


@case_settings(4, shrink=False)
@given(classes=st.lists(hostile_names(), min_size=6, max_size=6), arm=hostile_names())
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.filterwarnings("ignore:Matplotlib currently does not support")
def test_figure_accepts_any_names(factory: type[Factory], classes: list[str], arm: str) -> None:
    (spec,) = factory.study(only=("proposed",)).list_runs()
    spec = replace(spec, architecture=replace(spec.architecture, name=arm or "x"))
    with temporary_folder() as root:
        path = root / "a.png"
        draw_confusion_matrices((factory.run(spec, classes=tuple(classes)),), path)
        assert Path(path).read_bytes().startswith(b"\x89PNG")
