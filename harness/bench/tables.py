"""Render the results of `harness bench` as text."""

from __future__ import annotations

from statistics import median

from harness.bench.results import BenchResult, GrowthCurve, NetworkBenchResult
from harness.bench.timing import format_median_range
from reports.formatting import NO_VALUE, text_cell
from reports.markdown import render_table
from reports.table import Cell, Table

MIB = 2**20
SAME_STEP = "the same step"
"""Table cell for devices whose algorithms are always deterministic, such as a CPU."""


def render_bench(bench: BenchResult) -> str:
    """Return the device and the settings of the benchmark, followed by its tables."""
    load = "" if bench.load is None else f"; load {bench.load:.1f} at the start, which should be near 0"
    header = f"{bench.environment.device}; {bench.engine_reason}; {bench.settings.rounds} rounds{load}"
    tables = [_build_training_table(bench), _build_latency_table(bench), _build_engine_table(bench)]
    tables += [_build_sharing_table(bench)] if bench.settings.shared else []
    tables += [_build_growth_table(bench.growth)] if bench.growth else []
    return "\n\n".join((header, *map(render_table, tables)))


def _build_training_table(bench: BenchResult) -> Table:
    return Table(
        id="bench-training",
        title="Training speed, images per second",
        header=(
            "Network",
            "px",
            "Steps",
            "harness",
            "Files",
            "Memory",
            "harness / files",
            "harness / memory",
        ),
        rows=tuple(_build_training_row(network) for network in bench.networks),
        notes=(
            "Files: a plain script over JPEG files (ImageFolder, torchvision's transforms, DataLoader, "
            "eager, cross-entropy). It benefits from harness's settings in this process, and its clock "
            "starts after the first batch is loaded; as a separate program it is slower.",
            "Memory: harness's engine, loss and optimizer on batches in memory, without augmentation and "
            "bookkeeping.",
            "Ratios compare the time per image, paired by round: median (minimum to maximum); below 1 "
            "harness is faster.",
        ),
    )


def _build_training_row(network: NetworkBenchResult) -> tuple[Cell, ...]:
    times = network.training_times
    return (
        text_cell(_format_name(network)),
        _make_number_cell(network.image_size, "{:.0f}"),
        _make_number_cell(network.steps, "{:.0f}"),
        *(
            _make_number_cell(1 / median(rounds), "{:.1f}")
            for rounds in (times.harness, times.files, times.memory)
        ),
        _make_ratio_cell(times.files_ratios),
        _make_ratio_cell(times.memory_ratios),
    )


def _build_latency_table(bench: BenchResult) -> Table:
    batch_sizes = [latency.batch_size for latency in bench.networks[0].latency]
    return Table(
        id="bench-answering",
        title="Inference latency, milliseconds per batch, and peak memory of a training step",
        header=(
            "Network",
            *(f"{percentile} of {batch}" for batch in batch_sizes for percentile in ("p50", "p95", "p99")),
            "Peak, MiB",
        ),
        rows=tuple(
            (
                text_cell(_format_name(network)),
                *(
                    _make_number_cell(value, "{:.1f}")
                    for latency in network.latency
                    for value in (latency.p50, latency.p95, latency.p99)
                ),
                text_cell(NO_VALUE)
                if network.peak_bytes is None
                else _make_number_cell(network.peak_bytes / MIB, "{:.0f}"),
            )
            for network in bench.networks
        ),
        notes=(
            "From uint8 images in memory to logits. With fewer than 100 batches (--json lists the number), "
            "p99 is the slowest batch.",
            f"Peak: at batch size {bench.settings.batch}; on a GPU the memory of tensors, on a CPU the "
            "memory growth of a new process.",
        ),
    )


def _build_engine_table(bench: BenchResult) -> Table:
    engines = tuple(bench.networks[0].step_times)
    ratio_header = ("Deterministic / not",) if bench.settings.deterministic else ()
    return Table(
        id="bench-engines",
        title="Milliseconds per training step, by engine",
        header=(
            "Network",
            *(f"{engine}, default" if not index else engine for index, engine in enumerate(engines)),
            *ratio_header,
        ),
        rows=tuple(
            (
                text_cell(_format_name(network)),
                *(
                    _make_number_cell(1000 * median(network.step_times[engine]), "{:.0f}")
                    for engine in engines
                ),
                *(
                    (
                        _make_ratio_cell(network.deterministic_ratios)
                        if network.deterministic_ratios
                        else text_cell(SAME_STEP),
                    )
                    if ratio_header
                    else ()
                ),
            )
            for network in bench.networks
        ),
        notes=(
            f"At batch size {bench.settings.batch}. Default: the engine that a study uses on this device; "
            "own layout: the memory layout that a study uses for the network.",
        ),
    )


def _build_sharing_table(bench: BenchResult) -> Table:
    return Table(
        id="bench-shared",
        title="Milliseconds per training step, alone and with a second process on the same cores",
        header=("Network", "Alone", "Two processes", "Ratio"),
        rows=tuple(
            (
                text_cell(_format_name(network)),
                _make_number_cell(1000 * network.shared_step_times[0], "{:.0f}"),
                _make_number_cell(1000 * network.shared_step_times[1], "{:.0f}"),
                _make_number_cell(network.shared_step_times[1] / network.shared_step_times[0], "{:.2f}"),
            )
            for network in bench.networks
            if network.shared_step_times
        ),
        notes=("If two processes share the cores evenly, each takes twice as long.",),
    )


def _build_growth_table(curves: tuple[GrowthCurve, ...]) -> Table:
    return Table(
        id="bench-growth",
        title="Seconds by size of a study",
        header=("Quantity", "Seconds", "Exponent", ""),
        rows=tuple(
            (
                text_cell(curve.quantity),
                text_cell(
                    ", ".join(
                        f"{size}: {seconds:.3g}"
                        for size, seconds in zip(curve.sizes, curve.seconds, strict=True)
                    )
                ),
                _make_number_cell(curve.exponent, "{:.2f}"),
                text_cell(curve.linearity),
            )
            for curve in curves
        ),
        notes=(
            "The proposed network at 1/16 of its width, 32 px. Exponent: the slope of log seconds on log "
            "size; 1 is linear.",
        ),
    )


def _format_name(network: NetworkBenchResult) -> str:
    return network.name if network.width == 1 else f"{network.name} (width {network.width:g})"


def _make_number_cell(value: float, format_spec: str) -> Cell:
    return Cell(text=format_spec.format(value), value=value)


def _make_ratio_cell(ratios: tuple[float, ...]) -> Cell:
    return Cell(text=format_median_range(ratios, "{:.2f}".format), value=median(ratios))
