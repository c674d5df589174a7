"""Tests of `harness predict` with trained networks: predictions, files, speed and errors."""

import csv
import json
import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from datasets.io.image_reader import ImageReader
from datasets.spec import ImageRef
from harness.inference import video_io
from harness.inference.predictor import (
    FramePrediction,
    Predictor,
    compute_iou,
    load_trained_model,
    summarize_speed,
)
from harness.planning.plan import plan_study
from harness.tracking.study_reader import StudyReader
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.inference.trained_runs import (
    TrainedRuns,
    options,
    predict_json,
    probabilities,
    recorded_probabilities,
    rows,
    write_video,
)
from tests.harness.tiny import Run, request


@pytest.fixture(scope="module")
def astronaut() -> video_io.Image:
    from skimage.data import astronaut

    photograph = astronaut()
    return np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def test_test_files_get_their_recorded_probabilities(harness: Run, trained_runs: TrainedRuns) -> None:
    document = predict_json(
        harness, trained_runs, trained_runs.run_id, trained_runs.cropped, "--align", "none"
    )
    rows_by_file = {row["file"]: row for row in rows(document)}
    assert len(rows_by_file) == 72
    for file, expected in recorded_probabilities(trained_runs.frames).items():
        assert probabilities(rows_by_file[file]) == pytest.approx(expected, abs=1e-6)
        assert rows_by_file[file]["answer"] == trained_runs.frames.data.classes[int(np.argmax(expected))]
        assert rows_by_file[file]["confidence"] == pytest.approx(max(expected), abs=1e-6)


def test_motion_run_uses_the_first_frame_of_a_folder_as_onset(
    harness: Run, trained_runs: TrainedRuns
) -> None:
    expected = recorded_probabilities(trained_runs.motion)
    (still, *_) = (value for file, value in expected.items() if file.endswith("reg_img10.jpg"))
    # The prediction that changes most with the onset.
    clip = max(expected, key=lambda file: np.abs(np.subtract(expected[file], still)).max()).rsplit("/", 1)[0]
    status, out, err = harness(
        "predict", trained_runs.motion_id, trained_runs.cropped / clip, "--json", *options(trained_runs)
    )
    assert status == 0
    assert "the first readable frame is used as the onset frame" in err
    rows_by_file = {f"{clip}/{row['file']}": row for row in rows(json.loads(out))}
    assert "onset" in str(rows_by_file[f"{clip}/reg_img10.jpg"]["note"])
    checked = [file for file in expected if file in rows_by_file]
    assert np.abs(np.subtract(expected[checked[-1]], still)).max() > 1e-4
    for file in checked:
        assert probabilities(rows_by_file[file]) == pytest.approx(expected[file], abs=1e-6)


def test_one_image_has_no_onset(harness: Run, trained_runs: TrainedRuns) -> None:
    image = next(trained_runs.cropped.rglob("*.jpg"))
    status, _, err = harness("predict", trained_runs.motion_id, image, *options(trained_runs))
    assert (status, err.count("\n")) == (2, 1)
    assert "apex_minus_onset" in err
    assert "name a video, or a folder whose first image is the onset" in err


def test_frame_of_another_size_than_the_onset_has_no_prediction(
    harness: Run, trained_runs: TrainedRuns, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, side in ((2, 40), (10, 40), (11, 30)):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((side, side, 3), 90, np.uint8))
    row_list = rows(predict_json(harness, trained_runs, trained_runs.motion_id, folder))
    assert [row["file"] for row in row_list] == ["2.png", "10.png", "11.png"]
    assert [bool(row["answer"]) for row in row_list] == [True, True, False]
    assert "size" in str(row_list[2]["note"])


def test_broken_image_is_a_row_with_a_warning(
    harness: Run, trained_runs: TrainedRuns, tmp_path: Path
) -> None:
    folder = tmp_path / "=1+1"
    (folder / "deeper").mkdir(parents=True)
    good = next(trained_runs.cropped.rglob("*.jpg"))
    shutil.copy(good, folder / "=cmd.jpg")
    shutil.copy(good, folder / "deeper" / "b.jpg")
    (folder / "broken.jpg").write_bytes(good.read_bytes()[:-100])
    (folder / "notes.txt").write_text("no image")
    status, out, err = harness(
        "predict", trained_runs.key[:8], folder, "--out", folder / "out", *options(trained_runs)
    )
    assert status == 0
    assert "warning: broken.jpg" in err
    assert "cut off" in err
    assert "frames per second end to end" in out
    (out_folder,) = (folder / "out").iterdir()
    assert out_folder.name == f"-1-1-{trained_runs.run_id[:8]}"
    assert str(out_folder) in out
    with (out_folder / "predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    # Sorted as text; the name that a spreadsheet would evaluate as a formula is escaped.
    assert [row["file"] for row in table] == ["'=cmd.jpg", "broken.jpg", "deeper/b.jpg"]
    assert [bool(row["answer"]) for row in table] == [True, False, True]
    assert [row["p_fear"] == "" for row in table] == [False, True, False]
    document = json.loads((out_folder / "predictions.json").read_text())
    assert document["complete"] is True
    assert [row["file"] for row in rows(document)] == ["=cmd.jpg", "broken.jpg", "deeper/b.jpg"]
    copies = sorted(path.name for path in (out_folder / "annotated").iterdir())
    assert copies == ["0001_-cmd.png", "0003_b.png"]
    # The second time, the annotated copies are below the source; as results they are ignored.
    again = predict_json(harness, trained_runs, trained_runs.key, folder, "--out", folder / "out")
    assert len(rows(again)) == 3


def test_face_in_a_photograph_is_detected_and_marked(
    harness: Run, trained_runs: TrainedRuns, astronaut: video_io.Image, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), astronaut)
    (row,) = rows(predict_json(harness, trained_runs, trained_runs.run_id, tmp_path / "photo.png"))
    assert row["face"] == "found"
    assert [row[side] for side in "xywh"] == [167, 59, 112, 112]
    (uncropped,) = rows(
        predict_json(harness, trained_runs, trained_runs.run_id, tmp_path / "photo.png", "--align", "none")
    )
    assert [uncropped[side] for side in "xywh"] == [0, 0, 512, 512]
    assert uncropped["face"] == ""
    assert probabilities(uncropped) != probabilities(row)
    cv2.imwrite(str(tmp_path / "cut.png"), astronaut[59:171, 167:279])
    (cut,) = rows(
        predict_json(harness, trained_runs, trained_runs.run_id, tmp_path / "cut.png", "--align", "none")
    )
    assert probabilities(cut) == probabilities(row)
    harness("predict", trained_runs.run_id, tmp_path / "photo.png", *options(trained_runs), "--out", "apart")
    copy = cv2.imread(f"apart/photo-{trained_runs.run_id[:8]}/annotated.png")
    assert copy is not None
    assert copy.shape == astronaut.shape
    green = np.all(copy == np.array((80, 220, 80)), axis=2)
    assert green[59, 200]
    assert green[100, 167]
    assert (copy[300:] == astronaut[300:]).all()


def test_auto_does_not_crop_an_image_filled_by_a_face(
    harness: Run, trained_runs: TrainedRuns, astronaut: video_io.Image, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "close.png"), astronaut[45:185, 153:293])
    (auto,) = rows(predict_json(harness, trained_runs, trained_runs.run_id, tmp_path / "close.png"))
    (haar,) = rows(
        predict_json(harness, trained_runs, trained_runs.run_id, tmp_path / "close.png", "--align", "haar")
    )
    assert (auto["face"], auto["w"]) == ("filled", 140)
    assert haar["face"] == "found"
    assert haar["w"] != 140


def test_video_is_classified_by_frame_and_annotated(
    harness: Run, trained_runs: TrainedRuns, astronaut: video_io.Image, tmp_path: Path
) -> None:
    scene = astronaut[:320, 60:380]
    shaken = np.roll(scene, 2, axis=1)
    gone = np.full_like(scene, 90)
    moved = np.roll(scene, -80, axis=1)
    path = write_video(tmp_path / "film.avi", [scene, shaken, scene, gone, moved])
    document = predict_json(harness, trained_runs, trained_runs.run_id, path)
    row_list = rows(document)
    assert [row["face"] for row in row_list] == ["found", "found", "found", "none", "found"]
    assert [row["time_s"] for row in row_list] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    # The box stays fixed while the face does; otherwise it would jitter more than an expression moves.
    assert row_list[0]["x"] == row_list[1]["x"] == row_list[2]["x"]
    assert abs(int(str(row_list[4]["x"])) - int(str(row_list[0]["x"])) + 80) < 15
    assert "no face was found" in str(row_list[3]["note"])
    assert row_list[3]["w"] == 320
    # The same digests as those of a data set of videos.
    shots = video_io.read_frames(video_io.scan_source(path, out=tmp_path / "out"))
    with ImageReader() as reader:
        digests = [reader.read(ImageRef(str(path), number)).digest for number in range(5)]
    assert [shot.digest for shot in shots] == digests
    copy = cv2.VideoCapture(f"predictions/film-{trained_runs.run_id[:8]}/annotated.mp4")
    assert copy.isOpened()
    assert copy.get(cv2.CAP_PROP_FPS) == pytest.approx(20)
    images = []
    while (frame := copy.read())[0]:
        images.append(frame[1])
    assert len(images) == 5
    assert np.abs(images[4][200:].astype(int) - moved[200:]).mean() < 10


def test_next_codec_writes_the_video_if_one_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(video_io, "CODECS", (("annotated.mp4", "????"), ("annotated.avi", "MJPG")))
    image = np.full((240, 240, 3), 90, np.uint8)
    source = video_io.scan_source(write_video(tmp_path / "film.avi", [image, image]), out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    copies = video_io.AnnotatedWriter(source, tmp_path / "out")
    for shot in video_io.read_frames(source):
        copies.add(shot, (0, 0, 10, 10), "fear 90 %")
    copies.close()
    assert [path.name for path in copies.files] == ["annotated.avi"]
    assert cv2.VideoCapture(str(copies.files[0])).get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_speed_is_that_of_sequential_frames() -> None:
    def row(*seconds: float) -> FramePrediction:
        return FramePrediction(
            file="",
            frame_number=1,
            timestamp=None,
            box=(0, 0, 1, 1),
            face_status="",
            probabilities=(0.5, 0.5),
            note="",
            stage_seconds=(seconds[0], seconds[1], seconds[2]),
        )

    speed = summarize_speed([row(0.01, 0.02, 0.03), row(0.01, 0.02, 0.05), row(0.01, 0.02, 0.02)])
    assert (speed["frames"], speed["frames_per_second"]) == (3, pytest.approx(3 / 0.19))
    assert speed["milliseconds"]["classifying"]["p50"] == pytest.approx(30)
    assert speed["milliseconds"]["classifying"]["p95"] == pytest.approx(48)
    assert speed["milliseconds"]["face"] == pytest.approx({"p50": 20, "p95": 20, "p99": 20})
    assert speed["milliseconds"]["all"]["p50"] == pytest.approx(60)


def test_speed_matches_the_times_of_rows(harness: Run, trained_runs: TrainedRuns) -> None:
    document = predict_json(
        harness,
        trained_runs,
        trained_runs.run_id,
        trained_runs.cropped / "sub01" / "EP01_01f",
        "--align",
        "none",
    )
    speed = document["speed"]
    assert isinstance(speed, dict)
    times = [float(str(row["milliseconds"])) for row in rows(document)]
    assert speed["frames_per_second"] == pytest.approx(1000 * len(times) / sum(times))
    assert speed["milliseconds"]["face"]["p50"] < 1 < speed["milliseconds"]["classifying"]["p99"]


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 10, 10), 1 / 3), ((20, 0, 5, 5), 0.0), ((0, 0, 5, 5), 0.25)],
)
def test_overlap_is_iou(other: video_io.Rect, share: float) -> None:
    assert compute_iou((0, 0, 10, 10), other) == pytest.approx(share)


def test_mistakes_have_a_single_message(harness: Run, trained_runs: TrainedRuns, tmp_path: Path) -> None:
    image = next(trained_runs.cropped.rglob("*.jpg"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"no image")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n/etc/passwd\n")
    (tmp_path / "zeros.avi").write_bytes(b"RIFF\x00\x10\x00\x00AVI " + bytes(4000))
    (tmp_path / "text.txt").write_text("")
    unnamed = tmp_path / os.fsdecode(b"\xff.avi")
    unnamed.write_bytes((tmp_path / "zeros.avi").read_bytes())
    (tmp_path / "predictions").mkdir()
    shutil.copy(image, tmp_path / "predictions" / "a.jpg")
    cases: list[tuple[str, object, tuple[str, ...]]] = [
        ("0123456789abcdef", image, ("no run", "0123456789abcdef", "Run index")),
        ("proposed", image, ("id or key", "'proposed'")),
        (trained_runs.run_id, "nowhere.png", ("nowhere.png does not exist",)),
        (trained_runs.run_id, tmp_path / "empty", ("holds no image", ".jpg")),
        (
            trained_runs.run_id,
            tmp_path / "bad.png",
            ("no frame of", "can be read", "OpenCV cannot read the file"),
        ),
        (trained_runs.run_id, tmp_path / "list.mp4", ("is not a video",)),
        (trained_runs.run_id, tmp_path / "zeros.avi", ("is not a video that OpenCV can open", "convert")),
        (trained_runs.run_id, unnamed, ("must be valid UTF-8", "udcff", "rename")),
        (trained_runs.run_id, tmp_path / "text.txt", ("neither an image nor a video", ".mkv")),
        (trained_runs.run_id, tmp_path / "predictions", ("is in --out predictions", "name another --out")),
    ]
    files_before = sorted(Path().rglob("*"))
    for run, source, fragments in cases:
        status, out, err = harness("predict", run, source, *options(trained_runs))
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (status, out, len(errors)) == (2, "", 1), (run, source, err)
        assert all(word in errors[0] for word in fragments), errors
    status, _, err = harness("predict", trained_runs.run_id, image, "--align", "eyes", *options(trained_runs))
    assert (status, "accepted: auto, haar, none" in err) == (2, True)
    status, _, err = harness("predict", trained_runs.run_id, image, "--tracking-uri", "sqlite:///none.db")
    assert (status, "no run in" in err) == (2, True)
    assert not Path("none.db").exists()
    assert sorted(Path().rglob("*")) == files_before


def test_run_must_be_unique_finished_and_complete(trained_runs: TrainedRuns, tmp_path: Path) -> None:
    # On a copy, because the test adds runs to the store and changes them.
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    shutil.copy(trained_runs.tracker.store.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    cpu = torch.device("cpu")
    parent = tracker.open_study(plan_study(request(trained_runs.cropped.parent)).study)
    other = trained_runs.motion.spec
    tracker.reuse_run(
        trained_runs.run_id, trained_runs.frames.spec, parent=parent, result=trained_runs.frames
    )
    (copy,) = (
        run.info.run_id
        for run in tracker.store.client.search_runs(
            [e.experiment_id for e in tracker.store.client.search_experiments()],
            f"tags.`harness.reuses` = '{trained_runs.run_id}'",
        )
    )
    assert load_trained_model(tracker, copy.upper(), device=cpu).run_id == trained_runs.run_id
    started = tracker.start_run(
        plan_study(request(trained_runs.cropped.parent, seeds=2)).study.list_runs()[1], parent=parent
    )
    with raises_code("run.unfinished", started, "RUNNING"):
        load_trained_model(tracker, started, device=cpu)
    twin = tracker.start_run(other, parent=parent)
    tracker.fail_run(twin, "on purpose")
    # The other run with this key has finished, so it is chosen.
    assert load_trained_model(tracker, other.key, device=cpu).run_id == trained_runs.motion_id
    with raises_code("run-name.of-a-study"):
        load_trained_model(tracker, parent, device=cpu)


def test_ambiguous_run_prefix_is_refused(tmp_path: Path) -> None:
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = tracker.store.client.create_experiment("x")
    for key in ("aaaa000000000000", "aaaa111111111111"):
        run = tracker.store.client.create_run(experiment, tags={"harness.key": key})
        tracker.close_run(run.info.run_id, "FINISHED")
    with pytest.raises(
        ValueError, match=r"ids or keys of several runs start with aaaa:.*aaaa1{12}.*aaaa0{12}"
    ):
        load_trained_model(tracker, "aaaa", device=torch.device("cpu"))
    with raises_code("artifacts.unreadable-network"):
        load_trained_model(tracker, "aaaa0", device=torch.device("cpu"))


def test_missing_or_damaged_weights_are_an_error(trained_runs: TrainedRuns) -> None:
    uri = trained_runs.tracker.store.client.get_run(trained_runs.run_id).info.artifact_uri
    weights = Path(uri.removeprefix("file://")) / "weights.safetensors"
    original = weights.read_bytes()
    cpu = torch.device("cpu")
    try:
        key = trained_runs.tracker.store.client.get_run(trained_runs.run_id).data.tags["harness.key"].encode()
        for damaged in (original[: len(original) // 2], b"", b"text", original.replace(key, key[::-1])):
            assert damaged != original
            weights.write_bytes(damaged)
            with raises_code("weights.unreadable"):
                load_trained_model(trained_runs.tracker, trained_runs.run_id, device=cpu)
        weights.unlink()
        with raises_code("weights.missing"):
            load_trained_model(trained_runs.tracker, trained_runs.run_id, device=cpu)
    finally:
        weights.write_bytes(original)


def test_weights_of_an_earlier_version_give_equal_predictions(
    harness: Run, trained_runs: TrainedRuns
) -> None:
    uri = trained_runs.tracker.store.client.get_run(trained_runs.run_id).info.artifact_uri
    weights = Path(uri.removeprefix("file://")) / "weights.safetensors"
    original, earlier = weights.read_bytes(), weights.with_name("weights.pt")
    cpu = torch.device("cpu")
    expected = load_trained_model(trained_runs.tracker, trained_runs.run_id, device=cpu).network.state_dict()
    try:
        torch.save(expected, earlier)
        weights.unlink()
        model = load_trained_model(trained_runs.tracker, trained_runs.run_id, device=cpu)
        image = next(trained_runs.cropped.rglob("*.jpg"))
        status, out, err = harness("predict", trained_runs.run_id, image, *options(trained_runs))
    finally:
        weights.write_bytes(original)
        earlier.unlink()
    parameters = model.network.state_dict()
    assert all(torch.equal(parameters[name], tensor) for name, tensor in expected.items())
    assert (status, model.training_images) == (0, None)
    assert "it is unknown how many of these 1 images were trained on" in err
    assert "seen     unknown" in out


def test_ctrl_c_keeps_finished_predictions(harness: Run, trained_runs: TrainedRuns, tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.avi", [np.full((48, 48, 3), 90, np.uint8)] * 4000)
    out_folder = Path(f"predictions/long-{trained_runs.run_id[:8]}")
    table = out_folder / "predictions.csv"

    def stop() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (table.exists() and table.read_text().count("\n") > 5):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A test suite started in the background ignores Ctrl-C, and its children inherit this.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopper = threading.Thread(target=stop)
    stopper.start()
    status, out, err = harness(
        "predict", trained_runs.run_id, path, "--align", "none", *options(trained_runs)
    )
    stopper.join()
    signal.signal(signal.SIGINT, before)
    assert (status, out) == (130, "")
    document = json.loads((out_folder / "predictions.json").read_text())
    count = len(rows(document))
    assert document["complete"] is False
    assert 5 <= count < 4000
    assert f"the predictions of {count} frames are kept in {out_folder}" in err
    assert document["speed"]["frames"] == count
    with table.open(newline="") as file:
        assert abs(sum(1 for _ in csv.DictReader(file)) - count) <= 1
    copy = cv2.VideoCapture(str(out_folder / "annotated.mp4"))
    assert abs(copy.get(cv2.CAP_PROP_FRAME_COUNT) - count) <= 1


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_second_call_leaves_earlier_predictions(
    harness: Run, trained_runs: TrainedRuns, tmp_path: Path
) -> None:
    image = tmp_path / "photo.jpg"
    shutil.copy(next(trained_runs.cropped.rglob("*.jpg")), image)
    name = f"photo-{trained_runs.run_id[:8]}"
    assert predict_json(harness, trained_runs, trained_runs.run_id, image)["files"] == [
        f"predictions/{name}/{file}" for file in ("predictions.csv", "predictions.json", "annotated.png")
    ]
    first = contents(tmp_path / "predictions")
    Path(image).write_bytes(b"no image")
    assert harness("predict", trained_runs.run_id, image, *options(trained_runs))[0] == 2
    assert contents(tmp_path / "predictions") == first
    shutil.copy(max(trained_runs.cropped.rglob("*.jpg")), image)
    for expected in (f"{name}-2", f"{name}-3"):
        files = predict_json(harness, trained_runs, trained_runs.run_id, image)["files"]
        assert isinstance(files, list)
        assert {Path(file).parent for file in files} == {Path("predictions") / expected}
    names = sorted(path.name for path in (tmp_path / "predictions").iterdir())
    assert names == [name, f"{name}-2", f"{name}-3"]
    after = contents(tmp_path / "predictions")
    assert {path: after[path] for path in first} == first


def test_call_without_predictions_leaves_no_file(
    harness: Run, trained_runs: TrainedRuns, tmp_path: Path
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.png").write_bytes(b"no image")
    status, _, err = harness(
        "predict", trained_runs.run_id, folder, *options(trained_runs), "--out", "new/deeper"
    )
    assert status == 2
    assert err.splitlines()[-2] == "and 2 more"
    assert not Path("new").exists()
    # Existing folders stay, empty or not.
    Path("empty").mkdir()
    harness("predict", trained_runs.run_id, folder, *options(trained_runs), "--out", "empty")
    assert list(Path("empty").iterdir()) == []


def test_ctrl_c_before_a_prediction_leaves_no_file(
    harness: Run, trained_runs: TrainedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "predict", stop)
    image = next(trained_runs.cropped.rglob("*.jpg"))
    status, out, err = harness("predict", trained_runs.run_id, image, *options(trained_runs))
    assert (status, out) == (130, "")
    assert "stopped; no frame was classified yet" in err
    assert not Path("predictions").exists()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a b.c.png", "a-b.c"),
        ("...png", "source"),
        (".hidden.png", "hidden"),
        (f"{'x' * 100}.png", "x" * 60),
    ],
)
def test_predictions_are_named_after_their_source(tmp_path: Path, path: str, name: str) -> None:
    (tmp_path / path).write_bytes(b"")
    assert video_io.scan_source(tmp_path / path, out=tmp_path / "out").name == name
    folder = tmp_path / "v1.2"
    folder.mkdir()
    shutil.copy(tmp_path / path, folder / "1.png")
    assert video_io.scan_source(folder, out=tmp_path / "out").name == "v1.2"


def test_run_on_synthetic_faces_is_labelled(
    harness: Run, trained_runs: TrainedRuns, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = next(trained_runs.cropped.rglob("*.jpg"))
    assert predict_json(harness, trained_runs, trained_runs.run_id, image)["drawn"] is False
    result = replace(trained_runs.frames, data=replace(trained_runs.frames.data, synthetic=True))
    monkeypatch.setattr(StudyReader, "load_result", lambda *_: result)
    assert predict_json(harness, trained_runs, trained_runs.run_id, image)["drawn"] is True
    out = harness("predict", trained_runs.run_id, image, *options(trained_runs))[1]
    assert "(casme2, synthetic faces)" in out


def test_images_of_a_folder_have_separate_boxes(trained_runs: TrainedRuns, astronaut: video_io.Image) -> None:
    network = load_trained_model(trained_runs.tracker, trained_runs.run_id, device=torch.device("cpu"))
    predictor = Predictor(network, align="haar", is_video=False)
    shifted = np.roll(astronaut, 5, axis=1)
    boxes = []
    for number, image in enumerate((astronaut, shifted), start=1):
        shot = video_io.Frame(file="x", number=number, image=np.ascontiguousarray(image), read_seconds=0.0)
        boxes.append(predictor.predict(shot).box)
    assert boxes[0] == (167, 59, 112, 112)
    assert boxes[1] == (173, 59, 111, 111)


def test_all_frames_of_motion_are_cut_as_the_onset(
    trained_runs: TrainedRuns, astronaut: video_io.Image
) -> None:
    network = load_trained_model(trained_runs.tracker, trained_runs.motion_id, device=torch.device("cpu"))
    later = np.ascontiguousarray(np.roll(astronaut, 8, axis=1))

    def predict_with(align: str, *images: video_io.Image) -> list[FramePrediction]:
        predictor = Predictor(network, align=align, is_video=True)
        return [
            predictor.predict(video_io.Frame(file="x", number=number, image=image, read_seconds=0.0))
            for number, image in enumerate(images, start=1)
        ]

    predictions = predict_with("haar", astronaut, later)
    assert [row.box for row in predictions] == [(167, 59, 112, 112)] * 2
    by_hand = predict_with("none", astronaut[59:171, 167:279], later[59:171, 167:279])
    assert [row.probabilities for row in predictions] == [row.probabilities for row in by_hand]
    assert by_hand[0].probabilities != by_hand[1].probabilities
