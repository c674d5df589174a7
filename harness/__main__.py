"""`python -m harness`: run the command line without the `harness` script."""

from __future__ import annotations

from harness.cli import main

main()
