"""`harness doctor`: check this installation."""

from __future__ import annotations

import json as json_module
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

from harness.commands import options
from harness.errors import EXIT_FAILED


def doctor(json: options.Json = False) -> None:
    """Check versions, device, kernels, face cascades, package names and writable folders."""
    results = [_run_check(name, check) for name, check in DIAGNOSTICS.items()]
    if json:
        print(json_module.dumps(results, indent=1))
    else:
        for result in results:
            print(f"{'ok ' if result['ok'] else 'BAD'}  {result['check']}: {result['found']}")
    if not all(result["ok"] for result in results):
        raise typer.Exit(EXIT_FAILED)


def _run_check(name: str, check: Callable[[], str]) -> dict[str, object]:
    try:
        return {"check": name, "ok": True, "found": check()}
    except Exception as error:
        # A broken installation can raise anything; the error is the result of the check.
        return {"check": name, "ok": False, "found": f"{error}"}


def _check_versions() -> str:
    import platform
    from importlib import metadata

    from harness.device import PACKAGES

    versions = [f"{package} {metadata.version(package)}" for package in PACKAGES]
    return ", ".join((f"Python {platform.python_version()}", *versions))


def _check_device() -> str:
    from harness.device import describe_device, resolve_device

    return describe_device(resolve_device("auto"))


def _check_torchvision() -> str:
    import torch
    import torchvision

    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    return f"torchvision {torchvision.__version__} fits torch {torch.__version__}"


def _check_kernels() -> str:
    from architectures.cpu_kernels.library import KernelsUnavailable, load_library

    try:
        load_library()
    except KernelsUnavailable as error:
        return f"{error}: a CPU uses the eager engine, so a step of a block network takes up to twice as long"
    return "compiled: a CPU uses them for the block networks"


def _check_cascades() -> str:
    import cv2

    from datasets.faces.haar_detector import check_cascades

    check_cascades()
    return f"Haar cascades of OpenCV {cv2.__version__}"


def _check_package_names() -> str:
    from harness.package_conflicts import package_conflicts

    if conflicts := package_conflicts():
        raise RuntimeError("; ".join(conflicts))
    return "architectures, datasets, studies and reports belong to harness"


def _check_cache_folder() -> str:
    from datasets.io.cache_files import get_cache_dir

    return _check_writable(get_cache_dir())


def _check_working_folder() -> str:
    return _check_writable(Path.cwd())


def _check_writable(folder: Path) -> str:
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(os.urandom(1))
    return f"{folder} is writable, {shutil.disk_usage(folder).free / 2**30:.0f} GiB free"


DIAGNOSTICS: dict[str, Callable[[], str]] = {
    "versions": _check_versions,
    "device": _check_device,
    "torchvision": _check_torchvision,
    "fused kernels": _check_kernels,
    "face cascades": _check_cascades,
    "package names": _check_package_names,
    "cache folder": _check_cache_folder,
    "working folder": _check_working_folder,
}
