"""`python -m harness`: the command line where no `harness` script is on the path."""

from __future__ import annotations

from harness.cli import main

main()
