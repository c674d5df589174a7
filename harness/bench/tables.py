"""A bench as a person reads it."""

from __future__ import annotations

from statistics import median

from harness.bench.results import BenchResult, GrowthCurve, NetworkBenchResult
from harness.bench.timed import format_median_range
from reports.markdown import render_table
from reports.numbers import NO_VALUE, text_cell
from reports.table import Cell, Table

MIB = 2**20
SAME_STEP = "the same step"
"""Where algorithms are deterministic as they are, as on a CPU."""


def render_bench(bench: BenchResult) -> str:
    """Where it was measured, and a table of each kind."""
    load = "" if bench.load is None else f"; load {bench.load:.1f} at the start, which should be near 0"
    header = f"{bench.environment.device}; {bench.engine_reason}; {bench.settings.rounds} rounds{load}"
    tables = [_build_training_table(bench), _build_latency_table(bench), _build_engine_table(bench)]
    tables += [_build_sharing_table(bench)] if bench.settings.shared else []
    tables += [_build_growth_table(bench.growth)] if bench.growth else []
    return "\n\n".join((header, *map(render_table, tables)))


def _build_training_table(bench: BenchResult) -> Table:
    return Table(
        id="bench-training",
        title="Training, images a second",
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
            "Files: a plain script over JPEG files (ImageFolder, torchvision's transforms, DataLoader, eager "
            "float32, cross-entropy). It profits from what the harness sets in this process, and its clock "
            "starts with the first batch in hand: on its own it is slower.",
            "Memory: the harness's engine, loss and optimizer on batches that lie ready; no augmentation, no "
            "bookkeeping.",
            "Ratios are of the time an image takes, paired by round: median (least to greatest); below 1 the "
            "harness is the faster.",
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
        title="Answering, milliseconds a batch, and the memory of a training step",
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
            "From uint8 images in memory to logits. Where fewer than 100 batches were answered (--json says "
            "how many), p99 is the slowest.",
            f"Peak: at batch {bench.settings.batch}; on a GPU what the tensors take, on a CPU what a fresh "
            "process grows by.",
        ),
    )


def _build_engine_table(bench: BenchResult) -> Table:
    engines = tuple(bench.networks[0].step_times)
    ratio_header = ("Deterministic / not",) if bench.settings.deterministic else ()
    return Table(
        id="bench-engines",
        title="Milliseconds a training step, by the way it is computed",
        header=(
            "Network",
            *(f"{engine}, chosen" if not index else engine for index, engine in enumerate(engines)),
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
            f"At batch {bench.settings.batch}. Chosen: what a study takes on this device by itself; own "
            "layout: how it lays the network out.",
        ),
    )


def _build_sharing_table(bench: BenchResult) -> Table:
    return Table(
        id="bench-shared",
        title="Milliseconds a training step, with the cores to itself and shared with a second process",
        header=("Network", "Alone", "Two at once", "Ratio"),
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
        notes=("Two processes that share the cores evenly take twice as long each.",),
    )


def _build_growth_table(curves: tuple[GrowthCurve, ...]) -> Table:
    return Table(
        id="bench-growth",
        title="Seconds as a study grows",
        header=("Of", "Seconds", "Exponent", ""),
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
            "The proposed network at a sixteenth of its width, 32 px. Exponent: the slope of log seconds "
            "on log size: 1 is linear.",
        ),
    )


def _format_name(network: NetworkBenchResult) -> str:
    return network.name if network.width == 1 else f"{network.name} (width {network.width:g})"


def _make_number_cell(value: float, format_spec: str) -> Cell:
    return Cell(text=format_spec.format(value), value=value)


def _make_ratio_cell(ratios: tuple[float, ...]) -> Cell:
    return Cell(text=format_median_range(ratios, "{:.2f}".format), value=median(ratios))
