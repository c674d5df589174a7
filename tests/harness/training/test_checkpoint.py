"""Tests that training resumed from a checkpoint gives the same result, and that damaged files are ignored."""

import copy
import errno
import math
import re
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from architectures.catalogue import CATALOGUE, with_width
from architectures.network import build_network
from harness.training.batches import SplitData
from harness.training.checkpoint import BYTES_PER_SECOND, Checkpoint
from harness.training.snapshot import count_bytes, count_epochs
from harness.training.train import TrainingState, find_best_epoch, fit, init_state, no_checkpoint
from studies.results import Epoch
from studies.spec import TrainingSpec
from tests.harness.training.tiny_data import make_two_class_data

TRAINING = TrainingSpec(epochs=4, batch_size=8, patience=4)
FUSED = TrainingSpec(epochs=4, batch_size=8, patience=4, engine="fused")


def network(name: str) -> nn.Module:
    """Return a small catalogue network: `vgg16` has random dropout, `proposed` has batch norm's averages."""
    torch.manual_seed(0)
    net = build_network(with_width(CATALOGUE[name], 1 / 16), num_classes=2)
    return net.to(memory_format=torch.channels_last)


def make_eager_checkpoint(path: Path) -> Checkpoint:
    """Return a checkpoint that is written after every epoch."""
    return Checkpoint(path, max_fraction=math.inf)


def save_and_wait(checkpoint: Checkpoint) -> Callable[[TrainingState], None]:
    """Return a function that saves an epoch and waits until it is written."""

    def save(state: TrainingState) -> None:
        checkpoint.save(state)
        checkpoint.close()

    return save


def save_until_error(checkpoint: Checkpoint, state: TrainingState) -> None:
    """Save again and again until the failure of the writing thread is raised here."""
    while True:
        checkpoint.save(state)


def make_large_part(samples: int, *, seed: int = 0) -> SplitData:
    small = make_two_class_data(samples, seed=seed)
    return type(small)(images=small.images.repeat(1, 1, 4, 4), labels=small.labels)


def train(
    state: TrainingState, training: TrainingSpec, checkpoint: Checkpoint | None = None
) -> Iterator[Epoch]:
    keep = save_and_wait(checkpoint) if checkpoint else no_checkpoint
    return fit(
        state,
        make_large_part(20),
        validation=make_large_part(10, seed=1),
        num_classes=2,
        training=training,
        save=keep,
    )


def figures(history: list[Epoch]) -> list[tuple[float, ...]]:
    return [(e.number, e.train_loss, e.validation_loss, e.validation_accuracy) for e in history]


@cache
def train_uninterrupted(name: str, training: TrainingSpec) -> TrainingState:
    """Return the state of a training that was not interrupted."""
    state = init_state(network(name), training, seed=3)
    list(train(state, training))
    return state


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "training", "after"),
    [
        ("vgg16", TRAINING, 1),
        ("vgg16", TRAINING, 3),
        ("vgg16", TRAINING, 4),
        ("proposed", TRAINING, 3),
        ("proposed", FUSED, 1),
    ],
    ids=lambda value: getattr(value, "engine", None),
)
def test_resumed_training_is_bit_identical(
    tmp_path: Path, name: str, training: TrainingSpec, after: int
) -> None:
    reference = train_uninterrupted(name, training)
    checkpoint = make_eager_checkpoint(tmp_path / "run")
    list(islice(train(init_state(network(name), training, seed=3), training, checkpoint), after))
    torch.rand(100)  # another process has used other random numbers
    resumed = init_state(network(name), training, seed=99)
    assert checkpoint.restore(resumed)
    assert len(resumed.history) == after
    list(train(resumed, training, checkpoint))
    assert figures(resumed.history) == figures(reference.history)
    ends: list[dict[str, Tensor]] = [s.network.state_dict() for s in (reference, resumed)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a checkpoint after one epoch of the proposed network."""
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint = make_eager_checkpoint(folder / "run")
    list(islice(train(init_state(network("proposed"), TRAINING, seed=0), TRAINING, checkpoint), 1))
    return folder


@pytest.fixture
def first_checkpoint(first_epoch: Path, tmp_path: Path) -> Checkpoint:
    """Return a copy of the checkpoint after one epoch of the proposed network."""
    shutil.copytree(first_epoch, tmp_path, dirs_exist_ok=True)
    return make_eager_checkpoint(tmp_path / "run")


def file_of(checkpoint: Checkpoint) -> Path:
    """Return the file of the first epoch."""
    return checkpoint.path.with_suffix(".even")


def is_initial(state: TrainingState) -> bool:
    initial = network("proposed").state_dict()
    same = all(torch.equal(tensor, initial[key]) for key, tensor in state.network.state_dict().items())
    return same and not state.history and not state.optimizer.state


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.1, 0.5, 0.999])
def test_truncated_file_is_ignored(first_checkpoint: Checkpoint, share: float) -> None:
    content = file_of(first_checkpoint).read_bytes()
    file_of(first_checkpoint).write_bytes(content[: int(share * len(content))])
    state = init_state(network("proposed"), TRAINING, seed=0)
    assert not first_checkpoint.restore(state)
    assert is_initial(state)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 64,
        b"PK\x03\x04 no state",
        (2).to_bytes(8, "little") + bytes(8) + b"[]",
        (15).to_bytes(8, "little") + bytes(8) + b'{"format": 1e9}',
        (2**23).to_bytes(8, "little") + b"{",
    ],
)
def test_invalid_checkpoint_is_ignored(first_checkpoint: Checkpoint, content: bytes) -> None:
    file_of(first_checkpoint).write_bytes(content)
    state = init_state(network("proposed"), TRAINING, seed=0)
    assert not first_checkpoint.restore(state)
    assert is_initial(state)


def seal(header: bytes) -> bytes:
    """Return a file that contains only this header, with its length and correct checksum."""
    even_size = len(header) // 8 * 8
    total = sum(int.from_bytes(header[at : at + 8], "little") for at in range(0, even_size, 8))
    total = (total + sum(header[even_size:])) % 2**64
    return len(header).to_bytes(8, "little") + total.to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb'"epochs": \[.*?\], ', b""),
        (rb'"epochs": \[.*?\], ', b'"epochs": 1, '),
        (rb'"pieces": 1', b'"pieces": "many"'),
        (rb'"pieces": 1', b'"pieces": Infinity'),
        (rb'"pieces": 1, ', b""),
    ],
)
def test_inconsistent_header_is_ignored(
    first_checkpoint: Checkpoint, pattern: bytes, replacement: bytes
) -> None:
    content = file_of(first_checkpoint).read_bytes()
    size = int.from_bytes(content[:8], "little")
    old = content[16 : 16 + size]
    header, matches = re.subn(pattern, replacement, old)
    assert matches == 1
    before, own, changed = (int.from_bytes(c[8:16], "little") for c in (content, seal(old), seal(header)))
    total = ((before - own + changed) % 2**64).to_bytes(8, "little")
    file_of(first_checkpoint).write_bytes(
        len(header).to_bytes(8, "little") + total + header + content[16 + size :]
    )
    state = init_state(network("proposed"), TRAINING, seed=0)
    assert not first_checkpoint.restore(state)
    assert is_initial(state)


class VersionedLayer(nn.Linear):
    """A layer that, like torchvision's MNASNet, rejects a state without version."""

    _version = 2

    def _load_from_state_dict(
        self,
        state: dict[str, torch.Tensor],
        prefix: str,
        metadata: dict[str, int],
        *rest: Any,
    ) -> None:
        if metadata.get("version") != 2:
            raise ValueError("version should be set to 2")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_module_with_a_state_version_resumes(tmp_path: Path) -> None:
    checkpoint, net = (
        make_eager_checkpoint(tmp_path / "run"),
        nn.Sequential(nn.Flatten(), VersionedLayer(192, 2)),
    )
    small = replace(TRAINING, epochs=2)

    def fit_small(state: TrainingState) -> Iterator[Epoch]:
        return fit(
            state,
            make_two_class_data(20),
            validation=make_two_class_data(10),
            num_classes=2,
            training=small,
            save=save_and_wait(checkpoint),
        )

    next(fit_small(init_state(copy.deepcopy(net), small, seed=0)))
    resumed = init_state(copy.deepcopy(net), small, seed=0)
    assert checkpoint.restore(resumed)
    assert [epoch.number for epoch in fit_small(resumed)] == [2]


def test_header_with_a_false_size_allocates_no_memory(first_checkpoint: Checkpoint) -> None:
    content = file_of(first_checkpoint).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[16 : 16 + size].replace(b'"int64", []', b'"int64", [99999999999]', 1)
    file_of(first_checkpoint).write_bytes(
        len(header).to_bytes(8, "little") + content[8:16] + header + content[16 + size :]
    )
    assert not first_checkpoint.restore(init_state(network("proposed"), TRAINING, seed=0))


def test_file_of_another_network_is_ignored(first_checkpoint: Checkpoint) -> None:
    state = init_state(network("vgg16"), TRAINING, seed=0)
    assert not first_checkpoint.restore(state)
    assert state.history == []


def test_micro_batches_are_restored(first_checkpoint: Checkpoint) -> None:
    state = init_state(network("proposed"), TRAINING, seed=0, micro_batches=2)
    list(islice(train(state, TRAINING, first_checkpoint), 1))
    resumed = init_state(network("proposed"), TRAINING, seed=0)
    assert first_checkpoint.restore(resumed)
    assert resumed.micro_batches == 2


def test_incomplete_epoch_leaves_the_previous_one(first_checkpoint: Checkpoint) -> None:
    state = init_state(network("proposed"), TRAINING, seed=0)
    assert first_checkpoint.restore(state)
    list(islice(train(state, TRAINING, first_checkpoint), 1))
    second = first_checkpoint.path.with_suffix(".odd")
    content = second.read_bytes()
    for damaged in (bytes(16) + content[16:], content[:-4096] + bytes(4096), content[: len(content) // 2]):
        second.write_bytes(damaged)
        resumed = init_state(network("proposed"), TRAINING, seed=0)
        assert first_checkpoint.restore(resumed)
        assert [epoch.number for epoch in resumed.history] == [1]
    second.write_bytes(content)
    resumed = init_state(network("proposed"), TRAINING, seed=0)
    assert first_checkpoint.restore(resumed)
    assert [epoch.number for epoch in resumed.history] == [1, 2]


def test_checkpoint_can_be_discarded(first_checkpoint: Checkpoint) -> None:
    assert first_checkpoint.restore(init_state(network("proposed"), TRAINING, seed=0))
    first_checkpoint.discard()
    assert not first_checkpoint.restore(init_state(network("proposed"), TRAINING, seed=0))
    assert list(first_checkpoint.path.parent.iterdir()) == []
    first_checkpoint.discard()


def test_checkpoints_alternate_between_two_files(tmp_path: Path) -> None:
    checkpoint, state = (
        make_eager_checkpoint(tmp_path / "run"),
        init_state(network("proposed"), TRAINING, seed=0),
    )
    written = []
    for number, _ in enumerate(train(state, TRAINING), start=1):
        if number != 2:  # a checkpoint is not due after every epoch
            save_and_wait(checkpoint)(state)
        written.append([count_epochs(checkpoint.path.with_suffix(turn)) for turn in (".even", ".odd")])
    assert written == [[1, -1], [1, -1], [1, 3], [4, 3]]
    resumed = make_eager_checkpoint(tmp_path / "run")
    state = init_state(network("proposed"), TRAINING, seed=0)
    assert resumed.restore(state)
    save_and_wait(resumed)(state)
    assert count_epochs(checkpoint.path.with_suffix(".odd")) == 4, "the restored checkpoint still exists"


@pytest.mark.parametrize(("after", "is_best"), [(3, True), (4, False)])
def test_checkpoint_has_the_weights_of_its_epoch(tmp_path: Path, after: int, is_best: bool) -> None:
    """Training continues and changes every weight in place while the file waits to be written."""
    go = threading.Event()

    def waits() -> float:
        """Block the writing thread, which first reads this clock."""
        go.wait()
        return 0.0

    checkpoint = Checkpoint(tmp_path / "run", max_fraction=math.inf, cpu_clock=waits)
    longer = replace(TRAINING, epochs=5, patience=5)
    state = init_state(network("vgg16"), longer, seed=2)
    epochs = train(state, longer)
    for _ in range(after):
        next(epochs)
    assert (find_best_epoch(state.history) is state.history[-1]) is is_best
    best = copy.deepcopy(state.best_weights)
    states = [copy.deepcopy(part.state_dict()) for part in (state.network, state.optimizer)]
    checkpoint.save(state)
    list(epochs)
    go.set()
    checkpoint.close()
    resumed = init_state(network("vgg16"), TRAINING, seed=9)
    assert checkpoint.restore(resumed)
    assert len(resumed.history) == after
    assert all(torch.equal(best[key], tensor) for key, tensor in resumed.best_weights.items())
    assert all(torch.equal(states[0][key], t) for key, t in resumed.network.state_dict().items())
    moments = resumed.optimizer.state_dict()["state"]
    assert all(
        torch.equal(states[1]["state"][n][key], moments[n][key]) for n in moments for key in moments[n]
    )
    final_weights = state.network.state_dict()
    assert not all(torch.equal(states[0][key], tensor) for key, tensor in final_weights.items())


class Clock:
    """A clock that advances by one second per call."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_checkpoint_cost_is_limited_to_its_share(tmp_path: Path) -> None:
    """With this clock copying takes 1 s and writing 1 s; at 2 % a checkpoint is due every 100 s."""
    checkpoint = Checkpoint(tmp_path / "run", clock=Clock(), cpu_clock=Clock())
    state = init_state(network("proposed"), TRAINING, seed=0)
    next(train(state, TRAINING))
    epoch, saved_epochs = state.history[0], []
    state.history.clear()
    for number in range(1, 41):
        state.history.append(replace(epoch, number=number, seconds=10.0))
        save_and_wait(checkpoint)(state)
        saved_epochs.append(
            max(count_epochs(checkpoint.path.with_suffix(turn)) for turn in (".even", ".odd"))
        )
    assert [number for number in range(1, 41) if number in saved_epochs] == [1, 20, 30, 40]
    assert checkpoint.cost_seconds == 8.0
    assert checkpoint.cost_seconds <= 0.02 * sum(epoch.seconds for epoch in state.history)
    resumed, resumes = Checkpoint(tmp_path / "run"), init_state(network("proposed"), TRAINING, seed=0)
    assert resumed.restore(resumes)
    assert resumed.cost_seconds == 6.0, "the cost of earlier checkpoints is included"


def test_first_checkpoint_waits_for_its_size(tmp_path: Path) -> None:
    state = init_state(network("vgg16"), TRAINING, seed=0)
    next(train(state, TRAINING))
    due = count_bytes(state) / BYTES_PER_SECOND / 0.02
    for seconds in (0.99 * due, 1.01 * due):
        checkpoint = Checkpoint(tmp_path / str(seconds))
        state.history[0] = replace(state.history[0], seconds=seconds)
        save_and_wait(checkpoint)(state)
        assert checkpoint.restore(init_state(network("vgg16"), TRAINING, seed=0)) is (seconds > due)


def test_unwritable_folder_is_an_error_after_the_next_epoch(first_checkpoint: Checkpoint) -> None:
    first_checkpoint.path.with_suffix(".odd").mkdir()
    state = init_state(network("proposed"), TRAINING, seed=0)
    epochs = train(state, TRAINING)
    next(epochs)
    with pytest.raises(OSError, match="directory"):
        save_until_error(first_checkpoint, state)
    assert first_checkpoint.restore(init_state(network("proposed"), TRAINING, seed=0)), (
        "the previous checkpoint still exists"
    )


def test_full_disk_is_an_error_and_the_previous_checkpoint_stays(tmp_path: Path) -> None:
    checkpoint = make_eager_checkpoint(tmp_path / "run")
    state = init_state(network("vgg16"), TRAINING, seed=0)
    epochs = train(state, TRAINING)
    next(epochs)
    save_and_wait(checkpoint)(state)
    next(epochs)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(OSError, match="too large") as error:
            save_until_error(checkpoint, state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.errno == errno.EFBIG
    resumed = init_state(network("vgg16"), TRAINING, seed=0)
    assert make_eager_checkpoint(tmp_path / "run").restore(resumed)
    assert len(resumed.history) == 1


class UnusualNetwork(nn.Sequential):
    """A network with an empty buffer and, if `counts`, extra state that is not a tensor."""

    def __init__(self, *, counts: bool) -> None:
        super().__init__(nn.AvgPool2d(32), nn.Flatten(), nn.Linear(3, 2))
        self.register_buffer("nothing", torch.empty(0, 3))
        self.counts = counts

    def get_extra_state(self) -> object:
        return {"counted": 1} if self.counts else torch.ones(1)

    def set_extra_state(self, state: object) -> None:
        pass


def test_network_with_non_tensor_state_restarts(tmp_path: Path) -> None:
    for counts in (False, True):
        checkpoint = make_eager_checkpoint(tmp_path / f"run{counts}")
        history = list(
            train(init_state(UnusualNetwork(counts=counts), TRAINING, seed=0), TRAINING, checkpoint)
        )
        assert len(history) == TRAINING.epochs
        assert checkpoint.restore(init_state(UnusualNetwork(counts=counts), TRAINING, seed=0)) is not counts
