import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports.blocks import Collapsible, Heading, SharedNotesPlaceholder, flatten
from reports.document import PAGE_FILE, build_document, write_report
from reports.html import render_page
from reports.numbering import number_blocks
from reports.table import Cell, ReportFigure, Statement, Summary, Table
from studies.results import RunResult, StudyResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

HOSTILE = "<script>alert(1)</script> \"x\" 'y' &amp; \u202e"


class _Page(HTMLParser):
    """The tags, ids and addresses of a page, and the texts of the links to runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src"):
                self.addresses.append(str(value))


@pytest.fixture(scope="module")
def study_result(factory: type[Factory]) -> StudyResult:
    def choose(spec: RunSpec) -> RunResult:
        correct = [(7 * clip + 3 * spec.seed) % 10 < 6 for clip in range(40)]
        return factory.run_from_correctness(spec, correct, subjects=8)

    return factory.finish(factory.study(dataset="folder", protocols=("subject",), seeds=(0, 1)), choose)


@pytest.fixture(scope="module")
def page(study_result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    write_report([study_result], folder, images={})
    return (folder / PAGE_FILE).read_text(encoding="utf-8")


def test_the_page_is_one_file_without_network(page: str) -> None:
    addresses = _Page(page).addresses

    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "default-src 'none'" in page
    assert not re.search(r"https?:", re.sub(r"<td.*?</td>", "", page))


def test_every_link_leads_to_a_part_of_the_page(page: str) -> None:
    parsed = _Page(page)

    assert len(parsed.ids) == len(set(parsed.ids))
    assert {address[1:] for address in parsed.addresses if address.startswith("#")} <= set(parsed.ids)
    assert sum(name.startswith("run-") for name in parsed.ids) == 4


def test_every_cell_with_runs_is_a_link_to_them(page: str, study_result: StudyResult) -> None:
    blocks = flatten(build_document([study_result], images={}).blocks)
    tables = [block for block in blocks if isinstance(block, Table) and not block.row_keys]
    cells_with_runs = [cell for table in tables for row in table.rows for cell in row if cell.run_keys]

    links = re.findall(r'<td[^>]*><a href="#(?:run|set)-', page)
    assert len(links) == len(cells_with_runs) > 50
    assert 'href="#set-1"' in page


def test_what_is_not_asked_is_collapsible_and_the_paper_is_an_appendix(page: str) -> None:
    front, _, rest = page.partition("Appendix: the paper</h2>")

    assert "Question: on " in front
    assert "P2: " not in front
    assert "P2: " in rest
    assert rest.index("<details") < rest.index("P2: ")


def _render(tmp_path: Path, *blocks: Any) -> str:
    (tmp_path / "a.png").write_bytes(b"png")
    return render_page(HOSTILE, number_blocks(blocks), runs=(), folder=tmp_path)


def test_texts_of_the_data_are_shown_literally(tmp_path: Path) -> None:
    table = Table(
        id="t",
        title=HOSTILE,
        header=(HOSTILE,),
        rows=((Cell(text=HOSTILE, value=1.0, run_keys=(HOSTILE,)),),),
        notes=(HOSTILE,),
        paper_items=(HOSTILE,),
    )
    figure = ReportFigure(id="f", title=HOSTILE, file="a.png", alt_text=HOSTILE, notes=(HOSTILE,))
    summary = Summary(study_name="s", findings=(Statement(text=HOSTILE, code=HOSTILE),))
    blocks = (
        Heading(text=HOSTILE),
        Collapsible(title=HOSTILE, blocks=(table, figure, summary)),
        SharedNotesPlaceholder(),
    )

    text = _render(tmp_path, *blocks)

    tags = _Page(text).tags
    assert tags.count("script") == 1
    assert "\u202e" not in text
    assert text.count("&lt;script&gt;") >= 10


def test_cells_carry_their_values_for_sorting(tmp_path: Path) -> None:
    rows = ((Cell(text="9.50 ± 1", value=9.5),), (Cell(text="failed"),))

    text = _render(tmp_path, Table(id="t", title="t", header=("F1",), rows=rows))

    assert '<td class="num" data-value="9.5">9.50 ± 1</td>' in text
    assert '<td class="num">failed</td>' in text
