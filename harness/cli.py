"""The command line: what the commands are, and what every way of ending exits with.

0 done; 1 something failed on the way, the rest is kept; 2 the user's input is wrong; 130 Ctrl-C, or another
polite request to end.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import typer

from datasets.oneline import one_line
from harness.closed_pipe import ignore_closed_pipes
from harness.commands.catalogue import COMMANDS, Commands, LazyCommand
from harness.errors import FAILED, WRONG_INPUT, Stopped, UserError, is_full_disk
from harness.names import clashes
from harness.process import configure_process
from harness.usage import UsageError, in_words, is_help

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Comparison and ablation studies for micro-expression recognition, every number traceable.",
)
for name, line in COMMANDS.items():
    app.command(name=name, help=line, cls=LazyCommand)(lambda: None)


def main() -> None:
    """Run the command line; the entry point of `harness`."""
    configure_process()
    ignore_closed_pipes()
    _end_politely()
    found = clashes()
    if found and sys.argv[1:2] != ["doctor"]:
        _end("\n".join(found), WRONG_INPUT)
    try:
        # Typer's own way to end an error is a drawing of several lines, without the value.
        sys.exit(app(standalone_mode=False, prog_name="harness"))
    except UsageError as error:
        if is_help(error):
            sys.exit(WRONG_INPUT)
        _end(in_words(error), WRONG_INPUT)
    except UserError as error:
        # It may name a file or hold a library's words, which are of as many lines as somebody wrote.
        _end(one_line(str(error)), WRONG_INPUT)
    except Stopped as error:
        _end(str(error), FAILED)
    except Exception as error:
        if not is_full_disk(error):
            raise
        _end(
            f"the disk is full ({error}); free some space or move --out, HARNESS_CACHE and the tracking "
            "store, then start the same command again: finished cells are kept",
            FAILED,
        )


def _end_politely() -> None:
    """Take a batch system's SIGTERM, and a terminal that closes, for Ctrl-C; who had them ignored, has."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupted)


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def _end(message: str, status: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
