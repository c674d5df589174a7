"""Tests of the project's rules: import order, light imports, file length, test files, codes of errors."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
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
HARNESS_ORDER = (
    ("errors",),
    ("csv_escape", "run_names", "closed_pipe", "package_conflicts", "device", "process_settings"),
    ("progress", "output_folders", "flop_count"),
    ("tracking",),
    ("training",),
    ("inference",),
    ("runs",),
    ("data", "hyperparameter_search", "sample_figures"),
    ("planning",),
    ("scheduling",),
    ("api", "archive"),
    ("bench",),
    ("commands",),
    ("usage_errors",),
    ("cli",),
    ("__main__",),
)
"""The rooms of harness, from the bottom to the top. A room imports from the rows above its own only."""

ONLY_USER = {
    "mlflow": ["harness/tracking/mlflow_store.py"],
    "fvcore": ["harness/flop_count.py"],
    "optuna": ["harness/hyperparameter_search.py"],
}
LIGHT = (
    "architectures.spec",
    "architectures.catalogue",
    "datasets.spec",
    "datasets.splits",
    "datasets.catalogue",
    "datasets.casme2.constants",
    "datasets.smic.constants",
    "datasets.samm.constants",
    "datasets.megc2019.constants",
    "datasets.sheets.facts",
    "datasets.ckplus.constants",
    "datasets.folder.constants",
    "datasets.synthetic.generator",
    "studies.spec",
    "studies.presets",
    "studies.arms",
    "harness.cli",
    "harness.planning.request",
    "harness.planning.execution",
    "harness.tracking.uri",
    *(f"harness.commands.{path.stem}" for path in sorted((ROOT / "harness/commands").glob("[a-z]*.py"))),
)

MAX_UNTESTED_LINES = 60
"""Lines of a module that may have no test file of its own; a module without functions may have more."""

WALKED_MODULES = {
    "architectures/cpu_kernels/cbam_add_act.py": "tests/architectures/test_cpu_kernels.py",
    "architectures/cpu_kernels/norm_act.py": "tests/architectures/test_cpu_kernels.py",
    "datasets/sheets/loader.py": "tests/datasets/samm/test_loader.py",
    "datasets/sheets/sample_table.py": "tests/datasets/smic/test_loader.py",
    "harness/bench/growth.py": "tests/harness/bench/test_bench.py",
    "harness/commands/bench.py": "tests/harness/bench/test_bench.py",
    "harness/commands/data.py": "tests/harness/data/test_data_commands.py",
    "harness/commands/export.py": "tests/harness/archive/test_exporter.py",
    "harness/commands/import_.py": "tests/harness/archive/test_importer.py",
    "harness/commands/predict.py": "tests/harness/inference/test_predictor.py",
    "harness/scheduling/process_executor.py": "tests/harness/scheduling/test_faults.py",
    "reports/blocks.py": "tests/reports/test_numbering.py",
    "reports/paper_sections.py": "tests/reports/test_document.py",
    "reports/plots/image_panels.py": "tests/reports/plots/test_style.py",
    "reports/plots/score_figures.py": "tests/reports/test_document.py",
    "reports/study_sections.py": "tests/reports/test_document.py",
}
"""Longer modules that the test file of a whole path covers, with that file."""

CODED_ERRORS = ("ArchitectureError", "DatasetError", "HarnessError", "StudyError", "build_error")


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _list_imports(path: Path) -> tuple[str, ...]:
    """Return the dotted names that a file imports: modules, and names in modules."""
    names: list[str] = []
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


def _list_packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _list_imports(path)}


@cache
def _sources() -> list[Path]:
    return [path for folder in ALLOWED for path in sorted((ROOT / folder).rglob("*.py"))]


def test_imports_go_one_way() -> None:
    names = {path: path.relative_to(ROOT) for path in _sources()}
    wrong = {
        str(name): packages
        for path, name in names.items()
        if (packages := _list_packages(path) & set(ALLOWED) - ALLOWED[name.parts[0]])
    }
    assert wrong == {}


def test_harness_imports_only_from_rows_below() -> None:
    rank = {room: rank for rank, rooms in enumerate(HARNESS_ORDER) for room in rooms}
    wrong = []
    for path in sorted((ROOT / "harness").rglob("*.py")):
        room = path.relative_to(ROOT / "harness").with_suffix("").parts[0]
        targets = {name.split(".")[1] for name in _list_imports(path) if name.startswith("harness.")}
        wrong += [
            f"{path.relative_to(ROOT)} imports {target}"
            for target in sorted(targets - {room})
            if room != "__init__" and rank[target] >= rank[room]
        ]
    assert not wrong


def test_imports_have_no_cycle() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in _sources()}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = [name if name in modules else name.rpartition(".")[0] for name in _list_imports(path)]
        graph[module] = {name for name in names if name in modules and name != module}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("package", ONLY_USER)
def test_big_libraries_have_one_user(package: str) -> None:
    users = [str(path.relative_to(ROOT)) for path in _sources() if package in _list_packages(path)]
    assert users == ONLY_USER[package]


def test_specs_catalogues_and_commands_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        f"for module in {LIGHT!r}:\n"
        "    __import__(module)\n"
        "    if heavy := {'torch', 'numpy', 'pandas', 'mlflow'} & set(sys.modules):\n"
        "        sys.exit(f'{module} loads {heavy}')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert process.stderr == ""
    assert process.returncode == 0


@pytest.mark.slow
def test_report_loads_no_torch() -> None:
    code = "import sys, reports.document; print(*({'torch', 'pandas', 'mlflow'} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert process.stdout.strip() == ""


@pytest.mark.slow
def test_counting_the_parameters_of_a_block_network_loads_no_compiler() -> None:
    code = (
        "import sys\n"
        "from architectures.catalogue import PROPOSED, get_architecture\n"
        "from architectures.network import count_parameters\n"
        "count_parameters(get_architecture(PROPOSED))\n"
        "print(*({'torchvision', 'torch._dynamo'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert process.stdout.strip() == ""


def test_files_have_350_lines_or_fewer() -> None:
    long = {str(p.relative_to(ROOT)): n for p in _sources() if (n := p.read_text().count("\n")) > 350}
    assert not long


def test_test_files_mirror_a_source_file_or_have_a_docstring() -> None:
    unexplained = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        relative_path = path.relative_to(ROOT / "tests")
        source = ROOT / relative_path.with_name(relative_path.name.removeprefix("test_"))
        if not source.exists() and not ast.get_docstring(ast.parse(path.read_text())):
            unexplained.append(str(relative_path))
    assert not unexplained


def test_no_test_file_imports_another_test_file() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in _list_imports(path)
        if name.startswith("tests.") and ".test_" in name
    ]
    assert not wrong


def _get_test_path(source: Path) -> Path:
    """Return the path of the test file that mirrors a source file."""
    return (ROOT / "tests" / source.relative_to(ROOT)).with_name(f"test_{source.name}")


def _has_functions(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)


def test_every_long_module_with_functions_has_a_mirrored_test_file() -> None:
    untested = [
        str(path.relative_to(ROOT))
        for path in _sources()
        if not _get_test_path(path).exists()
        and path.read_text().count("\n") > MAX_UNTESTED_LINES
        and _has_functions(path)
    ]
    assert sorted(set(untested) - set(WALKED_MODULES)) == []


@pytest.mark.parametrize("module", WALKED_MODULES)
def test_walked_module_has_its_test_file_and_no_mirror(module: str) -> None:
    assert (ROOT / module).exists()
    assert (ROOT / WALKED_MODULES[module]).exists()
    assert not _get_test_path(ROOT / module).exists()


def _get_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _list_error_codes(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the function and the code, the first argument, of each call that builds an error with a code."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}"
    if isinstance(node, ast.Call) and _get_name(node.func) in CODED_ERRORS:
        yield function, node.args[0] if node.args else None
    if (
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and _get_name(node.exc.func) == "UserError"
    ):
        yield function, next((keyword.value for keyword in node.exc.keywords if keyword.arg == "code"), None)
    for child in ast.iter_child_nodes(node):
        yield from _list_error_codes(child, function)


def test_code_of_an_error_is_a_slug_that_one_function_uses() -> None:
    functions: dict[str, set[str]] = {}
    for path in _sources():
        for function, code in _list_error_codes(_parse(path)):
            location = f"{path.relative_to(ROOT)}{function}"
            if isinstance(code, ast.Call | ast.Name):  # the code of the caller, or of the wrapped error
                continue
            assert isinstance(code, ast.Constant), f"{location}: the code must be a literal string"
            assert re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", str(code.value)), f"{location}: {code.value!r}"
            functions.setdefault(str(code.value), set()).add(location)
    assert functions
    assert not {code: locations for code, locations in functions.items() if len(locations) > 1}


def test_every_error_outside_datasets_has_a_code() -> None:
    # Readers of sheets and caches raise ValueError for themselves and turn it into an anomaly.
    uncoded = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _sources()
        if path.relative_to(ROOT).parts[0] != "datasets"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and _get_name(node.exc.func) == "ValueError"
    ]
    assert not uncoded
