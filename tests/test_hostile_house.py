"""Tests that input is never executed: no pickles, no code from data files, weights loaded as tensors only."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path
    for f in ("architectures", "datasets", "studies", "reports", "harness")
    for path in sorted((ROOT / f).rglob("*.py"))
]
EXECUTED = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
"""Modules whose load functions can execute code from the input."""

CALLED = {"eval", "exec", "compile", "__import__"}
SAFE = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
"""Load functions that are safe only with this option; every call must pass it."""


UNPACKERS = (".read_pickle", "extractall", "unpack_archive")


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _list_calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _list_faults(path: Path) -> Iterator[str]:
    """Yield each import and call of a file that could execute input, as "file:line: name"."""
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        yield from (_locate(path, node, name) for name in modules if name.split(".")[0] in EXECUTED)
    for name, call in _list_calls(path):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        is_unsafe = name in CALLED or name == "os.system" or name.endswith(UNPACKERS)
        if name in SAFE:
            option, value = SAFE[name]
            argument = keywords.get(option)
            is_unsafe = not (isinstance(argument, ast.Constant) and argument.value is value)
        elif name.startswith("subprocess."):
            is_unsafe = "shell" in keywords
        if is_unsafe:
            yield _locate(path, call, name)


def _locate(path: Path, node: ast.stmt | ast.expr, name: str) -> str:
    return f"{path}:{node.lineno}: {name}"


def test_input_is_never_executed() -> None:
    assert [fault for path in SOURCES for fault in _list_faults(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import safe_load",
        "eval(text)",
        "os.system(text)",
        "pandas.read_pickle(path)",
        "tar.extractall(folder)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_line_that_executes_input_is_a_fault(tmp_path: Path, line: str) -> None:
    (tmp_path / "module.py").write_text(f"{line}\n")
    assert len(list(_list_faults(tmp_path / "module.py"))) == 1


def test_watched_calls_exist() -> None:
    assert any(name == "torch.load" for path in SOURCES for name, _ in _list_calls(path))
