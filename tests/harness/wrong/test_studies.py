"""Tests of mistakes in the commands that run studies: `ablate`, `compare`, `reproduce` and `tune`."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.wrong.conftest import Wrong

PARTS = ("cbam", "residual", "separable", "prelu", "batch-norm", "gap-head")
HELP = "`harness ablate --help`"

OPTIONS = {
    "ablate extra": ("extra", "unexpected", HELP),
    "ablate --epoch 3": ("--epoch", "Did you mean '--epochs'? See", HELP),
    "ablate --only vgg16": ("--only", "an option of compare, tune, cost, bench", HELP),
    "ablate --wihtout vgg16": ("--wihtout", HELP),
    "ablate --pretrained": ("--pretrained", "an option of compare, tune", HELP),
    "ablate --trials 3": ("--trials", "an option of tune", HELP),
    "ablate --classess fear": ("--classess", "--classes", HELP),
    "ablate --deterministic yes": ("yes", "unexpected", HELP),
    "ablate --deterministic=yes": ("--deterministic", "not take a value", "--help"),
    "ablate 'two\nwords'": ("two", "words", "unexpected", HELP),
    "ablate --out": ("--out", "requires an argument", "--help"),
    "compare --design ladder": ("--design", "an option of ablate, tune", "`harness compare --help`"),
    "compare --order cbam": ("--order", "an option of ablate, tune", "`harness compare --help`"),
    "reproduce --dataset casme2": ("--dataset", "ablate, compare", "`harness reproduce --help`"),
    "reproduce --only vgg16": ("--only", "compare", "`harness reproduce --help`"),
    "tune --tuned": ("--tuned", "an option of ablate, compare", "`harness tune --help`"),
    "tune --out x": ("--out", "ablate", "`harness tune --help`"),
}

NUMBERS = {
    "ablate --seeds 1000000000": ("--seeds must be at least 1 and at most", "got 1000000000"),
    "ablate --epochs ten": ("--epochs", "integer", "got 'ten'", HELP),
    "ablate --epochs 1.5": ("--epochs", "integer", "got '1.5'", HELP),
    "ablate --epochs '1\n2'": ("--epochs", "integer", r"got '1\n2'", HELP),
    "ablate --epochs nan": ("--epochs", "integer", "got 'nan'", HELP),
    "ablate --epochs ''": ("--epochs", "integer", "got ''", HELP),
    "ablate --epochs 0": ("epochs must be at least 1", "got 0"),
    "ablate --epochs -3": ("epochs must be at least 1", "got -3"),
    "ablate --epochs 1000000000": ("epochs must be at most 1000000", "got 1000000000"),
    "ablate --batch some": ("--batch", "integer", "got 'some'", HELP),
    "ablate --batch 0": ("batch must be at least 1", "got 0"),
    "ablate --batch -1": ("batch must be at least 1", "got -1"),
    "ablate --batch 99999999999999999999": ("batch must be at most 1000000", "got 99999999999999999999"),
    "ablate --image-size big": ("--image-size", "integer", "got 'big'", HELP),
    "ablate --image-size 0": ("image size must be at least 1 pixel", "got 0"),
    "ablate --image-size -8": ("image size must be at least 1 pixel", "got -8"),
    "ablate --image-size 16": ("at least 32 px", "got 16", "raise --image-size"),
    "compare --image-size 64": ("alexnet", "at least 65 px", "got 64", "raise --image-size"),
    "ablate --image-size 100000": ("--image-size", "at most 1024 pixels", "got 100000"),
    "ablate --width wide": ("--width", "number", "got 'wide'", HELP),
    "ablate --width 0": ("width must be above 0 and at most 4", "got 0.0"),
    "ablate --width -1": ("width must be above 0 and at most 4", "got -1.0"),
    "ablate --width nan": ("width must be above 0 and at most 4", "got nan"),
    "ablate --width inf": ("width must be above 0 and at most 4", "got inf"),
    "ablate --width 1e9": ("width must be above 0 and at most 4", "got 1000000000.0"),
    "ablate --seeds many": ("--seeds", "integer", "got 'many'", HELP),
    "ablate --seeds 0": ("--seeds must be at least 1", "got 0"),
    "ablate --seeds -1": ("--seeds must be at least 1", "got -1"),
    "ablate --folds few": ("--folds", "integer", "got 'few'", HELP),
    "ablate --protocol kfold --folds 1": ("--folds must be at least 2", "got 1"),
    "ablate --protocol kfold --folds -2": ("--folds must be at least 2", "got -2"),
    "ablate SMALL --protocol kfold --folds 9": ("--folds must be from 2 to 4", "subjects", "got 9"),
    "ablate --jobs two": ("--jobs", "integer", "got 'two'", HELP),
    "ablate --jobs 0": ("--jobs must be at least 1", "got 0", "leave it out"),
    "ablate --jobs -1": ("--jobs must be at least 1", "got -1", "leave it out"),
    "reproduce --casme2 {tree} --epochs 0": ("epochs must be at least 1", "got 0"),
    "reproduce --casme2 {tree} --seeds x": ("--seeds", "got 'x'", "`harness reproduce --help`"),
    "reproduce --casme2 {tree} --jobs 0": ("--jobs must be at least 1", "got 0"),
    "tune --trials ten": ("--trials", "integer", "got 'ten'", "`harness tune --help`"),
    "tune --trials -1": ("--trials must be at least 1", "got -1"),
    "tune --trials 1000000000": ("--trials must be at most 10000", "got 1000000000"),
    "tune --epochs 0": ("epochs must be at least 1", "got 0"),
}

WORDS = {
    "ablate --protocol subjects": ("'subjects'", "frame, clip, subject, kfold, loso"),
    "ablate --protocol FRAME": ("'FRAME'", "frame, clip, subject, kfold, loso"),
    "ablate --protocol frame,": ("unknown protocol ''", "frame, clip, subject, kfold, loso"),
    "ablate --preset fast": ("'fast'", "paper, quick"),
    "ablate --preset quik": ("unknown preset 'quik'", "paper, quick", "Did you mean 'quick'?"),
    "ablate --preset ''": ("unknown preset ''", "paper, quick"),
    "ablate --design stairs": (
        "'stairs'",
        "ladder, controlled, leave-one-out, add-one-in, factorial, placebo",
    ),
    "ablate --order attention": ("--order 'attention'", *PARTS),
    "ablate --order ''": ("--order ''", *PARTS),
    "ablate --order cbam,cbam": ("--order", "at most once", "got cbam, cbam"),
    "ablate --device gpu": ("'gpu'", "auto, cuda, mps, cpu"),
    "ablate --device cuda:0": ("'cuda:0'", "auto, cuda, mps, cpu"),
    "ablate --engine slow": ("--engine", "'slow'", "auto, eager, fused, compiled"),
    "ablate --precision bf16": ("--precision", "'bf16'", "auto, float32, tf32-convolutions, tf32, bfloat16"),
    "ablate --executor dask": ("--executor", "'dask'", "local, ray"),
    "compare --only vgg61": ("'vgg61'", "accepted: vgg16", "proposed", "mobilenetv3-large"),
    "compare --only VGG16": ("'VGG16'", "accepted: vgg16", "proposed", "Did you mean 'vgg16'?"),
    "compare --without vgg61": ("'vgg61'", "accepted: vgg16", "Did you mean 'vgg16'?"),
    "compare --only vgg16,": ("unknown architecture ''", "accepted: vgg16", "proposed"),
    "reproduce --casme2 {tree} --protocol video": ("'video'", "frame, clip, subject, kfold, loso"),
    "reproduce --casme2 {tree} --preset fast": ("'fast'", "paper, quick"),
    "tune --for sweeps": ("--for 'sweeps'", "ablate, compare"),
    "tune --pruner ''": ("--pruner ''", "median, hyperband"),
    "tune --for compare --only vgg61": ("'vgg61'", "accepted: vgg16", "proposed"),
}

TOGETHER = {
    "ablate --searches sqlite:///o.db": (
        "--searches needs --tuned",
        "'sqlite:///o.db'",
        "leave --searches out",
    ),
    "ablate SMALL --retry-failed": (
        "--retry-failed runs only cells that failed before",
        "has none",
        "leave the option out",
    ),
    "compare --without vgg16-bn-gap": ("--without", "networks of the comparison", "got vgg16-bn-gap"),
    "compare --only vgg16 --without vgg16": ("--without must leave a network", "got vgg16"),
    "ablate SMALL --seeds 401": ("2,000 cells", "--yes", "got 2,005 cells", "lower --seeds"),
    "ablate --folds 5": ("--folds", "--protocol kfold", "got frame"),
    "ablate --protocol subject --folds 5": ("--folds", "--protocol kfold", "got subject"),
    "ablate --protocol frame,frame": ("protocol named twice", "frame"),
    "compare --only vgg16 --only vgg16": ("arm named twice", "vgg16"),
    "ablate --order cbam,cbam": ("--order", "at most once", "got cbam, cbam"),
    "ablate --design factorial --order batch-norm": ("factorial", "--order", "got batch-norm", "cbam"),
    "ablate --design placebo --order separable": (
        "placebo",
        "--order",
        "got separable",
        "cbam, residual, prelu",
    ),
    "ablate --device cpu --engine fused --precision bfloat16": ("--engine fused", "bfloat16", "leave one"),
    "ablate --ray-address 127.0.0.1:1": ("--ray-address", "--executor ray", "'127.0.0.1:1'", "local"),
    "compare --pretrained --only proposed": ("proposed", "no pretrained weights", "leave --pretrained out"),
    "compare --pretrained --only vgg16 --width 0.5": ("vgg16", "width 1", "leave --pretrained out"),
    "ablate --tuned": ("--tuned", "optuna.db", "run `harness tune`"),
    "ablate --tuned --searches sqlite:///no.db": ("--tuned", "no file no.db", "run `harness tune`"),
    "ablate --tuned --searches no.db": ("--searches", "no.db", "sqlite:///FILE"),
    "reproduce --casme2 {tree} --folds 3": ("--folds", "--protocol kfold", "got frame, subject"),
    "tune --for compare --design factorial": (
        "--design",
        "--for ablate",
        "got --for compare",
        "leave one out",
    ),
    "tune --for compare --order cbam": ("--order", "--for ablate", "got --for compare", "leave one out"),
    "tune --only vgg16 --pretrained": ("--only and --pretrained", "--for compare", "got --for ablate"),
    "tune --folds 3": ("--folds", "--protocol kfold", "got frame"),
}

NETWORKS = {
    "compare --architecture net.py": ("--architecture takes FILE.py:function", "'net.py'"),
    "compare --architecture ''": ("--architecture takes FILE.py:function", "got ''"),
    "compare --architecture :tiny": ("--architecture takes FILE.py:function", "':tiny'"),
    "compare --architecture net.py:2tiny": ("--architecture takes FILE.py:function", "'net.py:2tiny'"),
    "compare --architecture nowhere.py:tiny": ("--architecture", "there is no file nowhere.py"),
    "compare --architecture taken:tiny": ("--architecture", "there is no file taken"),
    "compare --architecture note.txt:tiny": (
        "--architecture takes FILE.py:function",
        "note.txt",
        "not a Python",
    ),
    "compare --architecture net.py:big": ("no function 'big'", "it has narrow, nothing, raising, text, tiny"),
    "compare --architecture net.py:value": ("no function 'value'", "tiny, wide"),
    "compare --architecture broken.py:tiny": ("broken.py cannot be imported", "SyntaxError"),
    "compare --architecture lacking.py:tiny": ("lacking.py cannot be imported", "'nosuchpackage'"),
    "compare --architecture net.py:raising": ("net.py:raising fails for", "no weights at hand"),
    "compare --architecture net.py:nothing": ("net.py:nothing fails for", "takes 0 positional arguments"),
    "compare --architecture net.py:text": ("net.py:text must return a torch.nn.Module", "got str"),
    "compare --architecture net.py:wide": ("net.py:wide must map images", "logits (2, 6)", "got (2, 7)"),
    "compare --architecture net.py:narrow": ("net.py:narrow fails on images (2, 3, 224, 224)",),
    "compare --architecture net.py:tiny --architecture net.py:tiny": ("arm named twice", "tiny"),
    "tune --architecture net.py": ("--architecture takes FILE.py:function", "'net.py'"),
}

STORES = {
    "ablate SMALL --out note.txt": ("note.txt", "writable folder", "name another"),
    "ablate SMALL --out note.txt/below": ("note.txt/below", "writable folder", "name another"),
    "ablate SMALL --tracking-uri nosuch://x": (
        "nosuch://x does not answer",
        "http://HOST:PORT",
        "sqlite:///FILE",
    ),
    "ablate SMALL --tracking-uri http://127.0.0.1:1": ("http://127.0.0.1:1 does not", "start the server"),
    "ablate SMALL --tracking-uri ''": ("--tracking-uri takes http://HOST:PORT", "got ''", "./mlflow.db"),
    "ablate SMALL --tracking-uri taken": ("store taken does not answer", "sqlite:///FILE", "./mlflow.db"),
    "ablate SMALL --tracking-uri mysql://ann:secret@127.0.0.1/x": (
        "mysql://…@127.0.0.1/x does not answer",
        "No module named",
        "install the missing package",
    ),
    "ablate SMALL --tracking-uri sqlite:///taken": (
        "sqlite:///taken",
        "is not a readable MLflow database",
        "existing or new",
    ),
    "ablate SMALL --tracking-uri sqlite:///note.txt": (
        "sqlite:///note.txt is not a readable MLflow database",
        "existing or new",
    ),
    "ablate SMALL --tracking-uri sqlite:///note.txt/x.db": (
        "must be a writable folder; note.txt is not",
        "name another",
    ),
    "ablate SMALL --tracking-uri http://ann:secret@127.0.0.1:9": ("http://127.0.0.1:9 does not answer",),
    "ablate SMALL --out 'note.txt/two\nlines'": (
        r"note.txt/two\nlines",
        "writable folder",
        "name another",
    ),
    "tune --searches nosuch://x": ("--searches", "nosuch://x", "sqlite:///FILE", "./optuna.db"),
    "tune --searches ''": ("--searches", "'' cannot be opened", "sqlite:///FILE", "./optuna.db"),
    "tune --searches note.txt": ("--searches", "note.txt", "sqlite:///FILE", "./optuna.db"),
    "tune --searches sqlite:///note.txt": (
        "--searches",
        "sqlite:///note.txt cannot be opened",
        "sqlite:///FILE",
    ),
    "tune --searches sqlite:///note.txt/o.db": ("--searches", "sqlite:///note.txt/o.db cannot be opened"),
}

NEEDED_RAY = importlib.util.find_spec("ray") is not None
CLUSTERS = {
    "ablate --executor ray --ray-address nowhere": ("--ray-address takes HOST:PORT", "auto", "'nowhere'"),
    "ablate --executor ray --ray-address host:port": ("--ray-address takes HOST:PORT", "'host:port'"),
    "ablate --executor ray --ray-address ''": ("--ray-address takes HOST:PORT", "got ''"),
    "ablate --executor ray --ray-address 127.0.0.1:1": ("127.0.0.1:1: no Ray cluster", "ray start --head"),
    "ablate --executor ray --ray-address 127.0.0.1:99999": ("127.0.0.1:99999: no Ray cluster", "ray start"),
}


@pytest.mark.parametrize("line", OPTIONS)
def test_an_option_or_word_that_the_command_does_not_take(wrong: Wrong, line: str) -> None:
    wrong(line, OPTIONS[line])


@pytest.mark.parametrize("line", NUMBERS)
def test_a_number_that_is_none_or_out_of_range(wrong: Wrong, line: str) -> None:
    wrong(line, NUMBERS[line])


@pytest.mark.parametrize("line", WORDS)
def test_a_word_that_is_none_of_the_accepted_ones(wrong: Wrong, line: str) -> None:
    wrong(line, WORDS[line])


@pytest.mark.parametrize("line", TOGETHER)
def test_what_does_not_go_together_or_needs_something_else_first(wrong: Wrong, line: str) -> None:
    wrong(line, TOGETHER[line])


@pytest.mark.parametrize("line", NETWORKS)
def test_a_network_of_ones_own_that_is_none(wrong: Wrong, line: str) -> None:
    wrong(line, NETWORKS[line])


@pytest.mark.parametrize("line", STORES)
def test_a_place_that_can_hold_no_results(wrong: Wrong, line: str) -> None:
    wrong(line, STORES[line])


@pytest.mark.skipif(not NEEDED_RAY, reason="Ray is not installed")
@pytest.mark.parametrize("line", CLUSTERS)
def test_an_address_without_a_cluster(wrong: Wrong, line: str) -> None:
    wrong(line, CLUSTERS[line])


def test_ray_that_is_not_installed(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "ray" else found(name, *a)
    )
    wrong("ablate --executor ray", ("--executor ray", "not installed", "pip install --editable '.[ray]'"))


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has the device")
@pytest.mark.parametrize("line", ["ablate --device cuda", "ablate --engine fused --device cuda"])
def test_a_device_that_is_not_here(wrong: Wrong, line: str) -> None:
    wrong(line, ("--device cuda", "is not available to torch", "use --device auto"))


def test_weights_that_are_not_on_this_machine(
    wrong: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    words = (
        "pretrained weights of resnet34",
        "does not exist",
        "download https://",
        "leave --pretrained out",
    )
    wrong("compare --pretrained --only resnet34", words)


def test_another_programs_database_is_refused_as_it_is(wrong: Wrong) -> None:
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE customers (name)")
    wrong(
        "ablate SMALL --tracking-uri sqlite:///other.db",
        ("other.db is not a readable MLflow database", "existing or new"),
    )
    wrong(
        "tune --searches sqlite:///other.db",
        ("other.db cannot be opened", "another program's", "name sqlite:///"),
    )
