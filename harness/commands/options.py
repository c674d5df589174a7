"""The options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Dataset = Annotated[str, typer.Option(help="Data set by name; `harness data list` shows them.")]
Root = Annotated[Path | None, typer.Option(help="Folder that holds the data set's release.")]
Protocols = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol", help="How to split: frame (the paper's), clip, subject, kfold, loso. Repeatable."
    ),
]
Folds = Annotated[int | None, typer.Option(help="Folds of kfold; default 10.")]
Frames = Annotated[
    str | None,
    typer.Option(
        help="Frame policy; `harness data list` shows the set's. Default: the paper's under frame alone."
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--classes", help="A class to use instead of the set's usual ones. Repeatable."),
]
Layout = Annotated[str, typer.Option(help="Form of the release, where a root holds several.")]
Align = Annotated[str, typer.Option(help="auto (where the release is not aligned), haar or none.")]
Representation = Annotated[
    str, typer.Option(help="What a network sees: frame, apex_minus_onset or flow (onset to apex).")
]
Seeds = Annotated[int, typer.Option(help="Number of seeds; each varies split, initialisation and order.")]
Preset = Annotated[str, typer.Option(help="paper (224 px, 100 epochs, full width) or quick.")]
Epochs = Annotated[int | None, typer.Option(help="Most epochs, instead of the preset's.")]
ImageSize = Annotated[int | None, typer.Option(help="Side in pixels, instead of the preset's.")]
Width = Annotated[float | None, typer.Option(help="Channel factor, instead of the preset's.")]
Batch = Annotated[int, typer.Option(help="Images a training step.")]
Design = Annotated[
    str,
    typer.Option(help="ladder (the paper's), controlled, leave-one-out, add-one-in, factorial or placebo."),
]
Order = Annotated[
    list[str] | None,
    typer.Option(
        help="A part in the order in which a ladder adds them: cbam, residual, separable, prelu, batch-norm, "
        "gap-head. Repeatable, or with commas. Default: the paper's."
    ),
]
Only = Annotated[list[str] | None, typer.Option(help="Only this architecture of `harness cost`. Repeatable.")]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--architecture",
        help="A network of your own as FILE.py:function, which takes the number of classes. Repeatable.",
    ),
]
Tuned = Annotated[
    bool, typer.Option("--tuned", help="Train with the settings that `harness tune` found for each run.")
]
Searches = Annotated[str | None, typer.Option(help="Optuna storage of the searches. Default: ./optuna.db.")]
Controls = Annotated[
    bool, typer.Option("--controls", help="Negative controls too, which a score must beat to mean anything.")
]
Device = Annotated[str, typer.Option(help="auto (CUDA, MPS, CPU), cuda, mps or cpu.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow server or SQLite URI. Default: MLFLOW_TRACKING_URI, or ./mlflow.db."),
]
Out = Annotated[Path, typer.Option(help="Folder for reports.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show cells, time and power; run nothing.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def listed(names: list[str] | None) -> tuple[str, ...]:
    """A repeatable option's values, each of which may hold several with commas between."""
    return tuple(name.strip() for text in names or () for name in text.split(","))
