"""Tests of mistakes in the commands that run studies: `ablate`, `compare`, `reproduce` and `tune`."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.user_errors.conftest import ErrorCheck

PARTS = ("cbam", "residual", "separable", "prelu", "batch-norm", "gap-head")
HELP = "`harness ablate --help`"

OPTIONS = {
    "ablate extra": ("UsageError", "extra", HELP),
    "ablate --epoch 3": ("NoSuchOption", "--epoch", "Did you mean '--epochs'? See", HELP),
    "ablate --only vgg16": ("NoSuchOption", "--only", "an option of compare, tune, cost, bench", HELP),
    "ablate --wihtout vgg16": ("NoSuchOption", "--wihtout", HELP),
    "ablate --pretrained": ("NoSuchOption", "--pretrained", "an option of compare, tune", HELP),
    "ablate --trials 3": ("NoSuchOption", "--trials", "an option of tune", HELP),
    "ablate --classess fear": ("NoSuchOption", "--classess", "--classes", HELP),
    "ablate --deterministic yes": ("UsageError", "yes", HELP),
    "ablate --deterministic=yes": ("BadOptionUsage", "--deterministic", "not take a value", "--help"),
    "ablate 'two\nwords'": ("UsageError", "two", "words", HELP),
    "ablate --out": ("BadOptionUsage", "--out", "--help"),
    "compare --design ladder": (
        "NoSuchOption",
        "--design",
        "an option of ablate, tune",
        "`harness compare --help`",
    ),
    "compare --order cbam": (
        "NoSuchOption",
        "--order",
        "an option of ablate, tune",
        "`harness compare --help`",
    ),
    "reproduce --dataset casme2": (
        "NoSuchOption",
        "--dataset",
        "ablate, compare",
        "`harness reproduce --help`",
    ),
    "reproduce --only vgg16": ("NoSuchOption", "--only", "compare", "`harness reproduce --help`"),
    "tune --tuned": ("NoSuchOption", "--tuned", "an option of ablate, compare", "`harness tune --help`"),
    "tune --out x": ("NoSuchOption", "--out", "ablate", "`harness tune --help`"),
}

NUMBERS = {
    "ablate --seeds 1000000000": ("repetitions.range", "--seeds", "got 1000000000"),
    "ablate --epochs ten": ("BadParameter", "--epochs", "got 'ten'", HELP),
    "ablate --epochs 1.5": ("BadParameter", "--epochs", "got '1.5'", HELP),
    "ablate --epochs '1\n2'": ("BadParameter", "--epochs", r"got '1\n2'", HELP),
    "ablate --epochs nan": ("BadParameter", "--epochs", "got 'nan'", HELP),
    "ablate --epochs ''": ("BadParameter", "--epochs", "got ''", HELP),
    "ablate --epochs 0": ("training-count.too-small", "got 0"),
    "ablate --epochs -3": ("training-count.too-small", "got -3"),
    "ablate --epochs 1000000000": ("training-count.too-large", "got 1000000000"),
    "ablate --batch some": ("BadParameter", "--batch", "got 'some'", HELP),
    "ablate --batch 0": ("training-count.too-small", "got 0"),
    "ablate --batch -1": ("training-count.too-small", "got -1"),
    "ablate --batch 99999999999999999999": ("training-count.too-large", "got 99999999999999999999"),
    "ablate --image-size big": ("BadParameter", "--image-size", "got 'big'", HELP),
    "ablate --image-size 0": ("image-size.below-one", "got 0"),
    "ablate --image-size -8": ("image-size.below-one", "got -8"),
    "ablate --image-size 16": ("image-size.too-small", "at least 32 px", "got 16", "raise --image-size"),
    "compare --image-size 64": (
        "image-size.too-small",
        "alexnet",
        "at least 65 px",
        "got 64",
        "raise --image-size",
    ),
    "ablate --image-size 100000": (
        "image-size.too-large",
        "--image-size",
        "at most 1024 pixels",
        "got 100000",
    ),
    "ablate --width wide": ("BadParameter", "--width", "got 'wide'", HELP),
    "ablate --width 0": ("width.range", "got 0.0"),
    "ablate --width -1": ("width.range", "got -1.0"),
    "ablate --width nan": ("width.range",),
    "ablate --width inf": ("width.range",),
    "ablate --width 1e9": ("width.range", "got 1000000000.0"),
    "ablate --seeds many": ("BadParameter", "--seeds", "got 'many'", HELP),
    "ablate --seeds 0": ("repetitions.range", "--seeds", "got 0"),
    "ablate --seeds -1": ("repetitions.range", "--seeds", "got -1"),
    "ablate --folds few": ("BadParameter", "--folds", "got 'few'", HELP),
    "ablate --protocol kfold --folds 1": ("folds.too-few", "--folds", "got 1"),
    "ablate --protocol kfold --folds -2": ("folds.too-few", "--folds", "got -2"),
    "ablate SMALL --protocol kfold --folds 9": ("fold-count.range", "--folds", "subjects", "got 9"),
    "ablate --jobs two": ("BadParameter", "--jobs", "got 'two'", HELP),
    "ablate --jobs 0": ("jobs.too-few", "--jobs", "got 0"),
    "ablate --jobs -1": ("jobs.too-few", "--jobs", "got -1"),
    "reproduce --casme2 {tree} --epochs 0": ("training-count.too-small", "got 0"),
    "reproduce --casme2 {tree} --seeds x": (
        "BadParameter",
        "--seeds",
        "got 'x'",
        "`harness reproduce --help`",
    ),
    "reproduce --casme2 {tree} --jobs 0": ("jobs.too-few", "--jobs", "got 0"),
    "tune --trials ten": ("BadParameter", "--trials", "got 'ten'", "`harness tune --help`"),
    "tune --trials -1": ("trials.range", "--trials", "got -1"),
    "tune --trials 1000000000": ("trials.range", "--trials", "got 1000000000"),
    "tune --epochs 0": ("training-count.too-small", "got 0"),
}

CHOICES = {
    "ablate --protocol subjects": ("choice.unknown", "'subjects'"),
    "ablate --protocol FRAME": ("choice.unknown", "'FRAME'"),
    "ablate --protocol frame,": ("choice.unknown", "unknown protocol ''"),
    "ablate --preset fast": ("choice.unknown", "'fast'"),
    "ablate --preset quik": ("choice.unknown", "unknown preset 'quik'", "Did you mean 'quick'?"),
    "ablate --preset ''": ("choice.unknown", "unknown preset ''"),
    "ablate --design stairs": (
        "choice.unknown",
        "'stairs'",
        "ladder, controlled, leave-one-out, add-one-in, factorial, placebo",
    ),
    "ablate --order attention": ("choice.unknown", "--order 'attention'", *PARTS),
    "ablate --order ''": ("choice.unknown", "--order ''", *PARTS),
    "ablate --order cbam,cbam": ("component-order.components", "--order"),
    "ablate --device gpu": ("choice.unknown", "'gpu'"),
    "ablate --device cuda:0": ("choice.unknown", "'cuda:0'"),
    "ablate --engine slow": ("choice.unknown", "--engine", "'slow'"),
    "ablate --precision bf16": (
        "choice.unknown",
        "--precision",
        "'bf16'",
        "auto, float32, tf32-convolutions, tf32, bfloat16",
    ),
    "ablate --executor dask": ("choice.unknown", "--executor", "'dask'"),
    "compare --only vgg61": ("choice.unknown", "'vgg61'", "accepted: vgg16", "proposed", "mobilenetv3-large"),
    "compare --only VGG16": (
        "choice.unknown",
        "'VGG16'",
        "accepted: vgg16",
        "proposed",
        "Did you mean 'vgg16'?",
    ),
    "compare --without vgg61": ("choice.unknown", "'vgg61'", "accepted: vgg16", "Did you mean 'vgg16'?"),
    "compare --only vgg16,": ("choice.unknown", "unknown architecture ''", "accepted: vgg16", "proposed"),
    "reproduce --casme2 {tree} --protocol video": ("choice.unknown", "'video'"),
    "reproduce --casme2 {tree} --preset fast": ("choice.unknown", "'fast'"),
    "tune --for sweeps": ("choice.unknown", "--for 'sweeps'"),
    "tune --pruner ''": ("choice.unknown", "--pruner ''"),
    "tune --for compare --only vgg61": ("choice.unknown", "'vgg61'", "accepted: vgg16", "proposed"),
}

COMBINATIONS = {
    "ablate --searches sqlite:///o.db": (
        "searches.without-tuned",
        "--searches",
        "'sqlite:///o.db'",
        "leave --searches out",
    ),
    "ablate SMALL --retry-failed": (
        "retry-failed.no-failure",
        "--retry-failed runs only cells that failed before",
    ),
    "compare --without vgg16-bn-gap": ("without.not-in-comparison", "--without", "got vgg16-bn-gap"),
    "compare --only vgg16 --without vgg16": (
        "without.everything",
        "--without must leave a network",
        "got vgg16",
    ),
    "ablate SMALL --seeds 401": (
        "cells.unconfirmed",
        "2,000 cells",
        "--yes",
        "got 2,005 cells",
        "lower --seeds",
    ),
    "ablate --folds 5": ("folds.without-kfold", "--folds", "--protocol kfold"),
    "ablate --protocol subject --folds 5": ("folds.without-kfold", "--folds", "--protocol kfold"),
    "ablate --protocol frame,frame": ("study-axis.duplicate", "frame"),
    "compare --only vgg16 --only vgg16": ("study-axis.duplicate", "vgg16"),
    "ablate --order cbam,cbam": ("component-order.components", "--order"),
    "ablate --design factorial --order batch-norm": (
        "component-order.factorial",
        "factorial",
        "--order",
        "got batch-norm",
        "cbam",
    ),
    "ablate --design placebo --order separable": ("component-order.placebo", "placebo", "--order"),
    "ablate --device cpu --engine fused --precision bfloat16": (
        "engine.fused-precision",
        "--engine fused",
        "bfloat16",
    ),
    "ablate --ray-address 127.0.0.1:1": (
        "ray-address.without-ray",
        "--ray-address",
        "--executor ray",
        "'127.0.0.1:1'",
        "local",
    ),
    "compare --pretrained --only proposed": ("pretrained-weights.none", "proposed", "leave --pretrained out"),
    "compare --pretrained --only vgg16 --width 0.5": (
        "pretrained-weights.none",
        "vgg16",
        "width 1",
        "leave --pretrained out",
    ),
    "ablate --tuned": ("searches.no-file", "--tuned", "optuna.db", "run `harness tune`"),
    "ablate --tuned --searches sqlite:///no.db": (
        "searches.no-file",
        "--tuned",
        "no file no.db",
        "run `harness tune`",
    ),
    "ablate --tuned --searches no.db": ("search-store.unusable", "--searches", "no.db", "sqlite:///FILE"),
    "reproduce --casme2 {tree} --folds 3": ("folds.without-kfold", "--folds", "--protocol kfold"),
    "tune --for compare --design factorial": (
        "search-option.of-another-command",
        "--design",
        "--for ablate",
        "got --for compare",
    ),
    "tune --for compare --order cbam": (
        "search-option.of-another-command",
        "--order",
        "--for ablate",
        "got --for compare",
    ),
    "tune --only vgg16 --pretrained": (
        "search-option.of-another-command",
        "--only and --pretrained",
        "--for compare",
        "got --for ablate",
    ),
    "tune --folds 3": ("folds.without-kfold", "--folds", "--protocol kfold"),
}

NETWORKS = {
    "compare --architecture net.py": ("user-network.source-form", "--architecture", "'net.py'"),
    "compare --architecture ''": ("user-network.source-form", "--architecture", "got ''"),
    "compare --architecture :tiny": ("user-network.source-form", "--architecture", "':tiny'"),
    "compare --architecture net.py:2tiny": ("user-network.source-form", "--architecture", "'net.py:2tiny'"),
    "compare --architecture nowhere.py:tiny": (
        "user-network.no-file",
        "--architecture",
        "there is no file nowhere.py",
    ),
    "compare --architecture taken:tiny": ("user-network.no-file", "--architecture"),
    "compare --architecture note.txt:tiny": ("user-network.no-python-file", "--architecture", "note.txt"),
    "compare --architecture net.py:big": ("user-network.no-function", "no function 'big'"),
    "compare --architecture net.py:value": ("user-network.no-function", "no function 'value'"),
    "compare --architecture broken.py:tiny": ("user-network.import-failure", "broken.py", "SyntaxError"),
    "compare --architecture lacking.py:tiny": (
        "user-network.import-failure",
        "lacking.py",
        "'nosuchpackage'",
    ),
    "compare --architecture net.py:raising": ("user-network.build-failure", "net.py:raising fails for"),
    "compare --architecture net.py:nothing": (
        "user-network.build-failure",
        "net.py:nothing fails for",
        "takes 0 positional arguments",
    ),
    "compare --architecture net.py:text": (
        "user-network.no-module",
        "net.py:text must return a torch.nn.Module",
    ),
    "compare --architecture net.py:wide": (
        "user-network.output-shape",
        "net.py:wide must map images",
        "logits (2, 6)",
        "got (2, 7)",
    ),
    "compare --architecture net.py:narrow": (
        "user-network.forward-failure",
        "net.py:narrow fails on images (2, 3, 224, 224)",
    ),
    "compare --architecture net.py:tiny --architecture net.py:tiny": ("study-axis.duplicate", "tiny"),
    "tune --architecture net.py": ("user-network.source-form", "--architecture", "'net.py'"),
}

STORES = {
    "ablate SMALL --out note.txt": ("output-folder.not-writable", "note.txt"),
    "ablate SMALL --out note.txt/below": ("output-folder.not-writable", "note.txt/below"),
    "ablate SMALL --tracking-uri nosuch://x": (
        "tracking-store.no-answer",
        "nosuch://x",
        "http://HOST:PORT",
        "sqlite:///FILE",
    ),
    "ablate SMALL --tracking-uri http://127.0.0.1:1": ("tracking-store.no-answer", "http://127.0.0.1:1"),
    "ablate SMALL --tracking-uri ''": ("tracking-uri.empty", "--tracking-uri", "got ''", "./mlflow.db"),
    "ablate SMALL --tracking-uri taken": ("tracking-store.no-answer", "sqlite:///FILE", "./mlflow.db"),
    "ablate SMALL --tracking-uri mysql://ann:secret@127.0.0.1/x": (
        "tracking-store.no-answer",
        "mysql://…@127.0.0.1/x",
    ),
    "ablate SMALL --tracking-uri sqlite:///taken": ("tracking-store.not-mlflow", "sqlite:///taken"),
    "ablate SMALL --tracking-uri sqlite:///note.txt": ("tracking-store.not-mlflow", "sqlite:///note.txt"),
    "ablate SMALL --tracking-uri sqlite:///note.txt/x.db": (
        "output-folder.not-writable",
        "must be a writable folder; note.txt is not",
    ),
    "ablate SMALL --tracking-uri http://ann:secret@127.0.0.1:9": (
        "tracking-store.no-answer",
        "http://127.0.0.1:9",
    ),
    "ablate SMALL --out 'note.txt/two\nlines'": ("output-folder.not-writable", r"note.txt/two\nlines"),
    "tune --searches nosuch://x": (
        "search-store.unusable",
        "--searches",
        "nosuch://x",
        "sqlite:///FILE",
        "./optuna.db",
    ),
    "tune --searches ''": (
        "search-store.unusable",
        "--searches",
        "'' cannot be opened",
        "sqlite:///FILE",
        "./optuna.db",
    ),
    "tune --searches note.txt": (
        "search-store.unusable",
        "--searches",
        "note.txt",
        "sqlite:///FILE",
        "./optuna.db",
    ),
    "tune --searches sqlite:///note.txt": (
        "search-store.unusable",
        "--searches",
        "sqlite:///note.txt",
        "sqlite:///FILE",
    ),
    "tune --searches sqlite:///note.txt/o.db": (
        "search-store.unusable",
        "--searches",
        "sqlite:///note.txt/o.db",
    ),
}

NEEDED_RAY = importlib.util.find_spec("ray") is not None
CLUSTERS = {
    "ablate --executor ray --ray-address nowhere": (
        "ray-address.invalid",
        "--ray-address",
        "auto",
        "'nowhere'",
    ),
    "ablate --executor ray --ray-address host:port": ("ray-address.invalid", "--ray-address", "'host:port'"),
    "ablate --executor ray --ray-address ''": ("ray-address.invalid", "--ray-address", "got ''"),
    "ablate --executor ray --ray-address 127.0.0.1:1": (
        "ray-cluster.missing",
        "127.0.0.1:1: no Ray cluster",
        "ray start --head",
    ),
    "ablate --executor ray --ray-address 127.0.0.1:99999": (
        "ray-cluster.missing",
        "127.0.0.1:99999: no Ray cluster",
    ),
}


@pytest.mark.parametrize("line", OPTIONS)
def test_unknown_option_or_argument_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, OPTIONS[line])


@pytest.mark.parametrize("line", NUMBERS)
def test_invalid_number_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, NUMBERS[line])


@pytest.mark.parametrize("line", CHOICES)
def test_unknown_choice_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, CHOICES[line])


@pytest.mark.parametrize("line", COMBINATIONS)
def test_impossible_option_combination_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, COMBINATIONS[line])


@pytest.mark.parametrize("line", NETWORKS)
def test_invalid_user_network_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, NETWORKS[line])


@pytest.mark.parametrize("line", STORES)
def test_unusable_result_folder_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, STORES[line])


@pytest.mark.skipif(not NEEDED_RAY, reason="Ray is not installed")
@pytest.mark.parametrize("line", CLUSTERS)
def test_address_without_ray_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, CLUSTERS[line])


def test_missing_ray_is_an_error(assert_user_error: ErrorCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "ray" else find_spec(name, *a)
    )
    assert_user_error("ablate --executor ray", ("ray.not-installed", "pip install --editable '.[ray]'"))


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has the device")
@pytest.mark.parametrize("line", ["ablate --device cuda", "ablate --engine fused --device cuda"])
def test_unavailable_device_is_an_error(assert_user_error: ErrorCheck, line: str) -> None:
    assert_user_error(line, ("device.unavailable", "--device cuda", "--device auto"))


def test_uncached_weights_are_an_error(
    assert_user_error: ErrorCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert_user_error(
        "compare --pretrained --only resnet34",
        ("pretrained-weights.missing", "resnet34", "https://", "--pretrained"),
    )


def test_database_of_another_program_is_refused_unchanged(assert_user_error: ErrorCheck) -> None:
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE customers (name)")
    assert_user_error(
        "ablate SMALL --tracking-uri sqlite:///other.db",
        ("tracking-store.not-mlflow", "other.db"),
    )
    assert_user_error(
        "tune --searches sqlite:///other.db",
        ("search-store.unusable", "other.db", "another program's", "sqlite:///"),
    )
