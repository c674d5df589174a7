"""Measured choices by device: how many cells run on a GPU at once.

`harness bench --calibrate` measures them and writes them to a file beside the data cache. Without a
measurement the plan takes the plainest choice: one cell per GPU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from datasets.io.cache_files import atomic_write, get_cache_dir

FILE_NAME = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The measurement of one device.

    Attributes:
        device: Name of the device, as `harness.device.describe_device` gives it.
        date: Day of the measurement, as YYYY-MM-DD.
        torch: Version of torch.
        cells_by_image_size: The fastest number of parallel cells per GPU, by image size in pixels.
    """

    device: str
    date: str
    torch: str
    cells_by_image_size: Mapping[int, int] = field(default_factory=dict)

    def cells_per_gpu(self, image_size: int) -> int:
        """Return the number of cells measured at the smallest size that is not below `image_size`, or 1.

        Larger images fill a GPU with fewer cells, so the choice is never above the fastest number.
        """
        sizes = [size for size in self.cells_by_image_size if size >= image_size]
        return self.cells_by_image_size[min(sizes)] if sizes else 1


def load_calibration(device: str) -> Calibration | None:
    """Return the measurement of `device`, or None if there is none or its file cannot be read."""
    try:
        entry = json.loads(_get_path().read_text(encoding="utf-8"))[device]
        cells = {int(size): int(count) for size, count in entry["cells_by_image_size"].items()}
        return Calibration(
            device=device, date=str(entry["date"]), torch=str(entry["torch"]), cells_by_image_size=cells
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save_calibration(calibration: Calibration) -> Path:
    """Write the measurement of a device, keep those of other devices, and return the path of the file."""
    path = _get_path()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        entries = {}
    entries = entries if isinstance(entries, dict) else {}
    entries[calibration.device] = asdict(calibration)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(entries, indent=1).encode())
    return path


def _get_path() -> Path:
    return get_cache_dir() / FILE_NAME
