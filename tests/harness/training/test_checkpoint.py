"""Training that goes on from a file ends as if it had never stopped; a spoilt file counts as none."""

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from architectures.catalogue import CATALOGUE, scaled
from architectures.network import build
from harness.training.checkpoint import Checkpoint
from harness.training.train import Standing, begun, fit, forget
from studies.results import Epoch
from studies.spec import TrainingSpec
from tests.harness.training.test_train import part

TRAINING = TrainingSpec(epochs=4, batch=8, patience=4)
FUSED = TrainingSpec(epochs=4, batch=8, patience=4, fused=True)


def network(name: str) -> nn.Module:
    """One of the catalogue's, small: `vgg16` draws for its dropout, `proposed` has batch norm's averages."""
    torch.manual_seed(0)
    made = build(scaled(CATALOGUE[name], 1 / 16), classes=2)
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def enlarged(samples: int, *, seed: int = 0):  # type: ignore[no-untyped-def]
    small = part(samples, seed=seed)
    return type(small)(images=small.images.repeat(1, 1, 4, 4), labels=small.labels)


def trained(
    standing: Standing, training: TrainingSpec, checkpoint: Checkpoint | None = None
) -> Iterator[Epoch]:
    keep = checkpoint.keep if checkpoint else forget
    return fit(
        standing,
        enlarged(20),
        validation=enlarged(10, seed=1),
        classes=2,
        training=training,
        keep=keep,
    )


def figures(history: list[Epoch]) -> list[tuple[float, ...]]:
    return [(e.number, e.train_loss, e.validation_loss, e.validation_accuracy) for e in history]


@pytest.mark.parametrize("name", ["vgg16", "proposed"])
@pytest.mark.parametrize("training", [TRAINING, FUSED], ids=["eager", "fused"])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_training_goes_on_bit_for_bit(tmp_path: Path, name: str, training: TrainingSpec, after: int) -> None:
    whole = begun(network(name), training, seed=3)
    list(trained(whole, training))

    checkpoint = Checkpoint(path=tmp_path / "run")
    list(islice(trained(begun(network(name), training, seed=3), training, checkpoint), after))
    torch.rand(100)  # another process has drawn other numbers
    resumed = begun(network(name), training, seed=99)
    assert checkpoint.restore(resumed)
    assert len(resumed.history) == after
    list(trained(resumed, training, checkpoint))
    assert figures(resumed.history) == figures(whole.history)
    ends: list[dict[str, Tensor]] = [s.network.state_dict() for s in (whole, resumed)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoint:
    """What one epoch of the proposed network has left."""
    checkpoint = Checkpoint(path=tmp_path / "run")
    list(islice(trained(begun(network("proposed"), TRAINING, seed=0), TRAINING, checkpoint), 1))
    return checkpoint


def file_of(checkpoint: Checkpoint) -> Path:
    """That of its first epoch."""
    return checkpoint.path.with_suffix(".odd")


def untouched(standing: Standing) -> bool:
    fresh = network("proposed").state_dict()
    same = all(torch.equal(tensor, fresh[key]) for key, tensor in standing.network.state_dict().items())
    return same and not standing.history and not standing.optimizer.state


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.1, 0.5, 0.999])
def test_a_file_that_is_cut_short_counts_as_none(kept: Checkpoint, share: float) -> None:
    content = file_of(kept).read_bytes()
    file_of(kept).write_bytes(content[: int(share * len(content))])
    standing = begun(network("proposed"), TRAINING, seed=0)
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
    standing = begun(network("proposed"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert untouched(standing)


def sealed(header: bytes) -> bytes:
    """A file of that header alone, with its length and the right sum."""
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
    standing = begun(network("proposed"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert untouched(standing)


class Versioned(nn.Linear):
    """Takes back no state that does not tell its version, as torchvision's MNASNet does not."""

    _version = 2

    def _load_from_state_dict(self, state, prefix, metadata, *rest):  # type: ignore[no-untyped-def]
        if metadata.get("version") != 2:
            raise ValueError("version should be set to 2")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_a_module_that_asks_for_its_version_trains_and_goes_on(tmp_path: Path) -> None:
    checkpoint, net = Checkpoint(path=tmp_path / "run"), nn.Sequential(nn.Flatten(), Versioned(192, 2))
    small = replace(TRAINING, epochs=2)

    def fitted(standing: Standing) -> Iterator[Epoch]:
        return fit(standing, part(20), validation=part(10), classes=2, training=small, keep=checkpoint.keep)

    next(fitted(begun(copy.deepcopy(net), small, seed=0)))
    resumed = begun(copy.deepcopy(net), small, seed=0)
    assert checkpoint.restore(resumed)
    assert [epoch.number for epoch in fitted(resumed)] == [2]


def test_a_header_that_promises_more_than_there_is_asks_for_no_memory(kept: Checkpoint) -> None:
    content = file_of(kept).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[16 : 16 + size].replace(b'"int64", []', b'"int64", [99999999999]', 1)
    file_of(kept).write_bytes(
        len(header).to_bytes(8, "little") + content[8:16] + header + content[16 + size :]
    )
    assert not kept.restore(begun(network("proposed"), TRAINING, seed=0))


def test_another_networks_file_counts_as_none(kept: Checkpoint) -> None:
    standing = begun(network("vgg16"), TRAINING, seed=0)
    assert not kept.restore(standing)
    assert standing.history == []


def test_pieces_are_kept(kept: Checkpoint) -> None:
    standing = begun(network("proposed"), TRAINING, seed=0, pieces=2)
    list(islice(trained(standing, TRAINING, kept), 1))
    resumed = begun(network("proposed"), TRAINING, seed=0)
    assert kept.restore(resumed)
    assert resumed.pieces == 2


def test_an_epoch_that_is_not_whole_leaves_the_one_before(kept: Checkpoint) -> None:
    standing = begun(network("proposed"), TRAINING, seed=0)
    assert kept.restore(standing)
    list(islice(trained(standing, TRAINING, kept), 1))
    second = kept.path.with_suffix(".even")
    content = second.read_bytes()
    for spoilt in (bytes(16) + content[16:], content[:-4096] + bytes(4096), content[: len(content) // 2]):
        second.write_bytes(spoilt)
        resumed = begun(network("proposed"), TRAINING, seed=0)
        assert kept.restore(resumed)
        assert [epoch.number for epoch in resumed.history] == [1]
    second.write_bytes(content)
    resumed = begun(network("proposed"), TRAINING, seed=0)
    assert kept.restore(resumed)
    assert [epoch.number for epoch in resumed.history] == [1, 2]


def test_what_cannot_be_written_is_told_and_what_is_there_can_be_discarded(kept: Checkpoint) -> None:
    kept.path.with_suffix(".even").mkdir()
    standing = begun(network("proposed"), TRAINING, seed=0)
    with pytest.raises(OSError, match="directory"):
        list(islice(trained(standing, TRAINING, kept), 2))
    kept.path.with_suffix(".even").rmdir()
    assert kept.restore(begun(network("proposed"), TRAINING, seed=0))
    kept.discard()
    assert not kept.restore(begun(network("proposed"), TRAINING, seed=0))
    kept.tidy()
    assert list(kept.path.parent.iterdir()) == []
    kept.discard()


def test_files_of_a_run_that_has_ended_are_used_again_and_say_nothing_of_it(kept: Checkpoint) -> None:
    kept.discard()
    other = Checkpoint(path=kept.path.with_name("other"))
    spare = kept.path.with_name("spare.odd")
    assert spare.exists()
    spare.replace(other.path.with_suffix(".odd"))
    assert not other.restore(begun(network("proposed"), TRAINING, seed=0)), "killed before it had written"
    other.path.with_suffix(".odd").replace(spare)
    list(islice(trained(begun(network("proposed"), TRAINING, seed=7), TRAINING, other), 1))
    assert not spare.exists()
    resumed = begun(network("proposed"), TRAINING, seed=0)
    assert other.restore(resumed)
    assert len(resumed.history) == 1


class Odd(nn.Sequential):
    """Has a buffer that holds nothing, and state that is no tensor where `counts`."""

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
        checkpoint = Checkpoint(path=tmp_path / f"run{counts}")
        history = list(trained(begun(Odd(counts=counts), TRAINING, seed=0), TRAINING, checkpoint))
        assert len(history) == TRAINING.epochs
        assert checkpoint.restore(begun(Odd(counts=counts), TRAINING, seed=0)) is not counts
