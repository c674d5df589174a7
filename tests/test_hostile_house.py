"""Tests that input is never executed: no pickles, no code from data files, weights loaded as tensors only."""

import ast
from collections.abc import Iterator
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


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_input_is_never_executed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & EXECUTED
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in EXECUTED
    for name, call in _calls(path):
        assert name not in CALLED, f"line {call.lineno}"
        assert not name.endswith((".read_pickle", "extractall", "unpack_archive")), f"line {call.lineno}"
        if name in SAFE:
            option, value = SAFE[name]
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            argument = keywords.get(option)
            assert isinstance(argument, ast.Constant), f"line {call.lineno}"
            assert argument.value == value, f"line {call.lineno}"
        if name.startswith("subprocess."):
            assert "shell" not in {keyword.arg for keyword in call.keywords}, f"line {call.lineno}"
        assert name != "os.system", f"line {call.lineno}"


def test_watched_calls_exist() -> None:
    assert any(name == "torch.load" for path in SOURCES for name, _ in _calls(path))
