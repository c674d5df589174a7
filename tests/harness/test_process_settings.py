"""Tests of the process settings that the command line, but not the API, makes for itself and its workers."""

import gc
import os
import subprocess
import sys

import pytest

from harness.process_settings import configure_process, disable_gc, get_spin_settings, set_environment

FAULTS = """
import os, resource, torch
import harness.api
from harness.process_settings import keep_freed_memory

assert "GOMP_SPINCOUNT" not in os.environ, "the API changes the caller's environment"

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

keep_freed_memory()
for _ in range(20):  # until glibc has filled its caches of small pieces
    torch.ones(2**24)
before = faults()
for _ in range(5):
    torch.ones(2**24)
print(faults() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}), reason="only glibc is told to keep memory"
)
def test_the_api_leaves_the_environment_alone_and_freed_memory_can_be_kept() -> None:
    """Runs in a separate process, whose heap other tests have not fragmented."""
    variables = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    process = subprocess.run((sys.executable, "-c", FAULTS), capture_output=True, text=True, env=variables)
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) < 1000  # of 5 times 16,384 pages


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_users_thread_settings_stay(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(variable, raising=False)
    assert get_spin_settings() == {"GOMP_SPINCOUNT": "2000"}
    monkeypatch.setenv(name, "active")
    assert get_spin_settings() == {}
    configure_process()
    assert os.environ[name] == "active"


LOADED_FIRST = """
import os, sys
import harness.cli


class FirstImport:
    def find_spec(self, name, *_):
        if name == "torch":
            print(os.environ["GOMP_SPINCOUNT"], flush=True)
            os._exit(0)


assert "torch" not in sys.modules, "the command line loads torch before the variables are set"
sys.meta_path.insert(0, FirstImport())
sys.argv = ["harness", "cost"]
harness.cli.main()
"""


def test_command_line_sets_thread_waiting_before_torch() -> None:
    variables = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    process = subprocess.run(
        (sys.executable, "-c", LOADED_FIRST), capture_output=True, text=True, env=variables
    )
    assert process.stdout == "2000\n", process.stderr


@pytest.mark.parametrize("before", [True, False])
def test_garbage_collector_is_restored_after_an_error(before: bool) -> None:
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), disable_gc():
            1 / (1 if gc.isenabled() else 0)
        assert gc.isenabled() == before
    finally:
        (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("before", [None, "7"])
def test_environment_variables_are_restored_after_the_block(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("HARNESS_EXAMPLE", raising=False)
    if before is not None:
        monkeypatch.setenv("HARNESS_EXAMPLE", before)
    with set_environment({"HARNESS_EXAMPLE": "1"}):
        assert os.environ["HARNESS_EXAMPLE"] == "1"
    assert os.environ.get("HARNESS_EXAMPLE") == before
