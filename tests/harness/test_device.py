"""Tests of the choice of the device, its record in a run, and the recorded commit of the harness."""

import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness import device
from studies.codec import from_json, to_json
from studies.results import Environment
from tests.error_codes import raises_code


def set_available(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    """Make torch report these devices as available."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (True, False, "cuda"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_to_mps_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    set_available(monkeypatch, cuda=cuda, mps=mps)
    assert device.resolve_device("auto") == torch.device(expected)
    assert device.resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_missing_device_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    set_available(monkeypatch, cuda=name == "cuda", mps=name == "mps")
    assert device.resolve_device(name).type == name
    set_available(monkeypatch, cuda=name != "cuda", mps=name != "mps")
    with pytest.raises(
        ValueError,
        match=rf"--device {name} is not available to torch {torch.__version__[:3]}.* --device auto",
    ):
        device.resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "CPU", "cuda:0", ""])
def test_unknown_device_error_lists_accepted_ones(name: str) -> None:
    with raises_code("choice.unknown", repr(name), "auto, cuda, mps, cpu"):
        device.resolve_device(name)


@pytest.mark.parametrize(("threads", "text"), [(1, "1 thread"), (3, "3 threads")])
def test_cpu_is_named_with_the_threads_that_are_used(threads: int, text: str) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert device.describe_device(torch.device("cpu")).startswith(f"cpu ({text}, ")
    finally:
        torch.set_num_threads(before)
    assert device.describe_device(torch.device("mps")) == "mps"


def test_environment_is_complete_and_survives_json() -> None:
    environment = device.collect_environment(torch.device("cpu"))
    assert torch.__version__.startswith(dict(environment.versions)["torch"])
    assert [package for package, _ in environment.versions] == list(device.PACKAGES)
    assert environment.platform.endswith(f"Python {platform.python_version()}")
    assert environment.threads == torch.get_num_threads()
    assert environment.commit == device.read_commit()
    assert from_json(Environment, to_json(environment)) == environment


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that runs Git in a separate folder with a copy of the module at harness/device.py."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "copy" / "harness").mkdir(parents=True)
    shutil.copy(device.__file__, tmp_path / "copy" / "harness")

    def run(*args: str) -> str:
        command = ("git", "-c", "user.name=t", "-c", "user.email=t@t", *args)
        process = subprocess.run(command, cwd=tmp_path / "copy", check=True, capture_output=True, text=True)
        return process.stdout.strip()

    return run


def commit_of(copy: Path) -> str:
    """Return the commit that the copied module reports."""
    spec = importlib.util.spec_from_file_location("copied_device", copy / "harness" / "device.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.read_commit())


def test_commit_is_marked_if_a_file_is_modified(git: Callable[..., str], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / ".gitignore").write_text("__pycache__\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    first = git("rev-parse", "HEAD")
    assert commit_of(copy) == first
    (copy / "results.txt").write_text("what a study leaves is no change of the harness")
    assert commit_of(copy) == first
    (copy / ".gitignore").write_text("")
    assert commit_of(copy) == f"{first} (modified)"


def test_commit_is_unknown_outside_a_checkout(git: Callable[..., str], tmp_path: Path) -> None:
    assert commit_of(tmp_path / "copy") == "unknown"
    git("init", "-q")
    git("commit", "-qm", "somebody else's, such as a folder with an environment", "--allow-empty")
    assert commit_of(tmp_path / "copy") == "unknown"


def test_commit_is_unknown_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.read_commit() == "unknown"
