"""Measure a device in parts that can be resumed: `harness bench --calibrate`.

Each part runs in a process of its own for at most `PART_SECONDS` and writes one JSON file. A part whose file
exists is not measured again. The most useful parts come first, because the device may be available only
briefly.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch

from architectures.catalogue import CATALOGUE, PROPOSED, get_architecture, min_image_size, with_width
from datasets.augment import make_normalize
from datasets.io.cache_files import atomic_write
from datasets.synthetic.generator import SyntheticSpec, synthesize
from harness.api import run
from harness.bench.core_sharing import time_steps
from harness.bench.data import temporary_cache
from harness.bench.networks import FACES_SPEC, benchmark_networks
from harness.bench.results import BenchSettings
from harness.bench.tables import render_bench
from harness.bench.timing import measure_seconds
from harness.bench.training_loops import Workload, load_faces, time_harness_epochs
from harness.data.loading import DataRequest
from harness.device import collect_environment, describe_device, resolve_device
from harness.planning.calibration import Calibration, save_calibration
from harness.planning.request import Request
from harness.training.batches import iter_epoch
from harness.training.engine import backend_settings, make_forward, select_engine
from harness.training.engine_names import PRECISIONS
from harness.training.loss import focal_loss
from harness.training.train import init_state, run_steps
from studies.metrics import compute_scores, to_evaluation_unit
from studies.spec import TrainingSpec

PART_SECONDS = 600
"""Maximum time of a part."""

MAIN_NETWORKS = (PROPOSED, "vgg16", "resnet34", "mobilenetv3-large")
CELLS = (1, 2, 4)
"""Numbers of parallel cells to measure."""

MIN_SPEEDUP = 1.1
"""Speed of more parallel cells, relative to fewer, from which the plan uses more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """Sizes of the measurements.

    `subjects` is the number of people in the synthetic release; None means as many as in the real one.
    `sharing_seconds` is the time of each process that shares the device, without its first step.
    """

    device: str = "auto"
    image_sizes: tuple[int, ...] = (224, 64)
    batch: int = 32
    width: float = 1.0
    rounds: int = 3
    epochs: int = 2
    seeds: int = 5
    subjects: int | None = None
    sharing_seconds: float = 8.0

    def bench_settings(self, only: tuple[str, ...], *, compiled: bool = False) -> BenchSettings:
        """Return the settings of a benchmark of the networks `only` at the first image size."""
        return BenchSettings(
            only=only,
            image_size=self.image_sizes[0],
            batch=self.batch,
            width=self.width,
            rounds=self.rounds,
            compiled=compiled,
        )


def calibrate(folder: Path, settings: CalibrationSettings, *, parts: Sequence[str] = ()) -> Path:
    """Measure those of `parts` (all if empty) that `folder` lacks; write and return `folder`/device.md.

    A part that fails or takes too long is named in device.md with the reason, and measured again next time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for name in parts or PARTS:
        title, _ = PARTS[name]
        path = folder / f"{name}.json"
        if not path.exists():
            failure = _run_in_process(name, path, settings)
            if failure:
                sections.append(f"## {title}\n\nNot measured: {failure}.")
                continue
        record = json.loads(path.read_text(encoding="utf-8"))
        header = f"{record['date']}, {record['device']}, {record['versions']}, {record['seconds']:.0f} s"
        sections.append(f"## {title}\n\n{header}\n\n{record['text']}")
    report = folder / "device.md"
    atomic_write(report, ("# Measurements of one device\n\n" + "\n\n".join(sections) + "\n").encode())
    return report


def _run_in_process(name: str, path: Path, settings: CalibrationSettings) -> str:
    """Measure a part in a new process; return "" or the reason why there is no result."""
    process = get_context("spawn").Process(target=_run_part, args=(name, path, settings))
    process.start()
    process.join(PART_SECONDS)
    if process.is_alive():
        process.terminate()
        process.join()
        return f"it took more than {PART_SECONDS} s"
    return "" if path.exists() else f"its process ended with status {process.exitcode}; the error is above"


def _run_part(name: str, path: Path, settings: CalibrationSettings) -> None:
    _, measure = PARTS[name]
    device = resolve_device(settings.device)
    texts: list[str] = []
    seconds = measure_seconds(lambda: texts.append(measure(settings, device)), device=device)
    environment = collect_environment(device)
    versions = dict(environment.versions)
    record = {
        "date": _today(),
        "device": environment.device,
        "versions": f"torch {versions['torch']}, {environment.platform}",
        "seconds": seconds,
        "text": texts[0],
    }
    atomic_write(path, json.dumps(record, indent=1).encode())


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _make_workload(settings: CalibrationSettings, device: torch.device, *, image_size: int) -> Workload:
    """Return training steps of the proposed network on synthetic faces."""
    spec = with_width(get_architecture(PROPOSED), settings.width)
    choice = select_engine(device, engine="auto", precision="auto", deterministic=False)
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        faces = synthesize(FACES_SPEC, Path(folder) / "faces")
        pixels = load_faces(faces, max(image_size, min_image_size(spec)))
    training = choice.apply_to(TrainingSpec(batch_size=settings.batch))
    return Workload(spec=spec, training=training, pixels=pixels, steps=1, device=device)


def _check_waits(settings: CalibrationSettings, device: torch.device) -> str:
    """Run training steps while torch raises an error for each wait for the GPU."""
    if device.type != "cuda":
        return "Only a GPU can be waited for."
    workload = replace(_make_workload(settings, device, image_size=settings.image_sizes[0]), steps=6)
    with backend_settings(workload.training, device):
        state = init_state(workload.init_network(), workload.training, seed=0)
        data = workload.load_data(workload.images_per_epoch)
        run_all = partial(
            run_steps,
            state,
            forward=make_forward(state.network, workload.training),
            loss_fn=partial(focal_loss, alpha=torch.ones(workload.classes, device=device), gamma=2.0),
            normalize=make_normalize(device),
            training=workload.training,
        )
        batches = iter_epoch(data, settings.batch, generator=state.generator)
        # The first step makes the optimizer's state and the epoch's copies.
        run_all([next(batches)])
        torch.cuda.set_sync_debug_mode("error")
        try:
            run_all(batches)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return f"No wait in {workload.steps - 1} training steps of {workload.spec.name}."


def _benchmark(settings: BenchSettings, device: torch.device) -> str:
    return render_bench(benchmark_networks(settings, device=device))


def _benchmark_main(settings: CalibrationSettings, device: torch.device) -> str:
    return _benchmark(settings.bench_settings(MAIN_NETWORKS), device)


def _benchmark_others(settings: CalibrationSettings, device: torch.device) -> str:
    others = tuple(name for name in CATALOGUE if name not in MAIN_NETWORKS)
    return _benchmark(settings.bench_settings(others), device)


def _benchmark_compiled(settings: CalibrationSettings, device: torch.device) -> str:
    return _benchmark(settings.bench_settings((PROPOSED,), compiled=True), device)


def _run_ladder(settings: CalibrationSettings, device: torch.device) -> str:
    """Run the ablation ladder on a synthetic release for a few epochs, with tracking and report."""
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder, temporary_cache():
        request = _make_request(settings, Path(folder), kind="ablation", design="ladder")
        work = partial(
            run,
            request,
            out=Path(folder) / "results",
            tracking_uri=f"sqlite:///{Path(folder) / 'mlflow.db'}",
        )
        seconds = measure_seconds(work, device=device)
    return (
        f"The ladder at {settings.image_sizes[0]} px for {settings.epochs} epochs, from data preparation to "
        f"the report: {seconds:.0f} s."
    )


def _compare_precisions(settings: CalibrationSettings, device: torch.device) -> str:
    """Train the proposed network over seeds in each precision that the device supports."""
    lines = ["| precision | UAR of each seed | seconds per training |", "|---|---|---:|"]
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder, temporary_cache():
        request = _make_request(settings, Path(folder), kind="comparison", only=(PROPOSED,))
        request = replace(request, seeds=settings.seeds, image_size=min(settings.image_sizes))
        store = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        lines += [
            _train_in_precision(
                replace(request, precision=precision), out=Path(folder) / "results", store=store
            )
            for precision in PRECISIONS[1:]
        ]
    return "\n".join(lines)


def _train_in_precision(request: Request, *, out: Path, store: str) -> str:
    """Train the study of `request` and return its row of the table of precisions."""
    try:
        result, _ = run(request, out=out, tracking_uri=store)
    except ValueError as error:
        return f"| {request.precision} | {error} | |"
    scores = [
        compute_scores(
            to_evaluation_unit(training.predictions, training.spec.protocol), len(training.data.classes)
        )
        for training in result.results
    ]
    seconds = median(sum(epoch.seconds for epoch in training.history) for training in result.results)
    uars = ", ".join(f"{score.uar:.3f}" for score in scores)
    return f"| {request.precision} | {uars} | {seconds:.1f} |"


def _make_request(settings: CalibrationSettings, folder: Path, **changes: object) -> Request:
    root = synthesize(SyntheticSpec(subjects=settings.subjects, frames=7), folder / "release")
    values: dict[str, object] = {
        "data": DataRequest(dataset="casme2", root=root),
        "preset": "paper",
        "epochs": settings.epochs,
        "image_size": settings.image_sizes[0],
        "width": settings.width,
        "batch": settings.batch,
        "device": settings.device,
    }
    return Request(**{**values, **changes})  # type: ignore[arg-type]


def _measure_sharing(settings: CalibrationSettings, device: torch.device) -> str:
    """Measure the training speed of parallel processes on one device, and save the fastest number."""
    fastest: dict[int, int] = {}
    lines = [f"| px | {' | '.join(f'{cells} at once' for cells in CELLS)} |", "|---:|" + "---:|" * len(CELLS)]
    for image_size in settings.image_sizes:
        workload = _make_workload(settings, device, image_size=image_size)
        speeds = [_measure_speed(workload, cells, settings.sharing_seconds) for cells in CELLS]
        fastest[image_size] = CELLS[choose_fastest(speeds)]
        lines.append(f"| {image_size} | {' | '.join(f'{speed:.0f}' for speed in speeds)} |")
    if device.type == "cuda":
        save_calibration(
            Calibration(
                device=describe_device(device),
                date=_today(),
                torch=torch.__version__,
                cells_by_image_size=fastest,
            )
        )
    return "Images per second of all processes together, proposed network:\n\n" + "\n".join(lines)


def choose_fastest(speeds: list[float]) -> int:
    """Return the index of the last speed that is at least `MIN_SPEEDUP` times the best before it."""
    best = 0
    for index, speed in enumerate(speeds):
        if speed >= MIN_SPEEDUP * speeds[best]:
            best = index
    return best


def _measure_speed(workload: Workload, cells: int, seconds: float) -> float:
    """Return the images per second that `cells` processes train together."""
    with ProcessPoolExecutor(cells, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(time_steps, workload, seconds) for _ in range(cells)]
        step_times = [median(future.result()) for future in futures]
    return sum(workload.training.batch_size / step_seconds for step_seconds in step_times)


def _compare_residence(settings: CalibrationSettings, device: torch.device) -> str:
    """Measure training with the images on the device, and copied from pinned host memory."""
    workload = _make_workload(settings, device, image_size=settings.image_sizes[0])
    workload = replace(workload, steps=12)
    data = workload.load_data(workload.images_per_epoch)
    speeds = {}
    for location, images in (("on the device", data.images), ("in host memory", data.images.cpu())):
        epochs = time_harness_epochs(workload, data=replace(data, images=images))
        _, *seconds = islice(epochs, 1 + settings.rounds)
        speeds[location] = len(data) / median(seconds)
    return "; ".join(f"images {location}: {speed:.0f} per second" for location, speed in speeds.items())


Part = Callable[[CalibrationSettings, torch.device], str]
"""Measures one part and returns markdown."""

PARTS: Mapping[str, tuple[str, Part]] = {
    "waits": ("Waits for the GPU", _check_waits),
    "bench": ("Training against a plain script and bare steps", _benchmark_main),
    "ladder": ("A whole study", _run_ladder),
    "others": ("The other networks", _benchmark_others),
    "sharing": ("Several cells on one device", _measure_sharing),
    "residence": ("Images in host memory", _compare_residence),
    "compiled": ("torch.compile with CUDA graphs", _benchmark_compiled),
    "precisions": ("Precisions", _compare_precisions),
}
"""The parts, the most useful first: title and measurement."""
