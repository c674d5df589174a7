"""The commands by name, each imported when it is called: `harness --help` needs their first lines alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS = {
    "ablate": "Run an ablation: the parts of the proposed network, one by one or in every combination.",
    "compare": "Run a comparison: VGG16, AlexNet, ResNet34, EfficientNet-B0, ShuffleNetV2, MobileNetV3, "
    "proposed.",
    "reproduce": "Run what the paper ran, under its split and on unseen people, and judge its claims.",
    "tune": "Search learning rate, focal exponent and class weights for every run; then run it with --tuned.",
    "status": "Cells done, failed and left of each study, who is at it, and the time it still takes.",
    "report": "Write the report of a study again, or one report of several.",
    "export": "Write runs, predictions, pictures and report of a study into one zip archive.",
    "predict": "Find faces, classify them, write CSV, JSON and an annotated copy, and say how fast that was.",
    "cost": "Count parameters, multiply-adds and elementwise work of every architecture, and equations (1), "
    "(2).",
    "bench": "Measure training beside a plain PyTorch script and beside nothing but steps; latency, memory, "
    "engines.",
    "doctor": "Check versions, device, kernels, face cascades, package names and writable folders.",
    "ui": "Open the MLflow web interface on the recorded studies; Ctrl-C ends it.",
    "import": "Enter an exported study on this ledger, each cell once, and write its report.",
    "data": "List, describe, prepare, audit and synthesize data sets.",
}
"""The first line of each command's help, in the order that `harness --help` shows; a test compares them."""

UNUSED_CLASSES = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""What Typer's help imports, for styles that this project does not use, in a third of its time."""


class LazyCommand(TyperCommand):
    """A command's name and first line; the command itself takes its place when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Context of the command itself, which parses `args`."""
        return load_command(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class CommandGroup(TyperGroup):
    """All commands, whose help is drawn without what it does not use."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help of all commands."""
        with _stub_modules(UNUSED_CLASSES):
            import typer.rich_utils  # noqa: F401
        super().format_help(ctx, formatter)


@cache
def load_command(name: str) -> Any:
    """The command of that name, imported, as Typer parses it."""
    module_name = "import_" if name == "import" else name
    module = import_module(f"harness.commands.{module_name}")
    if name == "data":
        return get_command(module.data_app)
    app = typer.Typer(add_completion=False)
    app.command(name=name)(getattr(module, module_name))
    return get_command(app)


@contextmanager
def _stub_modules(names: dict[str, str]) -> Iterator[None]:
    """Modules that hold one empty class each stand in, within the block, for those not imported before."""
    missing_modules = [name for name in names if name not in sys.modules]
    for name in missing_modules:
        sys.modules[name] = ModuleType(name)
        setattr(sys.modules[name], names[name], type(names[name], (), {}))
    try:
        yield
    finally:
        for name in missing_modules:
            del sys.modules[name]
