"""Fixtures of the tests of `harness predict`: two tiny trained runs, trained once."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from rich.console import Console

from harness import api
from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.planning.request import Request
from harness.tracking.tracker import Tracker
from studies.results import RunResult
from tests.harness.inference.trained_runs import TrainedRuns
from tests.harness.tiny import request, write_tree


def execute(study_request: Request, tracker: Tracker) -> tuple[RunResult, str]:
    result, _ = api.run_plan(plan_study(study_request), tracker=tracker, console=Console(file=io.StringIO()))
    return result.results[0], result.run_ids[0][1]


@pytest.fixture(scope="session")
def trained_runs(tmp_path_factory: pytest.TempPathFactory) -> TrainedRuns:
    root = tmp_path_factory.mktemp("predict")
    tree = write_tree(root / "tree")
    for path in sorted(tree.rglob("*.jpg")):
        # Coloured frames with a moving shadow, so that swapped channels or a wrong onset would be detected.
        pixels = cv2.imread(str(path))
        assert pixels is not None
        image = np.asarray(pixels, dtype=np.uint8)
        image[..., 0] //= 4
        image[: 9 * (int(path.stem[-2:]) - 10)] //= 2
        cv2.imwrite(str(path), image)
    tracker = Tracker(f"sqlite:///{root / 'mlflow.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(root / "cache"))
        frames, run_id = execute(request(tree, epochs=6, batch=8), tracker)
        motion = DataRequest(
            dataset="casme2", root=tree, frames="apex_window", representation="apex_minus_onset"
        )
        moved, motion_id = execute(request(tree, epochs=6, batch=8, data=motion), tracker)
    return TrainedRuns(
        tracker=tracker,
        cropped=tree / "Cropped",
        run_id=run_id,
        key=frames.spec.key,
        frames=frames,
        motion_id=motion_id,
        motion=moved,
    )
