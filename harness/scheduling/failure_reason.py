"""The reason of a failed cell: the exception, and the line of the user's or of our code that raised it."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from architectures.spec import USER_NETWORK
from architectures.user import PROJECT_ROOT
from studies.spec import RunSpec

PROJECT_FOLDERS = tuple(
    PROJECT_ROOT / name for name in ("architectures", "datasets", "studies", "reports", "harness")
)
PACKAGE_FOLDERS = {"site-packages", "dist-packages"}


def describe_error(error: BaseException, spec: RunSpec) -> str:
    """Return the exception of a cell on one line, with the file and line that raised it: "(net.py:12)".

    For a user network it is the innermost line of the user's code, if that is part of the traceback of the
    exception or of one of its causes. Otherwise it is the innermost line of harness. The path is relative to
    the folder of the network, or to that of harness.
    """
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    line = _find_user_line(error, spec) or _find_line(error, PROJECT_FOLDERS, root=PROJECT_ROOT)
    return f"{text} ({line})" if line else text


def _find_user_line(error: BaseException, spec: RunSpec) -> str:
    if spec.architecture.network != USER_NETWORK:
        return ""
    folder = Path(spec.architecture.source.rpartition(":")[0]).parent
    standard_library = Path(sysconfig.get_path("stdlib"))
    return _find_line(error, (folder,), root=folder, excluded=(standard_library, *PROJECT_FOLDERS))


def _find_line(
    error: BaseException, folders: Sequence[Path], *, root: Path, excluded: Sequence[Path] = ()
) -> str:
    """Return the innermost line below `folders` of the first exception in the chain that has one, or "".

    Files of installed packages and files below `excluded` do not count.
    """

    def is_included(file: Path) -> bool:
        return (
            any(file.is_relative_to(folder) for folder in folders)
            and not any(file.is_relative_to(folder) for folder in excluded)
            and not PACKAGE_FOLDERS & set(file.relative_to(root).parts)
        )

    for cause in _iter_causes(error):
        frames = traceback.walk_tb(cause.__traceback__)
        locations = [(Path(frame.f_code.co_filename), number) for frame, number in frames]
        lines = [f"{file.relative_to(root)}:{number}" for file, number in locations if is_included(file)]
        if lines:
            return lines[-1]
    return ""


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and its causes, the newest first."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
