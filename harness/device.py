"""Select the device of a study, and describe the device and the software environment."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.text import pluralize
from harness.errors import HarnessError, check_choice

if TYPE_CHECKING:  # the command line checks the name of the device before it loads torch
    import torch

    from studies.results import Environment

DEVICES = ("auto", "cuda", "mps", "cpu")
PACKAGES = ("harness", "torch", "torchvision", "numpy", "opencv-python", "scikit-image", "mlflow", "fvcore")


def check_device_name(name: str) -> None:
    """Raise ValueError if `name` is not one of `DEVICES`."""
    check_choice("device", name, DEVICES)


def resolve_device(name: str) -> torch.device:
    """Return the device called `name`; "auto" is the first available of CUDA, MPS and CPU.

    Raises:
        HarnessError: The name is unknown, or the device is not available.
    """
    check_device_name(name)
    import torch

    availability = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, is_available in availability.items() if is_available))
    if not availability[name]:
        raise HarnessError(
            "device.unavailable",
            f"--device {name} is not available to torch {torch.__version__}; use --device auto, or install a "
            "torch build for it (`harness doctor` shows the available device)",
        )
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Return a readable name of the device."""
    import torch

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = pluralize(torch.get_num_threads(), "thread")
        return f"cpu ({threads}, {platform.processor() or platform.machine()})"
    return device.type


def collect_environment(device: torch.device) -> Environment:
    """Return the device, platform and software versions for the record of a run."""
    import torch

    from studies.results import Environment

    return Environment(
        device=describe_device(device),
        platform=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        threads=torch.get_num_threads(),
        **_collect_software(),
    )


@cache  # read once: the loaded code does not change if the files change later
def _collect_software() -> dict[str, Any]:
    versions = tuple((package, metadata.version(package)) for package in PACKAGES)
    return {"versions": versions, "commit": read_commit()}


def read_commit() -> str:
    """Return the commit of harness, with " (modified)" if files differ, or "unknown" outside a checkout."""
    folder = Path(__file__).parent
    git = ("git", "-C", str(folder))
    try:
        subprocess.run((*git, "ls-files", "--error-unmatch", __file__), check=True, capture_output=True)
        revision = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True)
        status = subprocess.run(
            (*git, "status", "--porcelain", "--untracked-files=no"), check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return revision.stdout.strip() + (" (modified)" if status.stdout else "")


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all queued work."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
