from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import ShuffleNetV2, SqueezeNet

from architectures.catalogue import CATALOGUE, get_architecture, with_width
from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from architectures.weights import load_pretrained
from tests.error_codes import raises_code

SHUFFLENET = replace(get_architecture("shufflenetv2"), pretrained=True)
VGG16 = replace(get_architecture("vgg16"), pretrained=True)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Iterator[Path]:
    """Return torch's checkpoint folder, empty for one test."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


def file_name(network: str) -> str:
    url: str = torchvision.models.get_model_weights(network).DEFAULT.url
    return url.rsplit("/", 1)[-1]


def save(network: nn.Module, *, to: Path) -> None:
    torch.save(network.state_dict(), to)


def test_all_layers_except_the_last_are_loaded(checkpoints: Path) -> None:
    torch.manual_seed(1)
    published = torchvision.models.shufflenet_v2_x1_0(weights=None)
    published.train()(torch.randn(2, 3, 64, 64))  # so that batch norm's statistics change
    save(published, to=checkpoints / file_name("shufflenet_v2_x1_0"))
    torch.manual_seed(2)
    network = build_network(SHUFFLENET, num_classes=6)
    torch.manual_seed(2)
    initial = build_network(replace(SHUFFLENET, pretrained=False), num_classes=6)
    for key, tensor in network.state_dict().items():
        source = initial if key in ("fc.weight", "fc.bias") else published
        assert torch.equal(tensor, source.state_dict()[key]), key


def test_last_layer_is_not_loaded_even_if_its_shape_fits(checkpoints: Path) -> None:
    published = torchvision.models.shufflenet_v2_x1_0(weights=None)
    save(published, to=checkpoints / file_name("shufflenet_v2_x1_0"))
    network = build_network(SHUFFLENET, num_classes=1000)
    assert torch.equal(network.get_parameter("conv1.0.weight"), published.conv1[0].weight)
    assert not torch.equal(network.get_parameter("fc.weight"), published.fc.weight)


def test_files_without_batch_norm_counters_load(checkpoints: Path) -> None:
    published = torchvision.models.shufflenet_v2_x1_0(weights=None)
    old = {k: v for k, v in published.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(old, checkpoints / file_name("shufflenet_v2_x1_0"))
    network = build_network(SHUFFLENET, num_classes=6)
    assert torch.equal(network.get_parameter("conv1.0.weight"), published.conv1[0].weight)


def test_vgg16_has_torchvisions_tensors_in_order() -> None:
    with torch.device("meta"):
        network = build_network(get_architecture("vgg16"), num_classes=1000)
        theirs = torchvision.models.vgg16(weights=None)
    assert [tensor.shape for tensor in network.state_dict().values()] == [
        tensor.shape for tensor in theirs.state_dict().values()
    ]


def test_vgg16_loads_every_tensor_of_the_file(checkpoints: Path) -> None:
    with torch.device("meta"):
        theirs = torchvision.models.vgg16(weights=None).state_dict()
    # One stored number for each tensor, expanded to its shape, keeps the file small.
    numbered = {
        key: torch.tensor(float(number)).expand(tensor.shape)
        for number, (key, tensor) in enumerate(theirs.items())
    }
    torch.save(numbered, checkpoints / file_name("vgg16"))
    with torch.device("meta"):
        network = build_network(get_architecture("vgg16"), num_classes=6)
    network.to_empty(device="cpu")  # 138 million random numbers would take seconds
    *_, weight, bias = network.parameters()
    weight.data.fill_(-1)
    bias.data.fill_(-1)
    load_pretrained(network, VGG16)
    *loaded, weight, bias = network.state_dict().values()
    assert len(loaded) == 2 * 15
    for number, tensor in enumerate(loaded):
        assert tensor.flatten()[0] == tensor.flatten()[-1] == number
    assert weight.shape == (6, 4096)
    assert (weight == -1).all()
    assert (bias == -1).all()


@pytest.mark.parametrize("name", ["shufflenetv2", "resnet34", "efficientnet-b0", "mobilenetv3-large"])
def test_missing_weights_are_an_error_without_download(name: str, checkpoints: Path) -> None:
    spec = replace(get_architecture(name), pretrained=True)
    path = checkpoints / file_name(spec.network)
    with raises_code("pretrained-weights.missing", path, "https://", "--pretrained"):
        build_network(spec, num_classes=6)
    assert not list(checkpoints.iterdir())


@pytest.mark.parametrize("name", [name for name in CATALOGUE if "vgg16" in name and name != "vgg16"])
def test_no_weights_exist_for_a_changed_vgg16(name: str) -> None:
    with torch.device("meta"), raises_code("pretrained-weights.none", name):
        build_network(replace(get_architecture(name), pretrained=True), num_classes=6)


@pytest.mark.parametrize(
    "spec",
    [
        get_architecture("alexnet"),
        get_architecture("proposed"),
        with_width(get_architecture("vgg16"), 0.5),
        ArchitectureSpec(name="vgg11", stages=((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))),
    ],
    ids=lambda spec: spec.name,
)
def test_no_weights_exist_for_networks_not_in_torchvision(spec: ArchitectureSpec) -> None:
    with (
        torch.device("meta"),
        raises_code("pretrained-weights.none", repr(spec.name), "--pretrained", "--only"),
    ):
        build_network(replace(spec, pretrained=True), num_classes=6)


def another_width() -> ShuffleNetV2:
    return torchvision.models.shufflenet_v2_x0_5(weights=None)


def another_network() -> SqueezeNet:
    return torchvision.models.squeezenet1_1(weights=None)


@pytest.mark.parametrize("other", [another_width, another_network])
def test_file_of_another_network_is_refused(other: Callable[[], nn.Module], checkpoints: Path) -> None:
    save(other(), to=checkpoints / file_name("shufflenet_v2_x1_0"))
    with raises_code("pretrained-weights.other-network", "shufflenet_v2_x1_0", "https://"):
        build_network(SHUFFLENET, num_classes=6)


def test_file_of_another_network_is_refused_by_vgg16(checkpoints: Path) -> None:
    save(torchvision.models.squeezenet1_1(weights=None), to=checkpoints / file_name("vgg16"))
    with torch.device("meta"), raises_code("pretrained-weights.other-network", "vgg16"):
        build_network(VGG16, num_classes=6)
