"""`harness predict`: a finished run's network on an image, a folder of images or a film."""

from __future__ import annotations

import csv
import json as json_module
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands import options
from harness.errors import UserError, user_input

if TYPE_CHECKING:
    from harness.footage import Source
    from harness.predicting import Predictor, Row, Trained

SHOWN, WARNED = 10, 5


def predict(
    run: Annotated[str, typer.Argument(help="A finished run's id or key, or how one begins.")],
    source: Annotated[Path, typer.Argument(help="An image, a folder of images, or a film.")],
    align: Annotated[
        str,
        typer.Option(
            help="haar: cut to the face, or take the picture whole where none is found; none: always whole; "
            "auto: haar, but whole where a face fills the picture of a run on faces that came cut out."
        ),
    ] = "auto",
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    out: Annotated[
        Path, typer.Option(help="Folder in which each call makes one for its answers and annotated copies.")
    ] = Path("predictions"),
    json: options.Json = False,
) -> None:
    """Find faces, classify them, write CSV, JSON and an annotated copy, and say how fast that was."""
    from harness.output import discard, fresh_folder

    with user_input():
        from harness.footage import source as found_at
        from harness.predicting import Predictor

        footage = found_at(source, out=out)
        trained = _trained(run, tracking_uri, device=device)
        _check_onset(trained, footage)
        predictor = Predictor(trained, align=align, film=footage.kind == "film")
        document: dict[str, Any] = {
            **_facts(trained),
            "source": str(source),
            "align": align,
            "complete": False,
            "files": [],
        }
        made = fresh_folder(out, f"{footage.name}-{trained.run_id[:8]}")
    folder = made[0]
    rows: list[Row] = []
    try:
        document["files"] = _carry_out(predictor, footage, trained.classes, out=folder, rows=rows)
        document["complete"] = True
    except KeyboardInterrupt:
        done = f"the {len(rows)} frames that were done are kept in {folder}"
        print(f"\nstopped; {done if _answered(rows) else 'nothing was answered yet'}", file=sys.stderr)
        raise
    finally:
        document |= _results(rows, footage, trained.classes, complete=document["complete"])
        text = json_module.dumps(document, indent=1)
        if _answered(rows):
            (folder / "predictions.json").write_text(text + "\n")
        else:
            discard(made)
    _warn(document["warnings"], listed=bool(_answered(rows)))
    if not _answered(rows):
        raise UserError(f"no image in {source} can be read: {rows[0].note if rows else 'it has no frame'}")
    print(text if json else _in_words(document, folder))


def _trained(run: str, tracking_uri: str | None, *, device: str) -> Trained:
    from harness.device import resolve
    from harness.predicting import trained
    from harness.tracking.ledger import Ledger

    ledger = Ledger(tracking_uri)
    ledger.check_reading()
    return trained(ledger, run, device=resolve(device))


def _check_onset(trained: Trained, footage: Source) -> None:
    """Where the run compares with an onset there must be one, and the user must know which it is."""
    representation = trained.spec.dataset.representation
    if representation == "frame":
        return
    if footage.kind == "image":
        raise ValueError(
            f"the run was trained on {representation}, which needs the onset beside the frame, and one image "
            "has none; name a film, or a folder whose first image is the onset"
        )
    print(f"{representation}: the first frame that can be read is taken as the onset", file=sys.stderr)


def _carry_out(
    predictor: Predictor, footage: Source, classes: tuple[str, ...], *, out: Path, rows: list[Row]
) -> list[str]:
    """Answer every frame, adding to `rows`, the CSV and the annotated copy; returns the files written."""
    from harness.data.preparing import bar
    from harness.footage import Copies, shots
    from harness.predicting import flat

    copies = Copies(footage, out)
    table = out / "predictions.csv"
    # By lines, so that a run that is killed leaves what it had done.
    with table.open("w", newline="", buffering=1, encoding="utf-8") as file, bar("frames") as progress:
        writer = csv.writer(file, lineterminator="\n")
        try:
            for shot in shots(footage):
                row = predictor.row(shot)
                cells = flat(row, classes)
                if not rows:
                    writer.writerow(map(_plain, cells))
                rows.append(row)
                writer.writerow(map(_plain, cells.values()))
                if row.box:
                    name = cells["answer"] if cells["answer"].isascii() else f"class {row.answer}"
                    copies.add(shot, row.box, f"{name} {100 * cells['confidence']:.0f} %")
                progress(len(rows), max(len(rows), footage.frames))
        finally:
            copies.close()
    return [str(path) for path in (table, out / "predictions.json", *copies.files)]


def _plain(value: object) -> object:
    """A cell that a spreadsheet shows and does not reckon: a name that begins like a formula is quoted."""
    from datasets.text import shown
    from harness.quoting import quoted

    if not isinstance(value, str):
        return value
    return quoted(shown(value, longest=max(1, len(value))))


def _facts(trained: Trained) -> dict[str, Any]:
    from harness.device import in_words
    from harness.labels import run_name

    return {
        "run": trained.run_id,
        "key": trained.spec.key,
        "name": run_name(trained.spec),
        "dataset": trained.spec.dataset.name,
        "drawn": trained.drawn,
        "representation": trained.spec.dataset.representation,
        "classes": list(trained.classes),
        "device": in_words(trained.device),
    }


def _answered(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.probabilities]


def _results(rows: list[Row], footage: Source, classes: tuple[str, ...], *, complete: bool) -> dict[str, Any]:
    from datasets.text import shown
    from harness.predicting import flat, speed

    answered = _answered(rows)
    warnings = [
        *footage.warnings,
        *(f"{shown(r.file)}, frame {r.frame}: {r.note}" for r in rows if not r.box),
    ]
    if complete and len(rows) < footage.frames:
        warnings.append(f"the film announces {footage.frames} frames; {len(rows)} could be read")
    return {
        "warnings": warnings,
        "answers": dict(Counter(classes[row.answer] for row in answered).most_common()),
        "faces": dict(Counter(row.face or "not searched for" for row in answered)),
        "speed": speed(answered) if answered else None,
        "rows": [flat(row, classes) for row in rows],
    }


def _warn(warnings: list[str], *, listed: bool) -> None:
    for text in warnings[:WARNED]:
        print(f"warning: {text}", file=sys.stderr)
    if len(warnings) > WARNED:
        where = "; predictions.json lists them" if listed else ""
        print(f"and {len(warnings) - WARNED} more{where}", file=sys.stderr)


def _in_words(document: dict[str, Any], out: Path) -> str:
    """The first rows, and a summary."""
    from datasets.text import shown

    def line(*cells: str) -> str:
        return "  ".join((cells[0].ljust(28), cells[1].rjust(6), cells[2].rjust(9), *cells[3:]))

    lines = [line("file", "frame", "time", "face    answer")]
    for row in document["rows"][:SHOWN]:
        time = "" if row["time_s"] is None else f"{row['time_s']:.3f} s"
        answer = f"{shown(row['answer'])} {100 * row['confidence']:.1f} %" if row["answer"] else row["note"]
        words = f"{row['face'] or '-':7} {answer}"
        lines.append(line(shown(row["file"], longest=28), str(row["frame"]), time, words))
    if len(document["rows"]) > SHOWN:
        lines.append(f"and {len(document['rows']) - SHOWN} more in {out / 'predictions.csv'}")
    drawn = ", faces drawn by harness" if document["drawn"] else ""
    speed = document["speed"]
    parts = (
        f"{name} {' / '.join(f'{value:.1f}' for value in times.values())}"
        for name, times in speed["milliseconds"].items()
    )
    copies = [Path(name).relative_to(out) for name in document["files"][2:]]
    several = f"{copies[0].parent} ({len(copies)} pictures)" if len(copies) > 1 else ""
    copied = several or (
        str(copies[0]) if copies else "no annotated film, for which OpenCV has no codec here"
    )
    return "\n".join(
        (
            *lines,
            f"run      {document['run']}  {document['name']} ({document['dataset']}{drawn})",
            f"answers  {', '.join(f'{shown(k)} {v}' for k, v in document['answers'].items())}",
            f"faces    {', '.join(f'{k} {v}' for k, v in document['faces'].items())}",
            f"speed    {speed['frames_per_second']:.1f} frames a second end to end on {document['device']}, "
            "one at a time",
            f"ms       p50 / p95 / p99 a frame: {', '.join(parts)}",
            f"written  {out}: predictions.csv, predictions.json, {copied}",
        )
    )
