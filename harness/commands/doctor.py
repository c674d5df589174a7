"""`harness doctor`: is this installation sound?"""

from __future__ import annotations

import json as json_module
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

from harness.commands import options
from harness.errors import FAILED


def doctor(json: options.Json = False) -> None:
    """Check versions, device, kernels, face cascades, package names and writable folders."""
    findings = [_finding(name, check) for name, check in CHECKS.items()]
    if json:
        print(json_module.dumps(findings, indent=1))
    else:
        for finding in findings:
            print(f"{'ok ' if finding['ok'] else 'BAD'}  {finding['check']}: {finding['found']}")
    if not all(finding["ok"] for finding in findings):
        raise typer.Exit(FAILED)


def _finding(name: str, check: Callable[[], str]) -> dict[str, object]:
    try:
        return {"check": name, "ok": True, "found": check()}
    except Exception as error:
        # Whatever an installation breaks with is the finding.
        return {"check": name, "ok": False, "found": f"{error}"}


def _versions() -> str:
    import platform
    from importlib import metadata

    from harness.device import PACKAGES

    found = [f"{package} {metadata.version(package)}" for package in PACKAGES]
    return ", ".join((f"Python {platform.python_version()}", *found))


def _device() -> str:
    from harness.device import in_words, resolve

    return in_words(resolve("auto"))


def _torchvision() -> str:
    import torch
    import torchvision

    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    return f"torchvision {torchvision.__version__} fits torch {torch.__version__}"


def _kernels() -> str:
    from architectures.cpu_kernels.library import Unavailable, library

    try:
        library()
    except Unavailable as error:
        return f"{error}: a CPU computes eagerly, up to twice as long for a step of a block network"
    return "compiled: a CPU computes the block networks with them"


def _cascades() -> str:
    import cv2

    from datasets.faces.haar import check_cascades

    check_cascades()
    return f"Haar cascades of OpenCV {cv2.__version__}"


def _names() -> str:
    from harness.names import clashes

    if found := clashes():
        raise RuntimeError("; ".join(found))
    return "architectures, datasets, studies and reports are harness's own"


def _cache() -> str:
    from datasets.pixels.cache import cache_dir

    return _writable(cache_dir())


def _here() -> str:
    return _writable(Path.cwd())


def _writable(folder: Path) -> str:
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(os.urandom(1))
    return f"{folder} can be written, {shutil.disk_usage(folder).free / 2**30:.0f} GiB free"


CHECKS: dict[str, Callable[[], str]] = {
    "versions": _versions,
    "device": _device,
    "torchvision": _torchvision,
    "fused kernels": _kernels,
    "face cascades": _cascades,
    "package names": _names,
    "cache folder": _cache,
    "working folder": _here,
}
