from pathlib import Path

import pytest

from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.clip_writer import RenderJob
from datasets.synthetic.parallel_writer import write_clips
from datasets.synthetic.rendering.canvas import View
from datasets.synthetic.rendering.identity import Identity


def make_job(folder: Path) -> RenderJob:
    return RenderJob(
        clip=ClipPlan(subject=1, name="a", emotion="happiness", action_units="12", onset=1, apex=2, offset=3),
        person=Identity(),
        view=View(width=24, height=30, x=12, y=12, scale=10),
        frame_numbers=range(1, 4),
        amplitude=1.0,
        folder=folder,
        prefix="img",
        seed=(0,),
    )


def test_every_job_is_written_and_reported(tmp_path: Path) -> None:
    calls = []
    write_clips([make_job(tmp_path / name) for name in "abc"], lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["img1.jpg", "img2.jpg", "img3.jpg"]


def test_frame_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="a"):
        write_clips([make_job(tmp_path / "a")], lambda count, total: None)
