"""Run the commands and snippets of README and docs, block by block, on small synthetic data.

A command runs as it is printed, with three changes: the paths are those of synthetic data in the layouts that
the pages name, placeholders such as STUDY become names, and options at its end shrink the work. `NOT_RUN`
names the commands that are left out, `NO_COMMANDS` the blocks without commands, each with its reason.
"""

import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
import torch
from markdown_it import MarkdownIt

from datasets.synthetic import generator
from datasets.synthetic.generator import SyntheticSpec, synthesize
from harness import api
from harness.data.loading import DataRequest
from harness.planning.request import Request
from tests.datasets.image_files import load_image
from tests.harness.processes import ROOT
from tests.harness.tiny import Run
from tests.reports.conftest import blank_figures

pytestmark = pytest.mark.slow

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

NOT_RUN = {
    "make ": "it installs packages; `make demo` runs the last command of the next block of README",
    "python3 -m venv": "it creates an environment",
    "py -3.11": "it runs on Windows",
    "pip install": "it installs packages",
    "harness reproduce": "its plan alone takes a minute; see tests/harness/planning/test_reproduction.py",
    "harness compare --dataset megc2019 --root /data/megc --only proposed,resnet34 --protocol loso "
    "--representation flow": "TV-L1 flow takes long; see tests/datasets/preprocessing/test_image_array.py",
    "harness ui": "it serves until Ctrl-C; see tests/harness/commands/test_ui.py",
    "harness bench": "it measures for minutes, or needs a GPU; see tests/harness/bench",
    "harness ablate --dataset casme2 --root /data/CASME2 --tracking-uri http": "it needs a server and a Ray "
    "cluster; see tests/harness/tracking/test_server.py and tests/harness/scheduling/test_ray_executor.py",
    "head=": "it needs Slurm; see tests/harness/scheduling/test_ray_executor.py",
    "srun": "it needs Slurm",
    "sleep": "it waits for Slurm",
    "harness ablate ... --executor ray": "it needs Slurm",
    "harness ablate ... --retry-failed": "no cell has failed; see tests/harness/scheduling/test_status.py",
    "apt-get": "it installs PostgreSQL; see tests/harness/tracking/test_server.py",
    "export MLFLOW": "it configures a server or its users",
    "mlflow server": "it serves until Ctrl-C; see tests/harness/tracking/test_server.py",
}
"""Commands that are not run, by their beginning, with the reason."""

NO_COMMANDS = {
    "datasets   architectures": "a diagram",
    "DatasetSpec +": "a diagram",
    "faces/": "a folder; see tests/harness/inference/test_folder_scores.py",
    "\\input{": "LaTeX; see tests/reports/test_latex.py",
    "casme2 sub01": "the file that `harness score` reads",
    "**Clips of": "an output; see tests/harness/commands/test_score.py",
    "Under frame (overlap": "an output; see tests/harness/commands/test_study.py",
    "[mlflow]": "a file of MLflow; see tests/harness/tracking/test_server.py",
}
"""Blocks without commands, by their beginning, with what they are."""

PREVIEWED = {
    "harness ablate --dataset casme2 --root /data/CASME2 --protocol frame,subject,loso": "it has 30 cells; "
    "docs/first-study.md runs frame and subject",
    "harness compare --dataset megc2019 --root /data/megc --protocol loso": "it has 63 cells",
    "harness compare --dataset megc2019 --root /data/megc --only proposed,resnet34 --protocol loso": "it has "
    "18 cells; the next line runs lodo",
    "harness compare --dataset megc2019 --protocol loso --published-practice": "it has 63 cells",
    "harness ablate --dataset casme2 --root /data/CASME2 --seeds 5": "docs/first-study.md runs two protocols",
    "harness ablate --design factorial": "it has 16 networks and controls",
}
"""Commands that only run with --dry-run, by their beginning, with the reason or the test that runs them."""

TINY = "--preset quick --epochs 1 --image-size 32 --width 0.125 --seeds 1 --splits 1 --jobs 1"
SHRINKING_OPTIONS = {
    "ablate": TINY,
    "compare": TINY,
    "tune": "--preset quick --epochs 1 --image-size 32 --width 0.125 --trials 1",
    "cost": "--only proposed --image-size 64",
    "synthesize": "--subjects 4 --clips 24 --frames 3",
    "import": "--tracking-uri sqlite:///other.db --out other",
}
TWO_NETWORKS = "--only proposed,vgg16"
TINY_REQUEST = 'preset="quick", epochs=1, image_size=32, width=0.125,'
DEMO = SyntheticSpec(subjects=4, clips=24, frames=3, balance=True)
"""The data of `--dataset synthetic` in these tests."""

STUDY_OPTIONS = "--dataset casme2 --root /data/CASME2 --only proposed --protocol subject"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A code block of a page, and the number of the line before it."""

    page: str
    line: int
    text: str

    @property
    def id(self) -> str:
        """The page and the line, such as "data.md:29"."""
        return f"{self.page}:{self.line}"

    @property
    def is_python(self) -> bool:
        return re.match(r"# \w+\.py\n|from |import ", self.text) is not None

    @property
    def commands(self) -> list[str]:
        """The lines with continued lines joined, without comments; () for a block without commands."""
        if self.is_python or self.text.startswith(tuple(NO_COMMANDS)):
            return []
        lines = re.sub(r" *\\\n\s+", " ", self.text).splitlines()
        return [re.sub(r"  +", " ", line.partition(" #")[0]).strip() for line in lines]


def _list_blocks() -> Iterator[Block]:
    for page in PAGES:
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            if token.type in ("code_block", "fence"):
                assert token.map
                yield Block(page=page.name, line=token.map[0], text=token.content)


BLOCKS = tuple(_list_blocks())
COMMANDS = tuple(command for block in BLOCKS for command in block.commands)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The working folder of all commands, with the name of a study and the id of one of its runs."""

    folder: Path
    study: str
    run_id: str

    def complete(self, command: str) -> list[str]:
        """Return the arguments of `harness` for a printed command."""
        texts = {
            " ... ": f" {STUDY_OPTIONS} ",
            "STUDY": self.study,
            "RUN": self.run_id,
            "[": "",
            "]": "",
        }
        completed = command
        for placeholder, text in texts.items():
            completed = completed.replace(placeholder, text)
        _, *words = shlex.split(completed.replace("/data/", f"{self.folder}/data/"))
        name = words[1] if words[0] == "data" else words[0]
        options = [SHRINKING_OPTIONS.get(name, "")]
        if name in ("compare", "tune") and "--only" not in words:
            options.append(TWO_NETWORKS)
        if "--folds" in words:
            options.append("--folds 2")
        if command.startswith(tuple(PREVIEWED)):
            options.append("--dry-run")
        return [*words, *shlex.split(" ".join(options))]


def _write_data(folder: Path) -> None:
    """Write a small release for each path that the pages name."""
    specs = {
        "CASME2": SyntheticSpec(layout="casme2", subjects=4, clips=24, frames=3, balance=True),
        "CK+": SyntheticSpec(layout="ck48", subjects=4, clips=28, frames=3, balance=True),
        "megc": SyntheticSpec(layout="megc2019", subjects=3, clips=12, frames=3),
    }
    for name, spec in specs.items():
        synthesize(spec, folder / "data" / name)


def _write_own_images(folder: Path) -> None:
    """Write the faces of CASME II as class folders with subjects and clips, and as images with long names."""
    from datasets.catalogue import load_dataset

    table = load_dataset("casme2", "onset_offset", root=folder / "data" / "CASME2")
    for sample in table.samples:
        name, subject = table.classes[sample.label], re.sub(r"\D", "", sample.subject)
        clip = re.sub(r"\D", "", sample.clip.removeprefix(sample.subject))
        number = f"{sample.frame_number:03}.jpg"
        for path in (
            folder / "data" / "mine" / name / subject / clip / number,
            folder / "mine" / name / f"s{subject}_c{clip}_{number}",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sample.path, path)


def _write_inputs(folder: Path) -> None:
    """Write the files that commands read: a network, predictions with their truth, images and a video."""
    own_network, log = (
        next(block.text for block in BLOCKS if block.text.startswith(start))
        for start in ("# net.py", "casme2 sub01")
    )
    (folder / "net.py").write_text(own_network)
    for name in ("method.txt", "other.txt"):
        (folder / name).write_text(log)
    rows, fold = [], ""
    for words in map(str.split, log.splitlines()):
        if len(words) == 2:
            fold = ",".join(words)
        else:
            rows.append(f"{fold},{words[0]},{words[1]}")
    (folder / "combined_3class_gt.csv").write_text("\n".join(rows))
    images = sorted((folder / "data" / "CASME2").rglob("*.jpg"))[:3]
    (folder / "photos").mkdir()
    for image in images:
        shutil.copy(image, folder / "photos")
    shutil.copy(images[0], folder / "photo.jpg")
    height, width = load_image(images[0]).shape[:2]
    writer = cv2.VideoWriter(str(folder / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 20, (width, height))
    for image in images:
        writer.write(cv2.resize(load_image(image), (width, height)))
    writer.release()


@pytest.fixture(scope="module")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory, store_template: None) -> Iterator[Workspace]:
    """Return the working folder with data, inputs and one study of one network."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch, blank_figures():
        patch.chdir(folder)
        patch.setattr(generator, "DEMO", DEMO)
        patch.setenv("HARNESS_MEGC2019", str(folder / "data" / "megc"))
        patch.setenv("HARNESS_CACHE", str(folder / "cache"))
        _write_data(folder)
        _write_own_images(folder)
        _write_inputs(folder)
        request = Request(
            kind="comparison",
            data=DataRequest(dataset="casme2", root=folder / "data" / "CASME2"),
            only=("proposed",),
            protocols=("subject",),
            preset="quick",
            epochs=1,
            image_size=32,
            width=0.125,
        )
        result, _ = api.run(request)
        yield Workspace(folder=folder, study=result.study.name, run_id=result.run_ids[0][1])


@pytest.fixture
def workspace(
    shared_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, separate_folders: None
) -> Workspace:
    """Return the working folder, and work in it with its cache."""
    monkeypatch.chdir(shared_workspace.folder)
    monkeypatch.setenv("HARNESS_CACHE", str(shared_workspace.folder / "cache"))
    return shared_workspace


def _select_new_commands() -> dict[str, list[str]]:
    """Return for each block, by page and line, its commands without those of an earlier block."""
    commands_by_block: dict[str, list[str]] = {}
    earlier_commands: set[str] = set()
    for block in BLOCKS:
        run_commands = [command for command in block.commands if not command.startswith(tuple(NOT_RUN))]
        if new_commands := [command for command in run_commands if command not in earlier_commands]:
            commands_by_block[block.id] = new_commands
        earlier_commands.update(new_commands)
    return commands_by_block


NEW_COMMANDS = _select_new_commands()
SNIPPETS = {block.text: block.id for block in reversed(BLOCKS) if block.is_python}


@pytest.mark.parametrize("block", NEW_COMMANDS)
def test_commands_of_a_block_succeed(block: str, workspace: Workspace, harness: Run) -> None:
    for command in NEW_COMMANDS[block]:
        assert command.startswith("harness "), f"{command}: name it in NOT_RUN, or its block in NO_COMMANDS"
        status, _, err = harness(*workspace.complete(command))
        assert status == 0, f"{command}\n{err}"
        assert "error" not in err.lower(), f"{command}\n{err}"


@pytest.mark.parametrize("text", SNIPPETS, ids=SNIPPETS.values())
def test_python_snippet_works_in_a_file_of_its_own(text: str, workspace: Workspace) -> None:
    path = workspace.folder / "snippet.py"
    path.write_text(text.replace('preset="quick",', TINY_REQUEST))
    values = runpy.run_path(str(path), run_name="__main__")
    if network := values.get("tiny"):
        assert network(3)(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    else:
        assert values["report"].exists()
        assert not values["result"].failures


@pytest.mark.parametrize("start", [*NOT_RUN, *PREVIEWED])
def test_left_out_command_is_on_a_page(start: str) -> None:
    assert any(command.startswith(start) for command in COMMANDS)


def test_tests_that_run_the_left_out_commands_exist() -> None:
    reasons = " ".join((*NOT_RUN.values(), *NO_COMMANDS.values()))
    paths = re.findall(r"tests/\w[\w/]*(?:\.py)?", reasons)
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("start", NO_COMMANDS)
def test_block_without_commands_is_on_a_page(start: str) -> None:
    assert any(block.text.startswith(start) for block in BLOCKS)
