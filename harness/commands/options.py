"""The options that several commands share, each written once, in groups that a command takes whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

if TYPE_CHECKING:
    from harness.data.reading import DataRequest
    from harness.plan import Request
    from harness.running.executors import ExecutionOptions

Protocols = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol", help="How to split: frame (the paper's), clip, subject, kfold, loso. Repeatable."
    ),
]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--architecture",
        help="A network of your own as FILE.py:function, which takes the number of classes. Repeatable.",
    ),
]
AllowLeaks = Annotated[
    bool,
    typer.Option("--allow-leaks", help="Run also where a split leaks what its protocol promises to exclude."),
]
Searches = Annotated[str | None, typer.Option(help="Optuna storage of the searches. Default: ./optuna.db.")]
Device = Annotated[str, typer.Option(help="auto (CUDA, MPS, CPU), cuda, mps or cpu.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(help="MLflow server or SQLite URI. Default: MLFLOW_TRACKING_URI, or ./mlflow.db."),
]
Out = Annotated[Path, typer.Option(help="Folder for reports.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Which data set and which of its frames."""

    dataset: Annotated[str, typer.Option(help="Data set by name; `harness data list` shows them.")] = (
        "synthetic"
    )
    root: Annotated[Path | None, typer.Option(help="Folder that holds the data set's release.")] = None
    frames: Annotated[
        str | None,
        typer.Option(
            help="Frame policy; `harness data list` shows the set's. Default: the paper's under frame alone."
        ),
    ] = None
    classes: Annotated[
        list[str] | None,
        typer.Option("--classes", help="A class to use instead of the set's usual ones. Repeatable."),
    ] = None
    layout: Annotated[str, typer.Option(help="Form of the release, where a root holds several.")] = ""

    def to_data_request(self) -> DataRequest:
        """The data as asked for."""
        from harness.data.reading import DataRequest

        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return DataRequest(**{**values, "classes": parse_list(self.classes)})


@dataclass(frozen=True, kw_only=True)
class Data(Dataset):
    """The same, and how the frames reach a network."""

    align: Annotated[str, typer.Option(help="auto (where the release is not aligned), haar or none.")] = (
        "auto"
    )
    representation: Annotated[
        str, typer.Option(help="What a network sees: frame, apex_minus_onset or flow (onset to apex).")
    ] = "frame"


@dataclass(frozen=True, kw_only=True)
class Division:
    """How the data are divided, and how often."""

    protocol: Protocols = None
    folds: Annotated[int | None, typer.Option(help="Folds of kfold; default 10.")] = None
    splits: Annotated[int, typer.Option(help="Number of divisions into training, validation and test.")] = 1

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that were named, or the paper's."""
        return parse_list(self.protocol) or ("frame",)


@dataclass(frozen=True, kw_only=True)
class Splits(Division):
    """How the data are divided, and how often a network is trained on each division."""

    seeds: Annotated[
        int,
        typer.Option(
            help="Trainings on each division, from other weights. Verdicts under frame, clip, subject need 5."
        ),
    ] = 1


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What decides between two arms, and what is fixed before the first run."""

    metric: Annotated[str, typer.Option(help="The metric that decides: accuracy, uf1 or uar.")] = "accuracy"
    margin: Annotated[
        float, typer.Option(help="Smallest difference of the metric that matters, in points.")
    ] = 5.0
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            help="Add the primary arm again, trained with other seeds: what 'no difference' looks like here.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Training:
    """The size of a study: None leaves a value to the preset."""

    preset: Annotated[str, typer.Option(help="paper (224 px, 100 epochs, full width) or quick.")] = "paper"
    epochs: Annotated[int | None, typer.Option(help="Most epochs, instead of the preset's.")] = None
    image_size: Annotated[int | None, typer.Option(help="Side in pixels, instead of the preset's.")] = None
    width: Annotated[float | None, typer.Option(help="Channel factor, instead of the preset's.")] = None
    batch: Annotated[int, typer.Option(help="Images a training step.")] = 32
    device: Device = "auto"
    engine: Annotated[
        str, typer.Option(help="How a step is computed: auto, eager, fused (CPUs) or compiled.")
    ] = "auto"
    precision: Annotated[str, typer.Option(help="auto (float32), float32 or bfloat16.")] = "auto"
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="Deterministic algorithms on a GPU, slower; a CPU's are so anyway."
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Design:
    """The arms of an ablation."""

    design: Annotated[
        str,
        typer.Option(
            help="ladder (the paper's), controlled, leave-one-out, add-one-in, factorial or placebo."
        ),
    ] = "ladder"
    order: Annotated[
        list[str] | None,
        typer.Option(
            help="A part in the order in which a ladder adds them: cbam, residual, separable, prelu, "
            "batch-norm, gap-head. Repeatable, or with commas. Default: the paper's."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The arms of a comparison."""

    only: Annotated[
        list[str] | None, typer.Option(help="Only this architecture of `harness cost`. Repeatable.")
    ] = None
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Start from torchvision weights on this machine.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is run and used beside the arms."""

    controls: Annotated[
        bool,
        typer.Option("--controls", help="Negative controls too, which a score must beat to mean anything."),
    ] = False
    checks: Annotated[
        bool,
        typer.Option(
            "--checks", help="Robustness, latency, and focal loss against cross-entropy too, as claims need."
        ),
    ] = False
    tuned: Annotated[
        bool, typer.Option("--tuned", help="Train with the settings that `harness tune` found for each run.")
    ] = False
    searches: Searches = None


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What runs a study's cells."""

    executor: Annotated[str, typer.Option(help="local, or ray: a cluster, which needs the extra `ray`.")] = (
        "local"
    )
    ray_address: Annotated[
        str | None, typer.Option(help="Address of the Ray cluster. Default: auto, the one of this machine.")
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(help="Cells at once. Default: as many as use the GPUs or the cores best."),
    ] = None
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run just the cells of the study that failed before.")
    ] = False

    keep_weights: Annotated[
        str,
        typer.Option(
            help="Weights to keep: all, best (of each arm under each protocol) or none. predict needs them."
        ),
    ] = "all"

    def to_execution_options(self) -> ExecutionOptions:
        """How the study is run."""
        from harness.running.executors import ExecutionOptions

        return ExecutionOptions(
            executor=self.executor,
            ray_address=self.ray_address,
            jobs=self.jobs,
            retry_failed=self.retry_failed,
            keep_weights=self.keep_weights,
        )


@dataclass(frozen=True, kw_only=True)
class Output(Execution):
    """What runs a study and where it goes."""

    tracking_uri: TrackingUri = None
    out: Out = Path("results")
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show cells, time and power; run nothing.")] = (
        False
    )
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Planning:
    """An analysis plan: to be saved, or to be followed."""

    save_plan: Annotated[
        Path | None,
        typer.Option(help="Write pairs, metric, margin, seeds and protocols to this file, and run nothing."),
    ] = None
    plan: Annotated[
        Path | None,
        typer.Option(help="Follow a saved plan: verdicts are confirmatory if no cell was run before."),
    ] = None


def parse_list(names: list[str] | None) -> tuple[str, ...]:
    """A repeatable option's values, each of which may hold several with commas between."""
    return tuple(name.strip() for text in names or () for name in text.split(","))


def build_request(
    kind: Literal["ablation", "comparison"],
    data: Data,
    *,
    splits: Splits,
    training: Training,
    design: Design | None = None,
    networks: Networks | None = None,
    user_networks: list[str] | None = None,
    extras: Extras | None = None,
    comparison: Comparison | None = None,
    allow_leaks: bool = False,
    plan_path: Path | None = None,
) -> Request:
    """A study as asked for on the command line."""
    from harness.plan import Request

    extras, networks = extras or Extras(), networks or Networks()
    return Request(
        kind=kind,
        data=data.to_data_request(),
        design=design.design if design else "",
        order=parse_list(design.order) if design else (),
        only=parse_list(networks.only),
        pretrained=networks.pretrained,
        user_networks=tuple(user_networks or ()),
        protocols=splits.protocols,
        folds=splits.folds,
        splits=splits.splits,
        seeds=splits.seeds,
        allow_leaks=allow_leaks,
        plan_path=plan_path,
        **vars(training),
        **vars(extras),
        **vars(comparison or Comparison()),
    )


@cache  # read once for all the commands that take the group: every start waits for it
def _get_parameters(group: type) -> tuple[inspect.Parameter, ...]:
    hints = get_type_hints(group, include_extras=True)
    return tuple(
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(group)
    )


def expand_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """`command` as Typer wants it: each parameter that is one of the groups above, as the group's options."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name not in groups:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        parameters += [
            option.replace(kind=parameter.kind) for option in _get_parameters(groups[parameter.name])
        ]

    def wrapper(**values: Any) -> None:
        group_values = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**group_values, **values)

    wrapper.__name__, wrapper.__doc__, wrapper.__module__ = (
        command.__name__,
        command.__doc__,
        command.__module__,
    )
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper
