"""Execute one run: build the network, train it, and evaluate it once on the test split."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import torch
from torch import Tensor, nn

from architectures.network import build_network
from architectures.spec import USER_NETWORK, ArchitectureSpec
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import Leakage
from harness.device import collect_environment
from harness.errors import is_out_of_memory
from harness.flop_count import count_cost
from harness.runs.claim_checks import evaluate_robustness, measure_latency
from harness.runs.controls import probe_identity, shuffle_labels
from harness.runs.run_inputs import RunInputs
from harness.training.batches import SplitData, make_split_data
from harness.training.checkpoint import Checkpoint
from harness.training.engine import backend_settings, make_forward, reserve_compile_cache, to_device_layout
from harness.training.epoch_record import EpochRecorder
from harness.training.evaluation import predict
from harness.training.train import (
    DivergenceError,
    TrainingState,
    find_best_epoch,
    fit,
    init_state,
    no_checkpoint,
    no_record,
)
from studies.results import DataSummary, Epoch, Prediction, RunResult, Timing
from studies.spec import TRAINING_VERSION, RunSpec


def execute_run(
    spec: RunSpec,
    inputs: RunInputs,
    *,
    on_epochs: Callable[[Sequence[Epoch]], None],
    checkpoint: Checkpoint | None = None,
    epoch_record: bool = False,
) -> tuple[RunResult, dict[str, Tensor]]:
    """Train and test one run; return its result and the best epoch's weights, on the CPU.

    `on_epochs` is called after each epoch. If the run resumes from a checkpoint, the first call passes all
    epochs before it. With `epoch_record` the test set is also predicted after every epoch, for
    `RunResult.epoch_classes`; nothing else in the result changes but its seconds.

    `spec.rng_seed` seeds initialization, data order, augmentation and dropout: on one CPU machine the same
    spec and number of threads give the same predictions bit for bit.

    Raises:
        harness.training.train.DivergenceError: the loss became NaN or infinite.
    """
    with backend_settings(spec.training, inputs.device):
        return _execute_run(spec, inputs, on_epochs, checkpoint, epoch_record=epoch_record)


def _execute_run(
    spec: RunSpec,
    inputs: RunInputs,
    on_epochs: Callable[[Sequence[Epoch]], None],
    checkpoint: Checkpoint | None,
    *,
    epoch_record: bool,
) -> tuple[RunResult, dict[str, Tensor]]:
    start = time.perf_counter()
    _, data = inputs.get_split(spec)
    # Before training: a failure here then costs no training time.
    cost = inputs.costs.get(spec.architecture) or count_cost(
        spec.architecture, num_classes=len(data.classes), image_size=spec.dataset.image_size
    )
    environment = collect_environment(inputs.device)
    fixed_weights = has_fixed_weights(spec.architecture, num_classes=len(data.classes))
    if spec.is_trained:
        network, training, earlier_seconds = _train_network(
            spec, inputs, on_epochs, checkpoint, epoch_record=epoch_record
        )
        start -= earlier_seconds
        predictions = _predict_test_samples(network, spec, inputs)
        measurements = RunMeasurements(data=data, predictions=predictions, training=training)
    else:
        assert inputs.weights is not None
        network = init_network(spec, inputs)
        network.load_state_dict(inputs.weights)
        measurements = EVALUATORS[spec.variant](spec, network, inputs)
    result = RunResult(
        spec=spec,
        data=measurements.data,
        predictions=measurements.predictions,
        history=measurements.training.history,
        best_epoch=measurements.training.best_epoch,
        cost=cost,
        environment=environment,
        seconds=time.perf_counter() - start,
        timings=measurements.timings,
        micro_batches=measurements.training.micro_batches,
        training_version=TRAINING_VERSION,
        has_fixed_weights=fixed_weights,
        end_time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        epoch_classes=measurements.training.epoch_classes,
    )
    weights = network.state_dict()  # not a plain dict: it carries the versions of the modules
    weights.update({name: tensor.cpu() for name, tensor in weights.items()})
    return result, weights


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHistory:
    """The epochs of a training, its best epoch, the number of micro-batches of each batch, and its record.

    The defaults are those of a run that trains nothing.
    """

    history: tuple[Epoch, ...] = ()
    best_epoch: int = 0
    micro_batches: int = 1
    epoch_classes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeasurements:
    """What a run measures: predictions or timings, with a summary of the data that they are of."""

    data: DataSummary
    predictions: tuple[Prediction, ...] = ()
    timings: tuple[Timing, ...] = ()
    training: TrainingHistory = TrainingHistory()


def _train_network(
    spec: RunSpec,
    inputs: RunInputs,
    on_epochs: Callable[[Sequence[Epoch]], None],
    checkpoint: Checkpoint | None,
    *,
    epoch_record: bool,
) -> tuple[nn.Module, TrainingHistory, float]:
    """Train the run's network, from its checkpoint if it has one.

    If a batch does not fit into memory, training restarts with twice as many micro-batches. The optimizer
    still sees the whole batch; memory and the statistics of batch norm see a micro-batch.

    Returns:
        The trained network, its training, and the training seconds before the checkpoint.
    """
    state = init_run_state(spec, inputs, epoch_record=epoch_record)
    if checkpoint and checkpoint.restore(state):
        on_epochs(state.history)
    earlier_seconds = sum(epoch.seconds for epoch in state.history)
    while True:
        try:
            save = checkpoint.save if checkpoint else no_checkpoint
            for epoch in train_epochs(state, spec, inputs, save=save):
                on_epochs((epoch,))
            history = TrainingHistory(
                history=tuple(state.history),
                best_epoch=find_best_epoch(state.history).number,
                micro_batches=state.micro_batches,
                epoch_classes=tuple(state.epoch_classes or ()),
            )
            return state.network, history, earlier_seconds
        except DivergenceError:
            # Resuming from the checkpoint would diverge again.
            if checkpoint:
                checkpoint.discard()
            raise
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or 4 * state.micro_batches > spec.training.batch_size:
                raise
        if checkpoint:
            checkpoint.discard()
        micro_batches = 2 * state.micro_batches
        del state  # frees its memory before the next state is allocated
        if inputs.device.type == "cuda":
            torch.cuda.empty_cache()
        state = init_run_state(spec, inputs, micro_batches=micro_batches, epoch_record=epoch_record)


def _predict_test_samples(network: nn.Module, spec: RunSpec, inputs: RunInputs) -> tuple[Prediction, ...]:
    split, _ = inputs.get_split(spec)
    return predict(
        network,
        _load_split_data(inputs.pixels, split.test, device=inputs.device).images,
        samples=[inputs.pixels.table.samples[row] for row in split.test],
        forward=make_forward(network, spec.training),
    )


def _evaluate_identity_probe(spec: RunSpec, network: nn.Module, inputs: RunInputs) -> RunMeasurements:
    split, data = inputs.get_split(spec)
    names, counts, predictions = probe_identity(network, inputs.pixels, split.train, device=inputs.device)
    data = _summarize_subjects(data, names, counts, predictions)
    if spec.folds > 1:
        # Probes of different folds predict the same training clips; distinct names keep them from being
        # averaged.
        predictions = tuple(
            replace(prediction, clip=f"{prediction.clip} (fold {spec.fold})") for prediction in predictions
        )
    return RunMeasurements(data=data, predictions=predictions)


def _evaluate_robustness(spec: RunSpec, network: nn.Module, inputs: RunInputs) -> RunMeasurements:
    split, data = inputs.get_split(spec)
    predictions = evaluate_robustness(network, inputs.pixels, split.test, spec=spec, device=inputs.device)
    return RunMeasurements(data=data, predictions=predictions)


def _evaluate_latency(spec: RunSpec, network: nn.Module, inputs: RunInputs) -> RunMeasurements:
    _, data = inputs.get_split(spec)
    timings = measure_latency(network, spec=spec, classes=data.classes, device=inputs.device)
    return RunMeasurements(data=data, timings=timings)


EVALUATORS: Mapping[str, Callable[[RunSpec, nn.Module, RunInputs], RunMeasurements]] = {
    "identity-probe": _evaluate_identity_probe,
    "robustness": _evaluate_robustness,
    "latency": _evaluate_latency,
}
"""Functions that run an evaluation-only variant, given the trained network on its device."""


def has_fixed_weights(arm: ArchitectureSpec, *, num_classes: int) -> bool:
    """Return True if a user-defined network has the same initial weights for every seed.

    Such a network sets a seed itself or has no random initialization. Its trainings differ only in data
    order, augmentation and dropout.
    """
    if arm.network != USER_NETWORK:
        return False
    state_dicts = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        state_dicts.append(build_network(arm, num_classes=num_classes).state_dict())
    return all(torch.equal(value, state_dicts[1][name]) for name, value in state_dicts[0].items())


def init_network(spec: RunSpec, inputs: RunInputs) -> nn.Module:
    """Build the run's network on the device, initialized by the run's seed."""
    torch.manual_seed(spec.rng_seed)
    network = build_network(spec.architecture, num_classes=len(inputs.pixels.table.classes))
    return to_device_layout(network, spec.architecture, inputs.device)


def init_run_state(
    spec: RunSpec, inputs: RunInputs, *, micro_batches: int = 1, epoch_record: bool = False
) -> TrainingState:
    """Return the run's training state before the first epoch."""
    if spec.training.engine == "compiled":
        reserve_compile_cache(spec.architecture)
    state = init_state(
        init_network(spec, inputs), spec.training, seed=spec.rng_seed, micro_batches=micro_batches
    )
    state.epoch_classes = [] if epoch_record else None
    return state


def train_epochs(
    state: TrainingState,
    spec: RunSpec,
    inputs: RunInputs,
    *,
    save: Callable[[TrainingState], None] = no_checkpoint,
) -> Iterator[Epoch]:
    """Train from `state` on the run's training and validation parts; yield epochs as `fit` does.

    If `state` keeps a record of its epochs, the test part is predicted after each.
    """
    pixels, device = inputs.pixels, inputs.device
    split, _ = inputs.get_split(spec)
    train_data = _load_split_data(pixels, split.train, device=device)
    if spec.variant == "shuffled-labels":
        clips = [pixels.table.samples[row].clip for row in split.train]
        train_data = replace(train_data, labels=shuffle_labels(train_data.labels, clips, seed=spec.rng_seed))
    has_record = state.epoch_classes is not None
    return fit(
        state,
        train_data,
        validation=_load_split_data(pixels, split.validation, device=device),
        num_classes=len(pixels.table.classes),
        training=spec.training,
        save=save,
        record=_make_recorder(spec, inputs).record if has_record else no_record,
    )


def _make_recorder(spec: RunSpec, inputs: RunInputs) -> EpochRecorder:
    split, _ = inputs.get_split(spec)
    # In host memory: the training must not have less of a GPU's memory than without a record.
    return EpochRecorder(
        images=torch.from_numpy(inputs.pixels.images[list(split.test)]),
        samples=[inputs.pixels.table.samples[row] for row in split.test],
        protocol=spec.protocol,
    )


def _summarize_subjects(
    data: DataSummary, names: tuple[str, ...], counts: tuple[int, ...], predictions: Sequence[Prediction]
) -> DataSummary:
    """Adapt the data summary to an identity probe: the classes are subjects, all from the training part."""
    truths = [prediction.truth for prediction in predictions]
    return replace(
        data,
        classes=names,
        train=counts,
        validation=(0,) * len(names),
        test=tuple(truths.count(class_index) for class_index in range(len(names))),
        leakage=Leakage(clip=0.0, subject=1.0),
        findings=(),
    )


def _load_split_data(pixels: ImageArray, rows: tuple[int, ...], *, device: torch.device) -> SplitData:
    labels = torch.tensor([pixels.table.samples[row].label for row in rows], dtype=torch.int64)
    images = torch.from_numpy(pixels.images[list(rows)])
    return make_split_data(images, labels, device=device)
