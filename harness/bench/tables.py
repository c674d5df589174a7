"""A bench as a person reads it."""

from __future__ import annotations

from statistics import median

from harness.bench.results import Bench, Curve, NetworkBench
from harness.bench.timed import spread
from reports.markdown import render_table
from reports.numbers import NOTHING, label
from reports.table import Cell, Table

MIB = 2**20
SAME = "the same step"
"""Where algorithms are deterministic as they are, as on a CPU."""


def in_words(bench: Bench) -> str:
    """Where it was measured, and a table of each kind."""
    load = "" if bench.load is None else f"; load {bench.load:.1f} at the start, which should be near 0"
    head = f"{bench.environment.device}; {bench.why}; {bench.settings.rounds} rounds{load}"
    tables = [_training(bench), _answering(bench), _engines(bench)]
    tables += [_shared(bench)] if bench.settings.shared else []
    tables += [_growth(bench.growth)] if bench.growth else []
    return "\n\n".join((head, *map(render_table, tables)))


def _training(bench: Bench) -> Table:
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
        rows=tuple(_paces(network) for network in bench.networks),
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


def _paces(network: NetworkBench) -> tuple[Cell, ...]:
    pace = network.pace
    return (
        label(_named(network)),
        _number(network.image_size, "{:.0f}"),
        _number(network.steps, "{:.0f}"),
        *(_number(1 / median(rounds), "{:.1f}") for rounds in (pace.harness, pace.files, pace.memory)),
        _ratio(pace.over_files),
        _ratio(pace.over_memory),
    )


def _answering(bench: Bench) -> Table:
    batches = [found.batch for found in bench.networks[0].latency]
    return Table(
        id="bench-answering",
        title="Answering, milliseconds a batch, and the memory of a training step",
        header=("Network", *(f"{p} of {b}" for b in batches for p in ("p50", "p95", "p99")), "Peak, MiB"),
        rows=tuple(
            (
                label(_named(network)),
                *(
                    _number(value, "{:.1f}")
                    for found in network.latency
                    for value in (found.p50, found.p95, found.p99)
                ),
                label(NOTHING) if network.peak_bytes is None else _number(network.peak_bytes / MIB, "{:.0f}"),
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


def _engines(bench: Bench) -> Table:
    ways = tuple(bench.networks[0].bills)
    exact = ("Deterministic / not",) if bench.settings.deterministic else ()
    return Table(
        id="bench-engines",
        title="Milliseconds a training step, by the way it is computed",
        header=("Network", *(f"{way}, chosen" if not at else way for at, way in enumerate(ways)), *exact),
        rows=tuple(
            (
                label(_named(network)),
                *(_number(1000 * median(network.bills[way]), "{:.0f}") for way in ways),
                *(
                    (_ratio(network.deterministic) if network.deterministic else label(SAME),)
                    if exact
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


def _shared(bench: Bench) -> Table:
    return Table(
        id="bench-shared",
        title="Milliseconds a training step, with the cores to itself and shared with a second process",
        header=("Network", "Alone", "Two at once", "Ratio"),
        rows=tuple(
            (
                label(_named(network)),
                _number(1000 * network.shared[0], "{:.0f}"),
                _number(1000 * network.shared[1], "{:.0f}"),
                _number(network.shared[1] / network.shared[0], "{:.2f}"),
            )
            for network in bench.networks
            if network.shared
        ),
        notes=("Two processes that share the cores evenly take twice as long each.",),
    )


def _growth(curves: tuple[Curve, ...]) -> Table:
    return Table(
        id="bench-growth",
        title="Seconds as a study grows",
        header=("Of", "Seconds", "Exponent", ""),
        rows=tuple(
            (
                label(curve.what),
                label(
                    ", ".join(
                        f"{size}: {taken:.3g}" for size, taken in zip(curve.sizes, curve.seconds, strict=True)
                    )
                ),
                _number(curve.exponent, "{:.2f}"),
                label(curve.verdict),
            )
            for curve in curves
        ),
        notes=(
            "The proposed network at a sixteenth of its width, 32 px. Exponent: the slope of log seconds "
            "on log size: 1 is linear.",
        ),
    )


def _named(network: NetworkBench) -> str:
    return network.name if network.width == 1 else f"{network.name} (width {network.width:g})"


def _number(value: float, form: str) -> Cell:
    return Cell(text=form.format(value), value=value)


def _ratio(rounds: tuple[float, ...]) -> Cell:
    return Cell(text=spread(rounds, "{:.2f}".format), value=median(rounds))
