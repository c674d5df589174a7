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

import pytest
import torch
from torch import Tensor, nn

from architectures.catalogue import CATALOGUE, with_width
from architectures.network import build_network
from harness.training.checkpoint import BYTES_PER_SECOND, Checkpoint
from harness.training.snapshot import count_bytes, count_epochs
from harness.training.train import TrainingState, find_best_epoch, fit, init_state, no_checkpoint
from studies.results import Epoch
from studies.spec import TrainingSpec
from tests.harness.training.test_train import part

TRAINING = TrainingSpec(epochs=4, batch_size=8, patience=4)
FUSED = TrainingSpec(epochs=4, batch_size=8, patience=4, engine="fused")


def network(name: str) -> nn.Module:
    """Return a small catalogue network: `vgg16` has random dropout, `proposed` has batch norm's averages."""
    torch.manual_seed(0)
    made = build_network(with_width(CATALOGUE[name], 1 / 16), num_classes=2)
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def after_each_epoch(path: Path) -> Checkpoint:
    """Return a checkpoint that is written after every epoch."""
    return Checkpoint(path, max_fraction=math.inf)


def at_once(checkpoint: Checkpoint) -> Callable[[TrainingState], None]:
    """Return a function that saves an epoch and waits until it is written."""

    def keep(standing: TrainingState) -> None:
        checkpoint.save(standing)
        checkpoint.close()

    return keep


def keep_until_it_fails(checkpoint: Checkpoint, standing: TrainingState) -> None:
    """Save again and again until the failure of the writing thread is raised here."""
    while True:
        checkpoint.save(standing)


def enlarged(samples: int, *, seed: int = 0):  # type: ignore[no-untyped-def]
    small = part(samples, seed=seed)
    return type(small)(images=small.images.repeat(1, 1, 4, 4), labels=small.labels)


def trained(
    standing: TrainingState, training: TrainingSpec, checkpoint: Checkpoint | None = None
) -> Iterator[Epoch]:
    keep = at_once(checkpoint) if checkpoint else no_checkpoint
    return fit(
        standing,
        enlarged(20),
        validation=enlarged(10, seed=1),
        num_classes=2,
        training=training,
        save=keep,
    )


def figures(history: list[Epoch]) -> list[tuple[float, ...]]:
    return [(e.number, e.train_loss, e.validation_loss, e.validation_accuracy) for e in history]


@cache
def train_whole(name: str, training: TrainingSpec) -> TrainingState:
    """Return the state of a training that was not interrupted."""
    state = init_state(network(name), training, seed=3)
    list(trained(state, training))
    return state


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
def test_training_goes_on_bit_for_bit(tmp_path: Path, name: str, training: TrainingSpec, after: int) -> None:
    whole = train_whole(name, training)
    checkpoint = after_each_epoch(tmp_path / "run")
    list(islice(trained(init_state(network(name), training, seed=3), training, checkpoint), after))
    torch.rand(100)  # another process has used other random numbers
    resumed = init_state(network(name), training, seed=99)
    assert checkpoint.restore(resumed)
    assert len(resumed.history) == after
    list(trained(resumed, training, checkpoint))
    assert figures(resumed.history) == figures(whole.history)
    ends: list[dict[str, Tensor]] = [s.network.state_dict() for s in (whole, resumed)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a checkpoint after one epoch of the proposed network."""
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint = after_each_epoch(folder / "run")
    list(islice(trained(init_state(network("proposed"), TRAINING, seed=0), TRAINING, checkpoint), 1))
    return folder


@pytest.fixture
def kept(first_epoch: Path, tmp_path: Path) -> Checkpoint:
    """Return a copy of the checkpoint after one epoch of the proposed network."""
    shutil.copytree(first_epoch, tmp_path, dirs_exist_ok=True)
    return after_each_epoch(tmp_path / "run")


def file_of(checkpoint: Checkpoint) -> Path:
    """Return the file of the first epoch."""
    return checkpoint.path.with_suffix(".even")


def untouched(standing: TrainingState) -> bool:
    fresh = network("proposed").state_dict()
    same = all(torch.equal(tensor, fresh[key]) for key, tensor in standing.network.state_dict().items())
    return same and not standing.history and not standing.optimizer.state


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.1, 0.5, 0.999])
def test_a_file_that_is_cut_short_counts_as_none(kept: Checkpoint, share: float) -> None:
    content = file_of(kept).read_bytes()
    file_of(kept).write_bytes(content[: int(share * len(content))])
    standing = init_state(network("proposed"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert untouched(standing)


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
def test_what_is_no_checkpoint_counts_as_none(kept: Checkpoint, content: bytes) -> None:
    file_of(kept).write_bytes(content)
    standing = init_state(network("proposed"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert untouched(standing)


def sealed(header: bytes) -> bytes:
    """Return a file that contains only this header, with its length and correct checksum."""
    whole = len(header) // 8 * 8
    total = sum(int.from_bytes(header[at : at + 8], "little") for at in range(0, whole, 8))
    total = (total + sum(header[whole:])) % 2**64
    return len(header).to_bytes(8, "little") + total.to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (rb'"epochs": \[.*?\], ', b""),
        (rb'"epochs": \[.*?\], ', b'"epochs": 1, '),
        (rb'"pieces": 1', b'"pieces": "many"'),
        (rb'"pieces": 1', b'"pieces": Infinity'),
        (rb'"pieces": 1, ', b""),
    ],
)
def test_a_header_that_tells_something_else_counts_as_none(
    kept: Checkpoint, there: bytes, instead: bytes
) -> None:
    content = file_of(kept).read_bytes()
    size = int.from_bytes(content[:8], "little")
    old = content[16 : 16 + size]
    header, found = re.subn(there, instead, old)
    assert found == 1
    before, own, changed = (int.from_bytes(c[8:16], "little") for c in (content, sealed(old), sealed(header)))
    total = ((before - own + changed) % 2**64).to_bytes(8, "little")
    file_of(kept).write_bytes(len(header).to_bytes(8, "little") + total + header + content[16 + size :])
    standing = init_state(network("proposed"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert untouched(standing)


class Versioned(nn.Linear):
    """A layer that, like torchvision's MNASNet, rejects a state without version."""

    _version = 2

    def _load_from_state_dict(self, state, prefix, metadata, *rest):  # type: ignore[no-untyped-def]
        if metadata.get("version") != 2:
            raise ValueError("version should be set to 2")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_a_module_that_asks_for_its_version_trains_and_goes_on(tmp_path: Path) -> None:
    checkpoint, net = after_each_epoch(tmp_path / "run"), nn.Sequential(nn.Flatten(), Versioned(192, 2))
    small = replace(TRAINING, epochs=2)

    def fitted(standing: TrainingState) -> Iterator[Epoch]:
        return fit(
            standing, part(20), validation=part(10), num_classes=2, training=small, save=at_once(checkpoint)
        )

    next(fitted(init_state(copy.deepcopy(net), small, seed=0)))
    resumed = init_state(copy.deepcopy(net), small, seed=0)
    assert checkpoint.restore(resumed)
    assert [epoch.number for epoch in fitted(resumed)] == [2]


def test_a_header_that_promises_more_than_there_is_asks_for_no_memory(kept: Checkpoint) -> None:
    content = file_of(kept).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[16 : 16 + size].replace(b'"int64", []', b'"int64", [99999999999]', 1)
    file_of(kept).write_bytes(
        len(header).to_bytes(8, "little") + content[8:16] + header + content[16 + size :]
    )
    assert not kept.restore(init_state(network("proposed"), TRAINING, seed=0))


def test_another_networks_file_counts_as_none(kept: Checkpoint) -> None:
    standing = init_state(network("vgg16"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert standing.history == []


def test_pieces_are_kept(kept: Checkpoint) -> None:
    standing = init_state(network("proposed"), TRAINING, seed=0, micro_batches=2)
    list(islice(trained(standing, TRAINING, kept), 1))
    resumed = init_state(network("proposed"), TRAINING, seed=0)
    assert kept.restore(resumed)
    assert resumed.micro_batches == 2


def test_an_epoch_that_is_not_whole_leaves_the_one_before(kept: Checkpoint) -> None:
    standing = init_state(network("proposed"), TRAINING, seed=0)
    assert kept.restore(standing)
    list(islice(trained(standing, TRAINING, kept), 1))
    second = kept.path.with_suffix(".odd")
    content = second.read_bytes()
    for spoilt in (bytes(16) + content[16:], content[:-4096] + bytes(4096), content[: len(content) // 2]):
        second.write_bytes(spoilt)
        resumed = init_state(network("proposed"), TRAINING, seed=0)
        assert kept.restore(resumed)
        assert [epoch.number for epoch in resumed.history] == [1]
    second.write_bytes(content)
    resumed = init_state(network("proposed"), TRAINING, seed=0)
    assert kept.restore(resumed)
    assert [epoch.number for epoch in resumed.history] == [1, 2]


def test_what_is_there_can_be_discarded(kept: Checkpoint) -> None:
    assert kept.restore(init_state(network("proposed"), TRAINING, seed=0))
    kept.discard()
    assert not kept.restore(init_state(network("proposed"), TRAINING, seed=0))
    assert list(kept.path.parent.iterdir()) == []
    kept.discard()


def test_checkpoints_take_turns_so_that_the_one_before_stays(tmp_path: Path) -> None:
    checkpoint, standing = (
        after_each_epoch(tmp_path / "run"),
        init_state(network("proposed"), TRAINING, seed=0),
    )
    written = []
    for number, _ in enumerate(trained(standing, TRAINING), start=1):
        if number != 2:  # a checkpoint is not due after every epoch
            at_once(checkpoint)(standing)
        written.append([count_epochs(checkpoint.path.with_suffix(turn)) for turn in (".even", ".odd")])
    assert written == [[1, -1], [1, -1], [1, 3], [4, 3]]
    resumed = after_each_epoch(tmp_path / "run")
    standing = init_state(network("proposed"), TRAINING, seed=0)
    assert resumed.restore(standing)
    at_once(resumed)(standing)
    assert count_epochs(checkpoint.path.with_suffix(".odd")) == 4, "the one that was restored is still there"


@pytest.mark.parametrize(("after", "is_best"), [(3, True), (4, False)])
def test_a_checkpoint_is_of_the_epoch_that_it_was_begun_after(
    tmp_path: Path, after: int, is_best: bool
) -> None:
    """Training continues and changes every weight in place while the file waits to be written."""
    go = threading.Event()

    def waits() -> float:
        """Block the writing thread, which first reads this clock."""
        go.wait()
        return 0.0

    checkpoint = Checkpoint(tmp_path / "run", max_fraction=math.inf, cpu_clock=waits)
    longer = replace(TRAINING, epochs=5, patience=5)
    standing = init_state(network("vgg16"), longer, seed=2)
    epochs = trained(standing, longer)
    for _ in range(after):
        next(epochs)
    assert (find_best_epoch(standing.history) is standing.history[-1]) is is_best
    best = copy.deepcopy(standing.best_weights)
    states = [copy.deepcopy(part.state_dict()) for part in (standing.network, standing.optimizer)]
    checkpoint.save(standing)
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
    ended = standing.network.state_dict()
    assert not all(torch.equal(states[0][key], tensor) for key, tensor in ended.items())


class Clock:
    """A clock that advances by one second per call."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_checkpoints_cost_at_most_their_share_of_the_training(tmp_path: Path) -> None:
    """With this clock copying takes 1 s and writing 1 s; at 2 % a checkpoint is due every 100 s."""
    checkpoint = Checkpoint(tmp_path / "run", clock=Clock(), cpu_clock=Clock())
    standing = init_state(network("proposed"), TRAINING, seed=0)
    next(trained(standing, TRAINING))
    epoch, kept = standing.history[0], []
    standing.history.clear()
    for number in range(1, 41):
        standing.history.append(replace(epoch, number=number, seconds=10.0))
        at_once(checkpoint)(standing)
        kept.append(max(count_epochs(checkpoint.path.with_suffix(turn)) for turn in (".even", ".odd")))
    assert [number for number in range(1, 41) if number in kept] == [1, 20, 30, 40]
    assert checkpoint.cost_seconds == 8.0
    assert checkpoint.cost_seconds <= 0.02 * sum(epoch.seconds for epoch in standing.history)
    resumed, goes_on = Checkpoint(tmp_path / "run"), init_state(network("proposed"), TRAINING, seed=0)
    assert resumed.restore(goes_on)
    assert resumed.cost_seconds == 6.0, "what the checkpoints before it had cost"


def test_a_first_checkpoint_is_due_once_its_size_allows(tmp_path: Path) -> None:
    standing = init_state(network("vgg16"), TRAINING, seed=0)
    next(trained(standing, TRAINING))
    due = count_bytes(standing) / BYTES_PER_SECOND / 0.02
    for seconds in (0.99 * due, 1.01 * due):
        checkpoint = Checkpoint(tmp_path / str(seconds))
        standing.history[0] = replace(standing.history[0], seconds=seconds)
        at_once(checkpoint)(standing)
        assert checkpoint.restore(init_state(network("vgg16"), TRAINING, seed=0)) is (seconds > due)


def test_a_folder_that_cannot_be_written_is_told_after_the_next_epoch(kept: Checkpoint) -> None:
    kept.path.with_suffix(".odd").mkdir()
    standing = init_state(network("proposed"), TRAINING, seed=0)
    epochs = trained(standing, TRAINING)
    next(epochs)
    with pytest.raises(OSError, match="directory"):
        keep_until_it_fails(kept, standing)
    assert kept.restore(init_state(network("proposed"), TRAINING, seed=0)), "the one before is still there"


def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    checkpoint = after_each_epoch(tmp_path / "run")
    standing = init_state(network("vgg16"), TRAINING, seed=0)
    epochs = trained(standing, TRAINING)
    next(epochs)
    at_once(checkpoint)(standing)
    next(epochs)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(OSError, match="too large") as error:
            keep_until_it_fails(checkpoint, standing)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.errno == errno.EFBIG
    resumed = init_state(network("vgg16"), TRAINING, seed=0)
    assert after_each_epoch(tmp_path / "run").restore(resumed)
    assert len(resumed.history) == 1


class Odd(nn.Sequential):
    """A network with an empty buffer and, if `counts`, extra state that is not a tensor."""

    def __init__(self, *, counts: bool) -> None:
        super().__init__(nn.AvgPool2d(32), nn.Flatten(), nn.Linear(3, 2))
        self.register_buffer("nothing", torch.empty(0, 3))
        self.counts = counts

    def get_extra_state(self) -> object:
        return {"counted": 1} if self.counts else torch.ones(1)

    def set_extra_state(self, state: object) -> None:
        pass


def test_a_network_whose_state_is_not_all_tensors_trains_and_begins_anew(tmp_path: Path) -> None:
    for counts in (False, True):
        checkpoint = after_each_epoch(tmp_path / f"run{counts}")
        history = list(trained(init_state(Odd(counts=counts), TRAINING, seed=0), TRAINING, checkpoint))
        assert len(history) == TRAINING.epochs
        assert checkpoint.restore(init_state(Odd(counts=counts), TRAINING, seed=0)) is not counts
