"""Tests of the project's rules: import order, light imports of specs, file length."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "datasets": {"datasets"},
    "architectures": {"architectures"},
    "studies": {"studies", "datasets", "architectures"},
    "reports": {"reports", "studies", "datasets", "architectures"},
    "harness": {"harness", "reports", "studies", "datasets", "architectures"},
}
ONLY_USER = {
    "mlflow": ["harness/tracking/mlflow_store.py"],
    "fvcore": ["harness/flop_count.py"],
    "optuna": ["harness/hyperparameter_search.py"],
}
LIGHT = (
    "architectures.spec",
    "architectures.catalogue",
    "datasets.spec",
    "datasets.catalogue",
    "datasets.casme2.constants",
    "datasets.ckplus.constants",
    "datasets.folder.constants",
    "datasets.synthetic.generator",
    "studies.spec",
    "studies.presets",
    "studies.arms",
    "harness.cli",
    *(f"harness.commands.{path.stem}" for path in sorted((ROOT / "harness/commands").glob("[a-z]*.py"))),
)


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def _sources() -> list[Path]:
    return [path for folder in ALLOWED for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    ours = {name for name in _imported(path) if name in ALLOWED}
    assert ours <= ALLOWED[folder]


@pytest.mark.parametrize("package", ONLY_USER)
def test_one_file_speaks_to_each_big_library(package: str) -> None:
    users = [str(path.relative_to(ROOT)) for path in _sources() if package in _imported(path)]
    assert users == ONLY_USER[package]


@pytest.mark.parametrize("module", LIGHT)
def test_specs_catalogues_and_commands_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*({{'torch', 'numpy', 'pandas', 'mlflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


def test_a_report_loads_no_torch() -> None:
    code = "import sys, reports.document; print(*({'torch', 'pandas', 'mlflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


def test_counting_the_parameters_of_a_block_network_loads_no_compiler() -> None:
    code = (
        "import sys\n"
        "from architectures.catalogue import PROPOSED, get_architecture\n"
        "from architectures.parameter_count import count_parameters\n"
        "count_parameters(get_architecture(PROPOSED))\n"
        "print(*({'torchvision', 'torch._dynamo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


def test_every_file_is_one_thought_long() -> None:
    long = {str(p.relative_to(ROOT)): n for p in _sources() if (n := p.read_text().count("\n")) > 400}
    assert not long
