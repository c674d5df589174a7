"""Start `harness ARGS` repeatedly in forked processes, kill each one with SIGKILL, and let the last one end.

Run as a script with the arguments MOMENTS ARGS... MOMENTS is a JSON list with one pair per process: the
number of progress lines and the seconds after them until the kill. A forked process needs no imports.
"""

import importlib
import json
import os
import signal
import sys
import time

from harness.cli import main


def start(args: list[str]) -> tuple[int, int]:
    """Fork a process that runs `harness ARGS`; return its id and a file descriptor of its stderr."""
    here, there = os.pipe()
    process = os.fork()
    if process:
        os.close(there)
        return process, here
    os.dup2(there, 2)
    sys.argv = ["harness", *args]
    status = 1
    try:
        main()
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    os._exit(status)


def followed(process: int, pipe: int, *, lines: int | None, wait: float = 0.0) -> int:
    """Forward its stderr, kill it `wait` seconds after `lines` lines, and return its wait status."""
    with os.fdopen(pipe) as told:
        for number, line in enumerate(told, start=1):
            print(line, end="", file=sys.stderr)
            if number == lines:
                time.sleep(wait)
                os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1]


if __name__ == "__main__":
    for name in (
        "harness.api",
        "harness.commands.study",
        "harness.planning.plan",
        "harness.tracking.tracker",
    ):
        importlib.import_module(name)
    moments, *rest = sys.argv[1:]
    ends = []
    for lines, wait in json.loads(moments):
        process, pipe = start(rest)
        if not lines:
            time.sleep(wait)
            os.kill(process, signal.SIGKILL)
        ends.append(followed(process, pipe, lines=lines, wait=wait))
    last = os.waitstatus_to_exitcode(followed(*start(rest), lines=None))
    print(f"killed {ends.count(signal.SIGKILL)} exit {last}", file=sys.stderr)
    sys.exit(last)
