"""Tests of the training loop: its results, when it stops, and what it rejects."""

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from architectures.catalogue import PROPOSED, get_architecture
from architectures.network import build_network
from architectures.spec import with_components
from datasets.augment import make_normalize
from datasets.spec import AugmentationSpec
from harness.training.batches import SplitData, iter_epoch
from harness.training.evaluation import compute_logits
from harness.training.loss import compute_class_weights, focal_loss
from harness.training.train import DivergenceError, find_best_epoch, fit, init_state, run_steps
from studies.results import Epoch
from studies.spec import TrainingSpec
from tests.harness.training.tiny_data import make_two_class_data


def epoch(number: int, accuracy: float, loss: float) -> Epoch:
    return Epoch(
        number=number,
        train_loss=1,
        train_accuracy=0,
        validation_loss=loss,
        validation_accuracy=accuracy,
        seconds=0,
    )


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(3, 2))


def run(spec: TrainingSpec, net: nn.Module, *, validation: SplitData | None = None) -> Iterator[Epoch]:
    state = init_state(net, spec, seed=0)
    return fit(
        state,
        make_two_class_data(20),
        validation=validation or make_two_class_data(10, seed=1),
        num_classes=2,
        training=spec,
    )


def test_best_epoch_is_highest_accuracy_then_lowest_loss_then_first() -> None:
    history = [epoch(1, 0.5, 0.1), epoch(2, 0.6, 0.9), epoch(3, 0.6, 0.8), epoch(4, 0.6, 0.8)]
    assert find_best_epoch(history).number == 3


def test_training_learns() -> None:
    history = list(run(TrainingSpec(epochs=60, batch_size=4, learning_rate=0.05, patience=60), network()))
    assert history[-1].train_loss < history[0].train_loss
    assert find_best_epoch(history).validation_accuracy == 1.0


def test_training_learns_from_float_maps_of_a_flow() -> None:
    def make_maps(samples: int) -> SplitData:
        """Return the data of two classes, which move up and down."""
        labels = torch.arange(samples) % 2
        maps = torch.zeros(samples, 3, 8, 8, dtype=torch.float16)
        maps[:, 1] = 2.0 * labels[:, None, None] - 1
        return SplitData(images=maps, labels=labels)

    training = TrainingSpec(epochs=30, batch_size=4, learning_rate=0.05, patience=30)
    net = network()
    state = init_state(net, training, seed=0)
    history = list(fit(state, make_maps(20), validation=make_maps(10), num_classes=2, training=training))
    assert find_best_epoch(history).validation_accuracy == 1.0
    maps = make_maps(2).images
    torch.testing.assert_close(compute_logits(net, maps), net(maps.float()))


def test_best_epochs_weights_are_in_the_network_at_the_end() -> None:
    validation = make_two_class_data(10, seed=1)
    net = network()
    snapshots: list[Tensor] = []
    history = []
    for epoch_result in run(
        TrainingSpec(epochs=6, learning_rate=0.9, patience=6), net, validation=validation
    ):
        history.append(epoch_result)
        snapshots.append(compute_logits(net, validation.images))
    best = find_best_epoch(history).number
    assert torch.equal(compute_logits(net, validation.images), snapshots[best - 1])


def test_training_stops_after_patience_epochs() -> None:
    history = list(run(TrainingSpec(epochs=200, learning_rate=0.9, patience=3), network()))
    assert history[-1].number == find_best_epoch(history).number + 3


def test_nan_loss_stops_the_training_with_the_epoch() -> None:
    net = network()
    with torch.no_grad():
        net.get_parameter("2.weight").fill_(float("nan"))
    with pytest.raises(DivergenceError, match="training loss became nan in epoch 1"):
        list(run(TrainingSpec(epochs=2), net))


def test_gradient_ratio_is_that_of_the_first_and_last_blocks_norms() -> None:
    torch.manual_seed(0)
    spec = replace(with_components(("batch-norm", "gap-head"), name="tiny"), stages=((1, 4), (1, 4), (1, 8)))
    network = build_network(spec, num_classes=2)
    twin = copy.deepcopy(network)
    # One batch and no augmentation, so that one step by hand gives the same gradients.
    still = AugmentationSpec(
        flip=0, rotation=0, scale=0, crop=0, brightness=0, contrast=0, saturation=0, hue=0
    )
    training = TrainingSpec(epochs=1, batch_size=20, gamma=0.0, class_weights="none", augmentation=still)
    torch.manual_seed(1)
    (epoch_result,) = run(training, network)
    torch.manual_seed(1)
    data = make_two_class_data(20)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    logits = twin.train()(make_normalize(data.images.device)(data.images[order].float() / 255))
    nn.functional.cross_entropy(logits, data.labels[order]).backward()
    first, last = (
        math.sqrt(sum(float(p.grad.pow(2).sum()) for p in part.parameters() if p.grad is not None))
        for part in (twin.get_submodule("features.0"), twin.get_submodule("features.4"))
    )
    assert epoch_result.gradient_ratio == pytest.approx(first / last, rel=1e-3)


def test_network_without_blocks_has_no_gradient_ratio() -> None:
    assert [epoch.gradient_ratio for epoch in run(TrainingSpec(epochs=2), network())] == [None, None]


def test_training_loss_is_the_weighted_mean_of_samples() -> None:
    samples = make_two_class_data(20)
    samples = SplitData(images=samples.images[:15], labels=torch.tensor([0] * 12 + [1] * 3))
    still = AugmentationSpec(**dict.fromkeys(AugmentationSpec.__dataclass_fields__, 0.0))
    alphas = {"none": torch.ones(2), "inverse": compute_class_weights(samples.labels, 2)}
    for class_weights, alpha in alphas.items():
        spec = TrainingSpec(epochs=1, batch_size=20, class_weights=class_weights, augmentation=still)  # type: ignore[arg-type]
        logits = compute_logits(network(), samples.images)
        expected = focal_loss(logits, samples.labels, alpha=alpha, gamma=spec.gamma).mean()
        (epoch_result,) = fit(
            init_state(network(), spec, seed=0), samples, validation=samples, num_classes=2, training=spec
        )
        assert epoch_result.train_loss == pytest.approx(float(expected), rel=1e-5)
        assert epoch_result.train_accuracy == pytest.approx(
            float((logits.argmax(1) == samples.labels).float().mean())
        )


META = torch.device("meta")
DEVICE_READS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.equal.default,
}


class DeviceWaits(TorchDispatchMode):
    """Lists the operators that would make a device wait: reads of its values, and copies from or to it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waits: list[str] = []

    def __torch_dispatch__(
        self, operator: OpOverload, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = operator(*args, **(kwargs or {}))
        tensors = [value for value in tree_leaves((args, kwargs, result)) if isinstance(value, Tensor)]
        # A scalar on the CPU is a kernel's argument, not a copy.
        devices = {tensor.device for tensor in tensors if tensor.ndim or tensor.device == META}
        is_read = operator in DEVICE_READS and META in devices
        if is_read or len(devices) > 1:
            self.waits.append(str(operator))
        return result


def build_on_meta(name: str) -> nn.Module:
    with META:
        return build_network(get_architecture(name), num_classes=3)


@pytest.mark.parametrize(
    "name", [PROPOSED, "vgg16", "resnet34", pytest.param("mobilenetv3-large", marks=pytest.mark.slow)]
)
def test_no_training_step_waits_for_the_device(name: str) -> None:
    training = TrainingSpec(batch_size=4)
    network = build_on_meta(name)
    data = SplitData(
        images=torch.zeros(5, 3, 64, 64, dtype=torch.uint8, device=META),
        labels=torch.zeros(5, dtype=torch.int64, device=META),
    )
    state = init_state(network, training, seed=0)
    batches = list(iter_epoch(data, training.batch_size, generator=state.generator))
    loss_fn = partial(focal_loss, alpha=torch.ones(3, device=META), gamma=training.gamma)
    normalize = make_normalize(META)
    with DeviceWaits() as recorder:
        sums = run_steps(
            state, batches, forward=network, loss_fn=loss_fn, normalize=normalize, training=training
        )
    assert sums.shape == (4,)
    assert recorder.waits == []


def test_device_reads_and_copies_are_detected() -> None:
    values = torch.ones(3, device=META)
    with DeviceWaits() as recorder:
        values + torch.ones(3).to(META)
        with pytest.raises(RuntimeError, match="meta"):
            values.sum().item()
    assert len(recorder.waits) == 1
