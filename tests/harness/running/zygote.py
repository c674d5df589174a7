"""Starts `harness ARGS` again and again in forked processes and kills each after a while, then lets one end.

Run as a script: MOMENTS ARGS..., MOMENTS being JSON: for each process after how many lines of its progress
and how many seconds more it is killed. Forked, so that a start costs no import; killed by SIGKILL.
"""

import importlib
import json
import os
import signal
import sys
import time

from harness.cli import main


def start(args: list[str]) -> tuple[int, int]:
    """A forked `harness ARGS`: its process and the end of a pipe from which its stderr is read."""
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
    """Hand on what it says, kill it after so many lines and a while; the status that it ended with."""
    with os.fdopen(pipe) as told:
        for number, line in enumerate(told, start=1):
            print(line, end="", file=sys.stderr)
            if number == lines:
                time.sleep(wait)
                os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1]


if __name__ == "__main__":
    for name in ("harness.api", "harness.commands.study", "harness.plan", "harness.tracking.ledger"):
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
