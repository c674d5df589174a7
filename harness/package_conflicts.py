"""Check that Python imports this project's packages and not others of the same name.

The names are generic: Hugging Face has a package `datasets`, and a folder of the user may have such a name.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PROJECT_PACKAGES = ("architectures", "datasets", "studies", "reports")
MARKER = "Part of harness"
"""Text that the first 200 characters of each package's `__init__.py` must contain.

`package_conflicts` recognizes this project's packages by it.
"""


def package_conflicts() -> list[str]:
    """Return one message for each name under which Python finds another package."""
    project_root = Path(__file__).resolve().parent.parent
    conflicts = []
    for name in PROJECT_PACKAGES:
        module_spec = find_spec(name)
        file = Path(module_spec.origin).resolve() if module_spec and module_spec.origin else None
        if file and file.parent.parent == project_root and MARKER in file.read_text(errors="replace")[:200]:
            continue
        location = file or (module_spec and list(module_spec.submodule_search_locations or ())) or "nowhere"
        conflicts.append(
            f"the package {name!r} that Python finds is not harness's: {location} "
            f"(expected under {project_root}). "
            "Install harness in an environment of its own (python -m venv), or leave the folder that holds "
            f"another {name!r}"
        )
    return conflicts
