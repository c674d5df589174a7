"""Command-line options that several commands share, in groups.

A command that has a parameter of a group's type gets all options of that group.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.commands.choices import choice_option, parse_list
from harness.commands.data_options import DataOptions

if TYPE_CHECKING:
    from harness.planning.execution import ExecutionOptions
    from harness.planning.request import Request
    from harness.tracking.tracker import Tracker

Protocols = Annotated[
    list[str] | None,
    choice_option(
        "protocol",
        help="How to split: frame (the paper's), clip, subject, kfold, loso. Repeatable.",
    ),
]
UserNetworks = Annotated[
    list[str] | None,
    typer.Option(
        help="Your own network as FILE.py:function; the function takes the number of classes. Repeatable.",
    ),
]
AllowLeaks = Annotated[
    bool,
    typer.Option("--allow-leaks", help="Run even if a split has leaks that its protocol must exclude."),
]
Name = Annotated[
    str,
    typer.Option(
        "--name",
        help="Alias of the study, by which every command finds it: letters, digits, - and _. It changes no "
        "result and can be changed later.",
    ),
]
Searches = Annotated[str | None, typer.Option(help="Optuna storage URI. Default: ./optuna.db.")]
Device = Annotated[str, choice_option("device", help="auto (CUDA, MPS, CPU), cuda, mps or cpu.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow server or SQLite URI. Default: MLFLOW_TRACKING_URI, or ./mlflow.db."),
]
Out = Annotated[Path, typer.Option(help="Folder for reports.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def open_tracker(tracking_uri: str | None) -> Tracker:
    """Open the tracking store of `--tracking-uri`, or the default one.

    A login in its address becomes environment variables, from which MLflow and worker processes read it.
    """
    from harness.tracking.tracker import Tracker
    from harness.tracking.uri import extract_credentials, get_default_uri

    default_uri = extract_credentials(get_default_uri())
    if "MLFLOW_TRACKING_URI" in os.environ:
        os.environ["MLFLOW_TRACKING_URI"] = default_uri
    return Tracker(default_uri if tracking_uri is None else extract_credentials(tracking_uri))


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Options for the splits into training, validation and test."""

    protocol: Protocols = None
    folds: Annotated[int | None, typer.Option(help="Folds of kfold; default 10.")] = None
    splits: Annotated[
        int, typer.Option(help="Number of random splits into training, validation and test.")
    ] = 1

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols from the command line; the paper's protocol if there are none."""
        return parse_list(self.protocol) or ("frame",)


@dataclass(frozen=True, kw_only=True)
class SplitsAndSeeds(Splits):
    """Options of `Splits`, and the number of trainings on each split."""

    seeds: Annotated[
        int | None,
        typer.Option(
            help="Trainings on each split, each from its own seed; frame, clip, subject need 5 for a "
            "verdict. Default: 1, and 5 with --preset demo."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Options for the statistical comparison of two arms, which are fixed before the first run."""

    metric: Annotated[
        str, choice_option("--metric", help="Metric of the verdicts: accuracy, uf1 or uar.")
    ] = "accuracy"
    margin: Annotated[
        float, typer.Option(help="Smallest difference of the metric that matters, in points.")
    ] = 5.0
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            help="Add a null arm: the primary arm trained with other seeds, which shows the noise level.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Training:
    """Options for training; None uses the value of the preset."""

    preset: Annotated[
        str,
        choice_option(
            "preset",
            help="paper (224 px, 100 epochs, full width), quick (for a CPU), or demo (three networks, two "
            "protocols and five seeds, chosen so that effects show).",
        ),
    ] = "paper"
    epochs: Annotated[int | None, typer.Option(help="Maximum epochs. Default: the preset's.")] = None
    image_size: Annotated[int | None, typer.Option(help="Side in pixels. Default: the preset's.")] = None
    width: Annotated[float | None, typer.Option(help="Channel factor. Default: the preset's.")] = None
    batch: Annotated[int, typer.Option(help="Images per training step.")] = 32
    device: Device = "auto"
    engine: Annotated[
        str,
        choice_option(
            "--engine", help="Engine of the training steps: auto, eager, fused (CPUs) or compiled."
        ),
    ] = "auto"
    precision: Annotated[
        str,
        choice_option(
            "--precision",
            help="auto, float32, tf32-convolutions, tf32 or bfloat16. auto is the default of PyTorch: "
            "tf32-convolutions on a GPU that has TF32, else float32.",
        ),
    ] = "auto"
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="Use deterministic algorithms on a GPU, which are slower; a CPU always does.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Design:
    """Options for the arms of an ablation."""

    design: Annotated[
        str,
        choice_option(
            "design",
            help="ladder (the paper's), controlled, leave-one-out, add-one-in, factorial or placebo.",
        ),
    ] = "ladder"
    order: Annotated[
        list[str] | None,
        choice_option(
            "--order",
            help="Order in which the ladder adds components: cbam, residual, separable, prelu, batch-norm, "
            "gap-head. Repeatable, or separated by commas. Default: the paper's order.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Options for the arms of a comparison."""

    only: Annotated[
        list[str] | None,
        choice_option("architecture", help="Run only this architecture; see `harness cost`. Repeatable."),
    ] = None
    without: Annotated[
        list[str] | None, choice_option("architecture", help="Leave out this architecture. Repeatable.")
    ] = None
    pretrained: Annotated[
        bool,
        typer.Option("--pretrained", help="Start from torchvision weights that are on this machine."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Extras:
    """Options that add runs, records or tuned settings to a study."""

    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="Add negative controls; a score means something only if it beats them."
        ),
    ] = False
    checks: Annotated[
        bool,
        typer.Option(
            "--checks",
            help="Add robustness, latency and cross-entropy runs, which some of the paper's claims need.",
        ),
    ] = False
    published_practice: Annotated[
        bool,
        typer.Option(
            "--published-practice",
            help="Also report, marked as leaky, the scores with the epoch picked on each test subject, as "
            "papers often do, beside a guesser. The clean results stay the same.",
        ),
    ] = False
    tuned: Annotated[
        bool, typer.Option("--tuned", help="Train each run with the settings found by `harness tune`.")
    ] = False
    searches: Searches = None


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Options for running the cells of a study."""

    executor: Annotated[
        str, choice_option("--executor", help="local, or ray for a Ray cluster (needs the extra `ray`).")
    ] = "local"
    ray_address: Annotated[
        str | None, typer.Option(help="Address of the Ray cluster. Default: auto, this machine's cluster.")
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(help="Number of parallel cells. Default: chosen for the GPUs or the CPU cores."),
    ] = None
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run only the cells that failed before.")
    ] = False
    keep_weights: Annotated[
        str,
        choice_option(
            "--keep-weights",
            help="Weights to keep for `harness predict`: all, best (of each arm under each protocol) "
            "or none.",
        ),
    ] = "all"
    system_metrics: Annotated[
        bool,
        typer.Option(
            "--system-metrics",
            help="Log CPU, GPU, memory, disk and network to MLflow (needs the extra `system-metrics`).",
        ),
    ] = False

    def to_execution_options(self) -> ExecutionOptions:
        """Return these options as `ExecutionOptions`."""
        from harness.planning.execution import ExecutionOptions

        return ExecutionOptions(
            executor=self.executor,
            ray_address=self.ray_address,
            jobs=self.jobs,
            retry_failed=self.retry_failed,
            keep_weights=self.keep_weights,
            system_metrics=self.system_metrics,
        )


@dataclass(frozen=True, kw_only=True)
class Output(Execution):
    """Options of `Execution`, and those for the output of a study."""

    tracking_uri: TrackingUri = None
    out: Out = Path("results")
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show cells, estimated time and power; run nothing.")
    ] = False
    yes: Annotated[bool, typer.Option("--yes", help="Run more than 2,000 cells without asking.")] = False
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Planning:
    """Options that save or follow an analysis plan."""

    save_plan: Annotated[
        Path | None,
        typer.Option(help="Write pairs, metric, margin, seeds and protocols to this file; run nothing."),
    ] = None
    plan: Annotated[
        Path | None,
        typer.Option(help="Follow a saved plan. Verdicts are confirmatory if no cell was run before."),
    ] = None


def build_request(
    kind: Literal["ablation", "comparison"],
    data: DataOptions,
    *,
    splits: SplitsAndSeeds,
    training: Training,
    design: Design | None = None,
    networks: Networks | None = None,
    user_networks: list[str] | None = None,
    extras: Extras | None = None,
    comparison: Comparison | None = None,
    allow_leaks: bool = False,
    plan_path: Path | None = None,
) -> Request:
    """Build the `Request` of a study from command-line options."""
    from harness.planning.request import Request

    extras, networks = extras or Extras(), networks or Networks()
    return Request(
        kind=kind,
        data=data.to_data_request(),
        design=design.design if design else "",
        order=parse_list(design.order) if design else (),
        only=parse_list(networks.only),
        without=parse_list(networks.without),
        pretrained=networks.pretrained,
        user_networks=tuple(user_networks or ()),
        protocols=parse_list(splits.protocol),
        folds=splits.folds,
        splits=splits.splits,
        seeds=splits.seeds,
        allow_leaks=allow_leaks,
        plan_path=plan_path,
        **vars(training),
        **vars(extras),
        **vars(comparison or Comparison()),
    )
