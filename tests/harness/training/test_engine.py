"""Tests of engines: which one is chosen, how it is reported, and that all give the same outputs."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from architectures.catalogue import CATALOGUE, with_width
from architectures.cpu_kernels import library
from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.training.engine import (
    FP32_PRECISIONS,
    EngineChoice,
    backend_settings,
    make_forward,
    match_memory_format,
    reserve_compile_cache,
    select_engine,
    to_device_layout,
)
from harness.training.train import fit, init_state
from studies.spec import TrainingSpec
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request
from tests.harness.training.tiny_data import CUDA, SHORT, make_three_class_data

CPU = torch.device("cpu")


def choice(device: torch.device = CPU, **options: object) -> EngineChoice:
    values = {"engine": "auto", "precision": "auto", "deterministic": False, **options}
    return select_engine(device, **values)  # type: ignore[arg-type]


def test_cpu_selects_the_fused_kernels_in_float32() -> None:
    engine = choice()
    assert (engine.engine, engine.precision) == ("fused", "float32")
    assert "fused kernels" in engine.reason
    assert engine.apply_to(TrainingSpec()) == TrainingSpec(engine="fused")


def test_cpu_without_compiler_is_eager_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/bin/false")
    # Without its cache, so that the kernels of later tests stay loaded.
    monkeypatch.setattr(library, "load_library", library.load_library.__wrapped__)
    engine = choice()
    assert engine.engine == "eager"
    assert "/bin/false cannot compile" in engine.reason
    with raises_code("engine.no-kernels", "C++ compiler"):
        choice(engine="fused")


def test_cpu_with_bfloat16_is_eager() -> None:
    engine = choice(precision="bfloat16")
    assert (engine.engine, engine.precision) == ("eager", "bfloat16")
    assert "no bfloat16" in engine.reason


def test_more_seeds_and_protocols_change_no_run(tree: Path) -> None:
    data = DataRequest(dataset="casme2", root=tree, frames="apex_window")
    one = plan_study(request(tree, data=data)).study.list_runs()
    more = plan_study(request(tree, seeds=3, protocols=("frame", "subject"), data=data)).study.list_runs()
    assert {run.key for run in one} < {run.key for run in more}


def test_gpu_is_eager_by_default() -> None:
    assert choice(CUDA).engine == "eager"
    assert choice(CUDA, engine="compiled").engine == "compiled"


def test_study_restores_torchs_precision() -> None:
    conv = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    products = torch.backends.cuda.matmul
    before = conv.fp32_precision, products.fp32_precision
    for precision, expected in FP32_PRECISIONS.items():
        with backend_settings(TrainingSpec(precision=precision), CPU):
            assert (conv.fp32_precision, products.fp32_precision) == expected
        assert (conv.fp32_precision, products.fp32_precision) == before


def test_deterministic_is_recorded_only_if_it_matters() -> None:
    assert not choice(CPU, deterministic=True).deterministic
    assert choice(CUDA, deterministic=True).deterministic


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"engine": "quick"}, ("choice.unknown", "'quick'", "auto, eager, fused, compiled")),
        ({"precision": "half"}, ("choice.unknown", "auto, float32, tf32-convolutions, tf32, bfloat16")),
        ({"engine": "fused", "precision": "bfloat16"}, ("engine.fused-precision", "bfloat16")),
        ({"precision": "tf32"}, ("precision.no-tf32", "tf32", "cpu")),
        ({"device": CUDA, "engine": "fused"}, ("engine.fused-on-gpu", "cuda")),
    ],
)
def test_unknown_corruption_is_an_error(options: dict[str, object], error: tuple[str, ...]) -> None:
    with raises_code(*error):
        choice(**options)  # type: ignore[arg-type]


def weights_after(
    network: nn.Module, training: TrainingSpec, *, micro_batches: int = 1
) -> dict[str, torch.Tensor]:
    network = copy.deepcopy(network)
    state = init_state(network, training, seed=0, micro_batches=micro_batches)
    history = fit(
        state,
        make_three_class_data(26),
        validation=make_three_class_data(6),
        num_classes=3,
        training=training,
    )
    assert [epoch.number for epoch in history] == [1, 2]
    return network.state_dict()


@pytest.fixture(scope="module")
def eager_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights after a training in float32 without kernels."""
    return weights_after(network, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [
        TrainingSpec(epochs=2, batch_size=8, learning_rate=1e-5, engine="fused"),
        TrainingSpec(epochs=2, batch_size=8, learning_rate=1e-5, precision="bfloat16"),
    ],
    ids=["fused", "bfloat16"],
)
def test_engines_train_to_close_weights(
    network: nn.Module, eager_weights: dict[str, torch.Tensor], training: TrainingSpec
) -> None:
    slow, fast = eager_weights, weights_after(network, training)
    assert list(slow) == list(fast)
    for name, start in network.state_dict().items():
        if start.is_floating_point() and "running" not in name:
            # From the same start, at most 8 steps of the learning rate in each direction.
            assert (slow[name] - fast[name]).abs().max() <= 2 * 8 * SHORT.learning_rate
    images = make_three_class_data(12).images.float() / 255
    for net in (a := copy.deepcopy(network), b := copy.deepcopy(network)):
        net.load_state_dict(slow if net is a else fast)
        net.eval()
    with torch.no_grad():
        assert torch.allclose(a(images), b(images), atol=0.02)


@pytest.mark.parametrize(("name", "is_nchw"), [("resnet34", True), ("mobilenetv3-large", False)])
def test_images_have_the_memory_format_of_the_weights(name: str, is_nchw: bool) -> None:
    spec = CATALOGUE[name]
    with torch.device("meta"):
        network = build_network(spec, num_classes=3)
    network = to_device_layout(network.to_empty(device="cpu"), spec, CPU)
    images = match_memory_format(torch.rand(2, 3, 4, 4), network)
    assert images.is_contiguous() is is_nchw
    assert images.is_contiguous(memory_format=torch.channels_last) is not is_nchw


def test_bfloat16_outputs_are_float32(network: nn.Module) -> None:
    network = copy.deepcopy(network).eval()
    step = make_forward(network, TrainingSpec(precision="bfloat16"))
    with torch.no_grad():
        outputs, exact = step(torch.rand(2, 3, 32, 32)), network(torch.rand(2, 3, 32, 32))
    assert outputs.dtype == exact.dtype == torch.float32
    assert not torch.equal(outputs, exact)


@pytest.mark.slow
def test_compiled_network_has_equal_outputs() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    step = make_forward(net, TrainingSpec(batch_size=4, engine="compiled"))
    images = torch.rand(4, 3, 8, 8)
    assert torch.allclose(step(images), net(images), atol=1e-5)
    assert torch.equal(step(images[:3]), net(images[:3])), "partial batches run uncompiled"


@pytest.mark.slow
def test_cells_of_one_architecture_share_the_compiled_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from torch._dynamo.utils import counters

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    counters.clear()
    training = TrainingSpec(batch_size=4, engine="compiled")
    for seed in range(3):
        with backend_settings(training, torch.device("cpu")):
            torch.manual_seed(seed)
            net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 36, 2))
            step = make_forward(net, training)
            images = torch.rand(4, 3, 8, 8)
            assert torch.allclose(step(images), net(images), atol=1e-5)
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ
    assert counters["stats"]["unique_graphs"] == 1
    folder = tmp_path / "code" / "inductor"
    assert any(folder.iterdir()), "inductor stores its code in the cache folder"
    assert folder.stat().st_mode & 0o022 == 0


def test_process_keeps_the_compiled_code_of_a_few_architectures() -> None:
    cache: set[ArchitectureSpec] = set()
    specs = [with_width(CATALOGUE["proposed"], 1 / n) for n in range(1, 9)]
    for spec in specs[:6] * 2:
        reserve_compile_cache(spec, cache=cache)
    assert cache == set(specs[:6])
    reserve_compile_cache(specs[7], cache=cache)
    assert cache == {specs[7]}


def test_micro_batches_step_like_the_full_batch() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, 3))
    training = TrainingSpec(epochs=2, batch_size=8)
    full_batch, cut = weights_after(net, training), weights_after(net, training, micro_batches=4)
    for name in full_batch:
        assert torch.allclose(full_batch[name], cut[name], atol=1e-5)
    assert not torch.allclose(full_batch["2.weight"], net.state_dict()["2.weight"], atol=1e-4)


HUNGRY = """
import torch
from torch import nn


class Hungry(nn.Module):
    def __init__(self, classes, most):
        super().__init__()
        self.line, self.most = nn.Linear(3, classes), most

    def forward(self, x):
        if self.training and len(x) > self.most:
            torch.empty(2**60)
        return self.line(x.mean((2, 3)))


def fits_5(classes):
    return Hungry(classes, 5)


def fits_0(classes):
    return Hungry(classes, 0)
"""


@pytest.mark.slow
def test_cell_out_of_memory_trains_in_micro_batches(tree: Path, tmp_path: Path, harness: Run) -> None:
    (tmp_path / "net.py").write_text(HUNGRY)
    common = ("--dataset", "casme2", "--root", tree, "--preset", "quick", "--epochs", 1)
    small = ("--only", "vgg16-bn-gap", "--image-size", 32, "--width", 0.0625, "--batch", 16)
    nets = ("--architecture", "net.py:fits_5", "--architecture", "net.py:fits_0")
    code, out, err = harness("compare", *common, *small, *nets)
    assert code == 1, "one cell does not fit in any number of micro-batches"
    assert "fits_5 · frame" in err
    assert "out of memory: 4 micro-batches per batch" in err
    assert "failed  fits_0 (frame): RuntimeError" in out
    report = next(Path("results").glob("*/report.md")).read_text()
    assert "fits_5 (frame, seed 0, fold 0) was trained with each batch in 4 micro-batches" in report


@pytest.mark.slow
def test_plan_names_engine_and_duration(tree: Path, harness: Run) -> None:
    small = ("--preset", "quick", "--epochs", 1, "--image-size", 32, "--width", 0.0625)
    common = ("compare", "--only", "proposed", "--dataset", "casme2", "--root", tree, *small, "--dry-run")
    _, _, err = harness(*common)
    assert "at most 1 epoch; float32; fused kernels for the block networks" in err
    code, _, err = harness(*common, "--engine", "eager", "--precision", "bfloat16")
    assert code == 0
    assert "at most 1 epoch; bfloat16; eager, as requested" in err
    code, _, err = harness(*common, "--engine", "slow")
    assert code == 2
    assert "unknown --engine" in err
