"""Render the blocks of a report as one page of HTML that loads nothing else.

Every text of the report is data and is shown literally. Each number links to its runs: to the row of a run in
the run index, or to the list of several runs. The page works without its script, which adds sorting, larger
figures, and lists of runs in place.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.blocks import Bullets, Heading, Paragraph
from reports.markdown import normalize_line
from reports.numbering import NoteList, Numbered, NumberedBlock, NumberedCollapsible
from reports.table import Cell, ReportFigure, Statement, Summary, Table

ASSETS = Path(__file__).with_name("page")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
MAX_CELL_LENGTH = 60
"""Number of characters above which the texts of a column are broken into lines."""


def render_page(
    title: str, blocks: Iterable[NumberedBlock], *, runs: Sequence[Mapping[str, Any]], folder: Path
) -> str:
    """Return the page of a report.

    Args:
        title: Title of the page.
        blocks: The numbered blocks of the report.
        runs: The finished runs of the report, as in report.json.
        folder: The folder of the report, which holds its figures.
    """
    writer = _PageWriter(folder=folder, run_names={run["key"]: _name_run(run) for run in runs})
    main = writer.render_blocks(blocks)
    run_sets = writer.render_run_sets()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{_escape(title)}</title>
<style>
{_read_asset("page.css")}</style>
</head>
<body>
<nav aria-label="Contents"><details open><summary>Contents</summary>
<ul>
{writer.render_contents()}
</ul></details></nav>
<main>
{main}
{run_sets}
</main>
<dialog aria-label="Details"><form method="dialog"><button>Close</button></form><div></div></dialog>
<script>
{_read_asset("page.js")}</script>
</body>
</html>
"""


def _read_asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _escape(text: str) -> str:
    return html.escape(normalize_line(text))


def _name_run(run: Mapping[str, Any]) -> str:
    fold = f" · fold {run['fold']} of {run['folds']}" if run["folds"] > 1 else ""
    split = f" · split {run['split_seed']}" if run["split_seed"] else ""
    return f"{run['network']} · {run['protocol']}{split} · seed {run['seed']}{fold}"


@dataclass(slots=True, kw_only=True)
class _PageWriter:
    """Renders blocks, and collects the headings and the sets of runs that they name."""

    folder: Path
    run_names: Mapping[str, str]
    headings: list[Heading] = field(default_factory=list)
    run_sets: dict[tuple[str, ...], int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    index_keys: set[str] = field(default_factory=set)

    def render_blocks(self, blocks: Iterable[NumberedBlock]) -> str:
        """Return blocks as HTML, one after the other."""
        blocks = tuple(blocks)
        self.notes |= {
            label: note for block in blocks if isinstance(block, NoteList) for label, note in block.notes
        }
        return "\n".join(map(self._render_block, blocks))

    def _render_block(self, block: NumberedBlock) -> str:
        match block:
            case Heading():
                return self._render_heading(block)
            case Paragraph():
                text = _escape(block.text)
                return f"<p><strong>{text}</strong></p>" if block.is_strong else f"<p>{text}</p>"
            case Bullets():
                intro = f"<p>{_escape(block.intro)}</p>\n" if block.intro else ""
                return f"{intro}{_render_list(map(self._render_item, block.items))}"
            case Summary():
                return self._render_summary(block)
            case NoteList():
                items = "\n".join(
                    f'<li id="{label}">{label}: {_escape(note)}</li>' for label, note in block.notes
                )
                return f"<ul>\n{items}\n</ul>"
            case NumberedCollapsible():
                return self._render_collapsible(block)
            case Numbered():
                return self._render_numbered(block)

    def _render_heading(self, heading: Heading) -> str:
        self.headings.append(heading)
        return f'<h{heading.level} id="part-{len(self.headings)}">{_escape(heading.text)}</h{heading.level}>'

    def _render_collapsible(self, collapsible: NumberedCollapsible) -> str:
        self.headings.append(Heading(text=collapsible.title, level=3))
        anchor = f"part-{len(self.headings)}"
        content = self.render_blocks(collapsible.blocks)
        title = _escape(collapsible.title)
        return f'<details id="{anchor}"><summary>{title}</summary>\n{content}\n</details>'

    def render_contents(self) -> str:
        """Return the links to the headings of level 2 and 3."""
        return "\n".join(
            f'<li{" class=sub" if heading.level > 2 else ""}><a href="#part-{number}">'
            f"{_escape(heading.text)}</a></li>"
            for number, heading in enumerate(self.headings, start=1)
            if heading.level > 1
        )

    def _render_summary(self, summary: Summary) -> str:
        progress = summary.progress
        progress_text = f"<p><strong>{self._render_item(progress)}</strong></p>\n" if progress else ""
        return progress_text + _render_list(map(self._render_item, summary.findings))

    def _render_item(self, item: Statement) -> str:
        code = f" <code>{_escape(item.code)}</code>" if item.code else ""
        return f"{_escape(item.text)}{code}{self._render_runs(item.run_keys)}"

    def _render_numbered(self, numbered: Numbered) -> str:
        block = numbered.block
        kind = "Table" if isinstance(block, Table) else "Figure"
        runs = self._render_runs(block.run_keys) if isinstance(block, ReportFigure) else ""
        paper = f"<small>In the paper: {_escape(', '.join(block.paper_items))}.</small>"
        caption = (
            f"<figcaption>{kind} {numbered.number}. {_escape(block.title)}{runs}"
            f"{paper if block.paper_items else ''}</figcaption>"
        )
        notes = [_escape(note) for note in block.notes]
        if numbered.labels:
            links = (
                f'<a href="#{label}" title="{_escape(self.notes.get(label, ""))}">{label}</a>'
                for label in numbered.labels
            )
            notes.append(f"Notes {', '.join(links)}.")
        note_list = (
            f'\n<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""
        )
        anchor = f"{kind.lower()}-{numbered.number}"
        if isinstance(block, Table):
            return f'<figure id="{anchor}">{caption}\n{self._render_grid(block)}{note_list}</figure>'
        width, image = "narrow" if block.is_narrow else "wide", self._render_image(block)
        return f'<figure id="{anchor}" class="picture {width}">{image}\n{caption}{note_list}</figure>'

    def _render_image(self, figure: ReportFigure) -> str:
        data = b64encode((self.folder / figure.file).read_bytes()).decode()
        alt = _escape(figure.alt_text)
        image = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        return f'<button type="button" title="Enlarge">{image}</button>'

    def _render_grid(self, table: Table) -> str:
        classes = [_select_column_class(table, column) for column in range(len(table.header))]
        header = "".join(
            f'<th scope="col"{classes[column]}><button type="button">{_escape(title)}</button></th>'
            for column, title in enumerate(table.header)
        )
        rows = []
        for index, row in enumerate(table.rows):
            cells = "".join(
                self._render_cell(cell, class_text=classes[column], has_link=not table.row_keys)
                for column, cell in enumerate(row)
            )
            rows.append(f"<tr{self._render_row_id(table, index)}>{cells}</tr>")
        body = "\n".join(rows)
        return (
            f'<div class="scroll"><table>\n<thead><tr>{header}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>"
        )

    def _render_row_id(self, table: Table, index: int) -> str:
        """Return the id of a run's row; a run of several studies has it in the first index only."""
        if not table.row_keys or table.row_keys[index] in self.index_keys:
            return ""
        self.index_keys.add(table.row_keys[index])
        return f' id="run-{_escape(table.row_keys[index])}"'

    def _render_cell(self, cell: Cell, *, class_text: str, has_link: bool) -> str:
        value = "" if cell.value is None else f' data-value="{cell.value:.12g}"'
        text = _escape(cell.text)
        if has_link and cell.run_keys:
            text = f'<a href="{self._link_runs(cell.run_keys)}">{text}</a>'
        return f"<td{class_text}{value}>{text}</td>"

    def _render_runs(self, run_keys: tuple[str, ...]) -> str:
        if not run_keys:
            return ""
        noun = "run" if len(run_keys) == 1 else "runs"
        return f' <a class="runs" href="{self._link_runs(run_keys)}">{len(run_keys)} {noun}</a>'

    def _link_runs(self, run_keys: tuple[str, ...]) -> str:
        """Return the address of a run, or of the set of several runs, which gets a number."""
        run_keys = tuple(dict.fromkeys(run_keys))
        if len(run_keys) == 1:
            return f"#run-{_escape(run_keys[0])}"
        return f"#set-{self.run_sets.setdefault(run_keys, len(self.run_sets) + 1)}"

    def render_run_sets(self) -> str:
        """Return a collapsible section with the runs of each set."""
        if not self.run_sets:
            return ""
        heading = self._render_heading(Heading(text="Runs behind the numbers"))
        items = "\n".join(
            f'<div id="set-{number}"><p>{len(run_keys)} runs, set {number}</p>'
            f"{_render_list(map(self._render_run_link, run_keys))}</div>"
            for run_keys, number in self.run_sets.items()
        )
        return (
            f"{heading}\n<details><summary>{len(self.run_sets)} sets of runs</summary>\n{items}\n</details>"
        )

    def _render_run_link(self, key: str) -> str:
        return f'<a href="#run-{_escape(key)}">{_escape(self.run_names.get(key, key))}</a>'


def _select_column_class(table: Table, column: int) -> str:
    if table.is_numeric(column):
        return ' class="num"'
    is_long = any(len(row[column].text) > MAX_CELL_LENGTH for row in table.rows)
    return ' class="text"' if is_long and not table.row_keys else ""


def _render_list(items: Iterable[str]) -> str:
    texts = "\n".join(f"<li>{item}</li>" for item in items)
    return f"<ul>\n{texts}\n</ul>" if texts else ""
