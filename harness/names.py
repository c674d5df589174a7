"""Whether the five packages of this project are the ones that Python finds under their names.

The names are generic: Hugging Face's `datasets` is one of them, and a folder of the user's may be another.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("architectures", "datasets", "studies", "reports")
MARK = "Part of harness"


def clashes() -> list[str]:
    """A message for each name under which Python finds somebody else's package; none is the good case."""
    home = Path(__file__).resolve().parent.parent
    found = []
    for name in PACKAGES:
        spec = find_spec(name)
        file = Path(spec.origin).resolve() if spec and spec.origin else None
        if file and file.parent.parent == home and MARK in file.read_text(errors="replace")[:200]:
            continue
        where = file or (spec and list(spec.submodule_search_locations or ())) or "nowhere"
        found.append(
            f"the package {name!r} that Python finds is not harness's: {where} (expected under {home}). "
            "Install harness in an environment of its own (python -m venv), or leave the folder that holds "
            f"another {name!r}"
        )
    return found
