"""The command line and its exit statuses.

0: success. 1: something failed; finished work is kept. 2: wrong user input. 130: Ctrl-C, SIGTERM or SIGHUP.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer

from datasets.text import one_line
from harness.closed_pipe import ignore_closed_pipes
from harness.commands.catalogue import COMMANDS, CommandGroup, LazyCommand
from harness.errors import (
    EXIT_FAILED,
    EXIT_WRONG_INPUT,
    FULL_DISK_REMEDY,
    StudyAborted,
    UserError,
    is_full_disk,
)
from harness.package_conflicts import package_conflicts
from harness.process_settings import configure_process
from harness.usage_errors import UsageError, format_usage_error, is_help

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Comparison and ablation studies for micro-expression recognition, every number traceable.",
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        from importlib import metadata

        print(f"harness {metadata.version('harness')}")
        raise typer.Exit


@app.callback()
def _add_global_options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


for name, summary in COMMANDS.items():
    app.command(name=name, help=summary, cls=LazyCommand)(lambda: None)


def main() -> None:
    """Run the command line; the entry point of `harness`."""
    configure_process()
    ignore_closed_pipes()
    _install_signal_handlers()
    conflicts = package_conflicts()
    if conflicts and sys.argv[1:2] != ["doctor"]:
        _exit_with_error("\n".join(conflicts), EXIT_WRONG_INPUT)
    try:
        # In standalone mode Typer prints errors in a box of several lines, without the value.
        sys.exit(app(standalone_mode=False, prog_name="harness"))
    except UsageError as error:
        if is_help(error):
            sys.exit(EXIT_WRONG_INPUT)
        _exit_with_error(format_usage_error(error), EXIT_WRONG_INPUT)
    except UserError as error:
        # File names and messages of libraries may contain line breaks.
        _exit_with_error(one_line(str(error)), EXIT_WRONG_INPUT)
    except StudyAborted as error:
        _exit_with_error(str(error), EXIT_FAILED)
    except Exception as error:
        if not is_full_disk(error):
            raise
        _exit_with_error(f"the disk is full ({error}); {FULL_DISK_REMEDY}", EXIT_FAILED)


def _install_signal_handlers() -> None:
    """Handle SIGTERM (a batch system) and SIGHUP (a closed terminal) like Ctrl-C, unless they are ignored."""
    for name in ("SIGTERM", "SIGHUP"):
        signal_number = getattr(signal, name, None)  # Windows has no SIGHUP
        if signal_number is not None and signal.getsignal(signal_number) is signal.SIG_DFL:
            signal.signal(signal_number, _raise_interrupt)


def _raise_interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _exit_with_error(message: str, status: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
