"""Shared helpers of the tests of hostile input: case counts, damaged bytes, hostile names, limits.

`HARNESS_FUZZ=50` multiplies the cases by 50 and makes them random; without it they are always the same.
"""

import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

# By default Hypothesis stores its tables in the working tree.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "harness-hypothesis")

T = TypeVar("T")

SCALE = int(os.environ.get("HARNESS_FUZZ", "1"))
LONGEST_MESSAGE = 6000
MAX_SECONDS = 20
MAX_MIB = 450
"""The largest image that is decoded takes 200 MB, and 200 MB more while its channels are reordered."""

NAMES = (
    "happy",
    "",
    " ",
    "a|b",
    "\\|",
    "a\\",
    "`x`",
    "``",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></tr></table>",
    "<!-- c -->",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "[x]: http://evil.example",
    "[^1]",
    "![",
    "<http://evil.example>",
    "http://evil.example/?a=b&c=d",
    "www.evil.example",
    "ftp://evil.example",
    "mailto:a@evil.example",
    "a@evil.example",
    "two\nlines",
    "one\r\ntwo\rthree\x85four\u2028five\u2029six",
    "\u202eevil\u202c",
    "\u200fright\u2067to left",
    "a\u200bb\ufeff",
    "\x1b[31mred\x1b[0m",
    "nul\0byte",
    "\udc80",
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|' /C calc'!A0",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "'=1+1",
    "''quoted'",
    "＝1+1",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "$\\frac{1}{0}$",
    "$unclosed",
    "# head",
    "tail #",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "---",
    "- - -",
    "***",
    "===",
    "> quote",
    "    indented",
    "```",
    "~~~",
    "~~gone~~",
    "**bold",
    "__init__ _x_ *y*",
    "&lt;&#106;&copy",
    "{{7*7}} %s {0}",
    "x" * 5000,
)
"""Hostile names of a class, a subject, a file or a cell."""


def case_settings(count: int, *, shrink: bool = True) -> settings:
    """Return Hypothesis settings with `count` cases, the same on every machine unless HARNESS_FUZZ is set.

    Without `shrink` a failing case is reported as found; use this if a case takes a second.
    """
    return settings(
        max_examples=count * SCALE,
        derandomize=SCALE == 1,
        database=None,
        deadline=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
    )


def hostile_names() -> st.SearchStrategy[str]:
    """Generate hostile names and random text."""
    known = st.sampled_from(NAMES)
    return st.one_of(known, st.text(max_size=20), st.lists(known, min_size=2, max_size=3).map("".join))


def hostile_file_names() -> st.SearchStrategy[str]:
    """Generate names that are valid file names on Linux."""
    return (
        hostile_names()
        .map(lambda name: re.sub("[/\0]", "-", name)[:60])
        .filter(lambda n: n not in ("", ".", ".."))
    )


@st.composite
def damaged_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """Return the bytes truncated, with flipped bits, or with inserted, removed, repeated or extreme bytes."""
    content = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(("cut", "flip", "flip", "insert", "remove", "repeat", "huge", "zero"))):
            case "cut":
                del content[at:]
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "remove":
                del content[at : at + draw(st.integers(1, 64))]
            case "repeat":
                content[at:at] = content[at : at + 64] * draw(st.integers(1, 20))
            case "huge":
                content[at : at + 4] = draw(
                    st.sampled_from((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"))
                )
            case "zero":
                content[at : at + 8] = bytes(8)
    return bytes(content)


_opened_paths: list[str] | None = None


def _record_opened(event: str, args: tuple[Any, ...]) -> None:
    if (
        _opened_paths is not None
        and event in ("open", "os.listdir", "os.scandir")
        and not isinstance(args[0], int)
    ):
        _opened_paths.append(os.fsdecode(args[0] or "."))


sys.addaudithook(_record_opened)


@contextmanager
def assert_bounded(*, outside: Path | None = None) -> Iterator[None]:
    """Assert that time and memory stay bounded and that no file below `outside` is opened."""
    global _opened_paths
    _opened_paths = []
    peak, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        yield
    finally:
        opened, _opened_paths = _opened_paths, None
        seconds = time.monotonic() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    assert seconds < MAX_SECONDS, f"{seconds:.1f} seconds"
    assert grown < MAX_MIB, f"{grown:.0f} MiB"
    if outside is not None:
        assert not [path for path in opened if os.path.realpath(path).startswith(str(outside))]


def check_outcome(call: Callable[[], T], *, naming: str = "", outside: Path | None = None) -> T | None:
    """Return a call's result, or None after checking that its error is one clear line containing `naming`."""
    with assert_bounded(outside=outside):
        try:
            return call()
        except (ValueError, FileNotFoundError) as error:
            message = str(error)
    assert_is_clear(message)
    assert naming in message, message
    return None


def assert_is_clear(message: str) -> None:
    """Assert that a message is one printable line of reasonable length."""
    assert message.strip()
    assert message.isprintable(), message
    assert len(message) < LONGEST_MESSAGE, len(message)


@contextmanager
def replace_content(path: Path, data: bytes) -> Iterator[None]:
    """Replace the content of the file at `path` inside the context."""
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield an empty folder for one case; its parent is temporary too."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(os.path.realpath(name)) / "root"
        root.mkdir()
        yield root
