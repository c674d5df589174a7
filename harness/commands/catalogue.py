"""Names and summaries of the commands. A command's module is imported only when the command runs."""

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
    "ablate": "Run an ablation: the components of the proposed network, one by one or in every combination.",
    "compare": "Run a comparison: the proposed network with six published networks, or with your own.",
    "reproduce": "Run the paper's experiments, with its split and with subject-disjoint splits, and test its "
    "claims.",
    "tune": "Search learning rate, focal exponent and class weights for each run of a study, for use with "
    "--tuned.",
    "status": "Show the finished, failed and remaining cells of each study, its processes and the time left.",
    "report": "Write the report of a study again, or one joint report of several studies.",
    "score": "Score predictions from logs, CSV files or runs, and tell which metric a printed number is.",
    "export": "Write the runs, predictions, figures and report of a study to one zip archive.",
    "predict": "Find and classify faces; write CSV, JSON and annotated images or video; report the speed.",
    "cost": "Count parameters, multiply-adds and elementwise operations of each network; equations (1) and "
    "(2).",
    "bench": "Measure training speed against a plain PyTorch script and bare steps; latency, memory and "
    "engines.",
    "doctor": "Check versions, device, kernels, face cascades, package names and writable folders.",
    "ui": "Start the MLflow web interface for the recorded studies; press Ctrl-C to stop.",
    "import": "Import an exported study into the tracking store, each cell once, and write its report.",
    "data": "List, describe, prepare, audit, benchmark and synthesize data sets.",
}
"""Summary of each command, in the order of `harness --help`.

A test compares each summary with the first line of the command's docstring.
"""

UNUSED_CLASSES = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""Classes by module that Typer's help imports but this project does not use.

Importing them takes a third of the time of `--help`.
"""


class LazyCommand(TyperCommand):
    """Command that holds only a name and a summary, and imports the real command when it runs."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of the imported command, which parses `args`."""
        return load_command(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class CommandGroup(TyperGroup):
    """Group of all commands. Its help skips the imports in `UNUSED_CLASSES`."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the group."""
        with _stub_modules(UNUSED_CLASSES):
            import typer.rich_utils  # noqa: F401
        super().format_help(ctx, formatter)


@cache
def load_command(name: str) -> Any:
    """Import the command `name` and return it as a Click command."""
    module_name = "import_" if name == "import" else name
    module = import_module(f"harness.commands.{module_name}")
    if name == "data":
        return get_command(module.data_app)
    app = typer.Typer(add_completion=False)
    app.command(name=name)(getattr(module, module_name))
    return get_command(app)


@contextmanager
def _stub_modules(names: dict[str, str]) -> Iterator[None]:
    """Within the block, replace modules that are not imported yet by stubs with one empty class each."""
    missing_modules = [name for name in names if name not in sys.modules]
    for name in missing_modules:
        sys.modules[name] = ModuleType(name)
        setattr(sys.modules[name], names[name], type(names[name], (), {}))
    try:
        yield
    finally:
        for name in missing_modules:
            del sys.modules[name]
