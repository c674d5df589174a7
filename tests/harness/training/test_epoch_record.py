from collections.abc import Iterator

import torch
from torch import Tensor, nn

from datasets.spec import Sample
from harness.training.epoch_record import EpochRecorder, preserve_state
from harness.training.train import TrainingState, clone_state_dict, fit, init_state, no_record
from studies.results import Epoch
from studies.spec import TrainingSpec
from tests.harness.training.tiny_data import make_two_class_data

TRAINING = TrainingSpec(epochs=3, batch_size=8)


class Restless(nn.Module):
    """A user's network that draws random numbers and updates its statistics in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=True)
        self.line = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.norm.train()
        features: Tensor = self.line(nn.functional.dropout(self.norm(x).mean((2, 3)), training=True))
        return features


def _make_recorder() -> EpochRecorder:
    test = make_two_class_data(9, seed=2)
    samples = [
        Sample(id=f"{row}", path="", label=row // 3 % 2, subject="s", clip=f"{row // 3}", frame_number=row)
        for row in range(9)
    ]
    return EpochRecorder(images=test.images, samples=samples, protocol="loso")


def _train(*, has_record: bool) -> tuple[TrainingState, list[Epoch]]:
    torch.manual_seed(0)
    state = init_state(Restless(), TRAINING, seed=3)
    state.epoch_classes = [] if has_record else None
    record = _make_recorder().record if has_record else no_record
    epochs: Iterator[Epoch] = fit(
        state,
        make_two_class_data(20),
        validation=make_two_class_data(10, seed=1),
        num_classes=2,
        training=TRAINING,
        record=record,
    )
    return state, list(epochs)


def test_record_leaves_even_a_restless_training_bit_identical() -> None:
    state, epochs = _train(has_record=False)
    recorded, recorded_epochs = _train(has_record=True)
    losses = [[(epoch.train_loss, epoch.validation_loss) for epoch in e] for e in (epochs, recorded_epochs)]
    assert losses[0] == losses[1]
    weights, recorded_weights = state.network.state_dict(), recorded.network.state_dict()
    assert all(torch.equal(weights[name], recorded_weights[name]) for name in weights)
    assert state.epoch_classes is None


def test_record_has_a_class_of_each_clip_after_each_epoch() -> None:
    state, epochs = _train(has_record=True)
    assert state.epoch_classes is not None
    assert [len(classes) for classes in state.epoch_classes] == [3] * len(epochs)
    assert {label for classes in state.epoch_classes for label in classes} <= {0, 1}


def test_block_leaves_generators_buffers_and_modes_as_they_were() -> None:
    network = Restless().train()
    network.line.eval()
    before, weights = torch.get_rng_state(), clone_state_dict(network)
    with preserve_state(network):
        network.eval()
        network(torch.rand(4, 3, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert (network.training, network.norm.training, network.line.training) == (True, True, False)
