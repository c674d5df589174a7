r"""Write the tables and figures of a report for LaTeX: booktabs tables, and figures as PDF.

Each table and figure is a file of its own, which a paper can \input. main.tex holds all of them and compiles
with the packages booktabs and graphicx.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reports.blocks import flatten
from reports.document import ReportDocument, build_document, save_images
from reports.markdown import normalize_line
from reports.plots.study_figures import FIGURE_FOLDER
from reports.table import ReportFigure, Table
from studies.results import StudyResult

TABLE_FOLDER, MAIN_FILE = "tables", "main.tex"
MAX_NARROW_COLUMNS = 5
"""Maximum columns of a table that stands in one column of a paper."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{NO-BREAK SPACE}": "~",
    "±": r"\ensuremath{\pm}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "→": r"\ensuremath{\to}",
    "Δ": r"\ensuremath{\Delta}",
    "γ": r"\ensuremath{\gamma}",
    "α": r"\ensuremath{\alpha}",
    "°": r"\textdegree{}",
    "–": "--",
}
_PREAMBLE = r"""\documentclass[twocolumn]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\extrafloats{200}
\begin{document}
"""


def escape_latex(text: str) -> str:
    """Return `text` on one line as LaTeX shows it literally."""
    line = "".join(_SPECIAL.get(character, character) for character in normalize_line(text))
    # A bracket after \\ or at the start of a row would be an option.
    return line.replace("[", "{[}").replace("]", "{]}")


def write_latex(results: Iterable[StudyResult], out: Path, *, images: Mapping[str, bytes]) -> Path:
    """Write main.tex, a file for each table, and each figure as PDF to the folder `out`; return main.tex.

    The run index is left out. Figures of images, such as samples, are PNG files. `images` is as in
    `reports.document.write_report`.

    Raises:
        StudyError: `results` is empty.
        OSError: `out` cannot be written.
    """
    document = build_document(results, images=images)
    (out / TABLE_FOLDER).mkdir(parents=True, exist_ok=True)
    save_images(document, images, out=out)
    lines = list(_write_blocks(document, out))
    (out / MAIN_FILE).write_text("\n".join((_PREAMBLE, *lines, r"\end{document}", "")), encoding="utf-8")
    return out / MAIN_FILE


def _write_blocks(document: ReportDocument, out: Path) -> Iterator[str]:
    r"""Write each table and figure, and yield the \input line of each."""
    for block in flatten(document.blocks):
        if isinstance(block, Table) and not block.row_keys:
            content, name = render_latex_table(block), f"{TABLE_FOLDER}/{_make_label(block.id)}.tex"
        elif isinstance(block, ReportFigure):
            file = block.file
            if block.draw:
                file = str(Path(file).with_suffix(".pdf"))
                block.draw(out / file)
            content, name = render_latex_figure(block, file), f"{FIGURE_FOLDER}/{_make_label(block.id)}.tex"
        else:
            continue
        (out / name).write_text(content, encoding="utf-8")
        yield f"\\input{{{name}}}"


def _make_label(block_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", block_id)


def render_latex_table(table: Table) -> str:
    """Return a booktabs table with its caption, label and notes; a wide table spans both columns."""
    columns = range(len(table.header))
    alignment = "".join("r" if table.is_numeric(column) else "l" for column in columns)
    rows = "\n".join(_render_row([cell.text for cell in row]) for row in table.rows)
    environment = "table" if len(table.header) <= MAX_NARROW_COLUMNS else "table*"
    width = r"\linewidth" if environment == "table" else r"\textwidth"
    grid = "\n".join(
        (
            f"\\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            _render_row(table.header),
            r"\midrule",
            rows,
            r"\bottomrule",
            r"\end{tabular}",
        )
    )
    return f"""\\begin{{{environment}}}
\\centering\\footnotesize
\\caption{{{escape_latex(table.title)}}}
\\label{{tab:{_make_label(table.id)}}}
{_fit(grid, width=width)}
{_render_notes(table.notes)}\\end{{{environment}}}
"""


def _fit(grid: str, *, width: str) -> str:
    """Return the grid, made smaller if it is wider than `width` or higher than most of a page."""
    box = f"\\resizebox{{\\ifdim\\width>{width}{width}\\else\\width\\fi}}{{!}}{{%\n{grid}}}"
    height = r"\ifdim\totalheight>0.7\textheight 0.7\textheight\else\totalheight\fi"
    return f"\\resizebox*{{!}}{{{height}}}{{%\n{box}}}"


def _render_row(texts: Sequence[str]) -> str:
    return " & ".join(map(escape_latex, texts)) + r" \\"


def _render_notes(notes: Sequence[str]) -> str:
    text = " ".join(map(escape_latex, notes))
    return f"\\par\\smallskip\\raggedright\\scriptsize {text}\n" if text else ""


def render_latex_figure(figure: ReportFigure, file: str) -> str:
    """Return a figure with its caption, label and notes; a figure that is not narrow spans both columns."""
    environment = "figure" if figure.is_narrow else "figure*"
    options = "width=\\linewidth,height=0.8\\textheight,keepaspectratio"
    return f"""\\begin{{{environment}}}
\\centering
\\includegraphics[{options}]{{{file}}}
\\caption{{{escape_latex(figure.title)}}}
\\label{{fig:{_make_label(figure.id)}}}
{_render_notes(figure.notes)}\\end{{{environment}}}
"""
