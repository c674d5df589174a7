import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]

CHILD = """
import sys, time
from pathlib import Path
from datasets.preprocessing import jobs
from datasets.preprocessing.image_array import preprocess_images
from datasets.spec import Sample, SampleTable

jobs.MAX_JOB_ROWS = 4
pause, said = float(sys.argv[2]), open(sys.argv[3], "a")
samples = tuple(
    Sample(id=path.stem, path=str(path), label=0, subject="", clip="", frame_number=0)
    for path in sorted(Path(sys.argv[1]).iterdir())
)

def progress(done, total):
    print(done, total, file=said, flush=True)
    time.sleep(pause)

table = SampleTable(dataset="made", frame_policy="all", classes=("x",), samples=samples)
print(preprocess_images(table, size=40, progress=progress).fingerprint)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(150):
        image = generator.integers(0, 256, size=(50, 40, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{number:03d}.png"), image)
    for number in (10, 77):
        (folder / f"{number:03d}.png").write_bytes(b"")
    return folder


def start_child(data: Path, cache: Path, *, pause: float = 0.0) -> tuple[subprocess.Popen[str], Path]:
    log = cache.with_suffix(f".{time.monotonic_ns()}")
    log.touch()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), str(pause), str(log)],
        cwd=ROOT,
        env={**os.environ, "HARNESS_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        text=True,
    )
    return child, log


def wait_for_fingerprint(child: subprocess.Popen[str]) -> str:
    fingerprint, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    return fingerprint


def read_progress(log: Path) -> list[int]:
    return [int(line.split()[0]) for line in log.read_text().splitlines()]


def files(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (cache / "pixels").iterdir() if path.suffix != ".lock"}


@pytest.mark.slow
def test_repeatedly_killed_run_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    complete, cut = tmp_path / "whole", tmp_path / "cut"
    expected = wait_for_fingerprint(start_child(data, complete)[0])
    last = 0
    for wanted in (3, 5, 2):
        child, log = start_child(data, cut, pause=0.02)
        while len(read_progress(log)) < wanted:
            assert child.poll() is None
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        # It resumed where the killed process stopped: no finished unit was processed again.
        assert read_progress(log)[0] >= last
        last = read_progress(log)[-1]
        assert not list((cut / "pixels").glob("*.json"))
    child, log = start_child(data, cut)
    assert wait_for_fingerprint(child) == expected
    assert last <= read_progress(log)[0] < read_progress(log)[-1] == 150
    assert files(cut) == files(complete)
    assert len(files(cut)) == 2


def test_two_concurrent_processes_build_a_single_cache(data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, making = start_child(data, cache, pause=0.02)
    while not read_progress(making):
        assert first.poll() is None
        time.sleep(0.002)
    second, waiting = start_child(data, cache)
    assert wait_for_fingerprint(first) == wait_for_fingerprint(second)
    assert read_progress(making)[-1] == 150
    # On a busy machine the second may start after the first has ended; then it has nothing to wait for.
    assert read_progress(waiting) in ([150], [])
