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
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.inference.trained import Made, asked, film, options, probabilities, recorded, rows
from tests.harness.tiny import Run, request


@pytest.fixture(scope="module")
def astronaut() -> video_io.Image:
    from skimage.data import astronaut

    return np.asarray(cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def test_the_files_a_run_was_tested_on_get_the_probabilities_it_recorded(harness: Run, made: Made) -> None:
    document = asked(harness, made, made.run_id, made.cropped, "--align", "none")
    answers = {row["file"]: row for row in rows(document)}
    assert len(answers) == 72
    for file, expected in recorded(made.frames).items():
        assert probabilities(answers[file]) == pytest.approx(expected, abs=1e-6)
        assert answers[file]["answer"] == made.frames.data.classes[int(np.argmax(expected))]
        assert answers[file]["confidence"] == pytest.approx(max(expected), abs=1e-6)


def test_a_run_on_motion_takes_a_folders_first_frame_as_the_onset(harness: Run, made: Made) -> None:
    expected = recorded(made.motion)
    (still, *_) = (value for file, value in expected.items() if file.endswith("reg_img10.jpg"))
    # The prediction that changes most with the onset.
    clip = max(expected, key=lambda file: np.abs(np.subtract(expected[file], still)).max()).rsplit("/", 1)[0]
    status, out, err = harness("predict", made.motion_id, made.cropped / clip, "--json", *options(made))
    assert status == 0
    assert "the first readable frame is used as the onset frame" in err
    found = {f"{clip}/{row['file']}": row for row in rows(json.loads(out))}
    assert "onset" in str(found[f"{clip}/reg_img10.jpg"]["note"])
    checked = [file for file in expected if file in found]
    assert np.abs(np.subtract(expected[checked[-1]], still)).max() > 1e-4
    for file in checked:
        assert probabilities(found[file]) == pytest.approx(expected[file], abs=1e-6)


def test_one_image_has_no_onset(harness: Run, made: Made) -> None:
    image = next(made.cropped.rglob("*.jpg"))
    status, _, err = harness("predict", made.motion_id, image, *options(made))
    assert (status, err.count("\n")) == (2, 1)
    assert "apex_minus_onset" in err
    assert "name a video, or a folder whose first image is the onset" in err


def test_a_frame_of_another_size_than_the_onset_is_not_answered(
    harness: Run, made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, side in ((2, 40), (10, 40), (11, 30)):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((side, side, 3), 90, np.uint8))
    found = rows(asked(harness, made, made.motion_id, folder))
    assert [row["file"] for row in found] == ["2.png", "10.png", "11.png"]
    assert [bool(row["answer"]) for row in found] == [True, True, False]
    assert "size" in str(found[2]["note"])


def test_a_broken_image_is_a_row_and_a_warning_and_the_rest_is_answered(
    harness: Run, made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "=1+1"
    (folder / "deeper").mkdir(parents=True)
    good = next(made.cropped.rglob("*.jpg"))
    shutil.copy(good, folder / "=cmd.jpg")
    shutil.copy(good, folder / "deeper" / "b.jpg")
    (folder / "broken.jpg").write_bytes(good.read_bytes()[:-100])
    (folder / "notes.txt").write_text("no image")
    status, out, err = harness("predict", made.key[:8], folder, "--out", folder / "out", *options(made))
    assert status == 0
    assert "warning: broken.jpg" in err
    assert "cut off" in err
    assert "frames per second end to end" in out
    (answers,) = (folder / "out").iterdir()
    assert answers.name == f"-1-1-{made.run_id[:8]}"
    assert str(answers) in out
    with (answers / "predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    # Sorted as text; the name that a spreadsheet would evaluate as a formula is escaped.
    assert [row["file"] for row in table] == ["'=cmd.jpg", "broken.jpg", "deeper/b.jpg"]
    assert [bool(row["answer"]) for row in table] == [True, False, True]
    assert [row["p_fear"] == "" for row in table] == [False, True, False]
    document = json.loads((answers / "predictions.json").read_text())
    assert document["complete"] is True
    assert [row["file"] for row in rows(document)] == ["=cmd.jpg", "broken.jpg", "deeper/b.jpg"]
    copies = sorted(path.name for path in (answers / "annotated").iterdir())
    assert copies == ["0001_-cmd.png", "0003_b.png"]
    # The second time, the annotated copies are below the source; as results they are ignored.
    again = asked(harness, made, made.key, folder, "--out", folder / "out")
    assert len(rows(again)) == 3


def test_a_face_in_a_photograph_is_found_and_marked(
    harness: Run, made: Made, astronaut: video_io.Image, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), astronaut)
    (row,) = rows(asked(harness, made, made.run_id, tmp_path / "photo.png"))
    assert row["face"] == "found"
    assert [row[side] for side in "xywh"] == [167, 59, 112, 112]
    (whole,) = rows(asked(harness, made, made.run_id, tmp_path / "photo.png", "--align", "none"))
    assert [whole[side] for side in "xywh"] == [0, 0, 512, 512]
    assert whole["face"] == ""
    assert probabilities(whole) != probabilities(row)
    cv2.imwrite(str(tmp_path / "cut.png"), astronaut[59:171, 167:279])
    (cut,) = rows(asked(harness, made, made.run_id, tmp_path / "cut.png", "--align", "none"))
    assert probabilities(cut) == probabilities(row)
    harness("predict", made.run_id, tmp_path / "photo.png", *options(made), "--out", "apart")
    copy = cv2.imread(f"apart/photo-{made.run_id[:8]}/annotated.png")
    assert copy.shape == astronaut.shape
    green = (copy == (80, 220, 80)).all(axis=2)
    assert green[59, 200]
    assert green[100, 167]
    assert (copy[300:] == astronaut[300:]).all()


def test_auto_takes_a_picture_whole_that_a_face_fills(
    harness: Run, made: Made, astronaut: video_io.Image, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "close.png"), astronaut[45:185, 153:293])
    (auto,) = rows(asked(harness, made, made.run_id, tmp_path / "close.png"))
    (haar,) = rows(asked(harness, made, made.run_id, tmp_path / "close.png", "--align", "haar"))
    assert (auto["face"], auto["w"]) == ("filled", 140)
    assert haar["face"] == "found"
    assert haar["w"] != 140


def test_a_film_is_answered_frame_by_frame_and_written_again(
    harness: Run, made: Made, astronaut: video_io.Image, tmp_path: Path
) -> None:
    scene = astronaut[:320, 60:380]
    shaken = np.roll(scene, 2, axis=1)
    gone = np.full_like(scene, 90)
    moved = np.roll(scene, -80, axis=1)
    path = film(tmp_path / "film.avi", [scene, shaken, scene, gone, moved])
    document = asked(harness, made, made.run_id, path)
    found = rows(document)
    assert [row["face"] for row in found] == ["found", "found", "found", "none", "found"]
    assert [row["time_s"] for row in found] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    # The box stays fixed while the face does; otherwise it would jitter more than an expression moves.
    assert found[0]["x"] == found[1]["x"] == found[2]["x"]
    assert abs(int(str(found[4]["x"])) - int(str(found[0]["x"])) + 80) < 15
    assert "no face was found" in str(found[3]["note"])
    assert found[3]["w"] == 320
    # The same digests as those of a data set of videos.
    shots = video_io.read_frames(video_io.scan_source(path, out=tmp_path / "out"))
    with ImageReader() as reader:
        digests = [reader.read(ImageRef(str(path), number)).digest for number in range(5)]
    assert [shot.digest for shot in shots] == digests
    copy = cv2.VideoCapture(f"predictions/film-{made.run_id[:8]}/annotated.mp4")
    assert copy.isOpened()
    assert copy.get(cv2.CAP_PROP_FPS) == pytest.approx(20)
    images = []
    while (frame := copy.read())[0]:
        images.append(frame[1])
    assert len(images) == 5
    assert np.abs(images[4][200:].astype(int) - moved[200:]).mean() < 10


def test_where_a_codec_is_missing_the_next_writes_the_film(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(video_io, "CODECS", (("annotated.mp4", "????"), ("annotated.avi", "MJPG")))
    image = np.full((240, 240, 3), 90, np.uint8)
    source = video_io.scan_source(film(tmp_path / "film.avi", [image, image]), out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    copies = video_io.AnnotatedWriter(source, tmp_path / "out")
    for shot in video_io.read_frames(source):
        copies.add(shot, (0, 0, 10, 10), "fear 90 %")
    copies.close()
    assert [path.name for path in copies.files] == ["annotated.avi"]
    assert cv2.VideoCapture(str(copies.files[0])).get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_speed_is_that_of_the_frames_one_after_the_other() -> None:
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

    found = summarize_speed([row(0.01, 0.02, 0.03), row(0.01, 0.02, 0.05), row(0.01, 0.02, 0.02)])
    assert (found["frames"], found["frames_per_second"]) == (3, pytest.approx(3 / 0.19))
    assert found["milliseconds"]["classifying"]["p50"] == pytest.approx(30)
    assert found["milliseconds"]["classifying"]["p95"] == pytest.approx(48)
    assert found["milliseconds"]["face"] == pytest.approx({"p50": 20, "p95": 20, "p99": 20})
    assert found["milliseconds"]["all"]["p50"] == pytest.approx(60)


def test_what_is_timed_is_what_was_done(harness: Run, made: Made) -> None:
    document = asked(harness, made, made.run_id, made.cropped / "sub01" / "EP01_01f", "--align", "none")
    found = document["speed"]
    assert isinstance(found, dict)
    times = [float(str(row["milliseconds"])) for row in rows(document)]
    assert found["frames_per_second"] == pytest.approx(1000 * len(times) / sum(times))
    assert found["milliseconds"]["face"]["p50"] < 1 < found["milliseconds"]["classifying"]["p99"]


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 10, 10), 1 / 3), ((20, 0, 5, 5), 0.0), ((0, 0, 5, 5), 0.25)],
)
def test_overlap_is_intersection_over_union(other: video_io.Rect, share: float) -> None:
    assert compute_iou((0, 0, 10, 10), other) == pytest.approx(share)


def test_mistakes_get_one_message_each(harness: Run, made: Made, tmp_path: Path) -> None:
    image = next(made.cropped.rglob("*.jpg"))
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
        (made.run_id, "nowhere.png", ("nowhere.png does not exist",)),
        (made.run_id, tmp_path / "empty", ("holds no image", ".jpg")),
        (made.run_id, tmp_path / "bad.png", ("no frame of", "can be read", "OpenCV cannot read the file")),
        (made.run_id, tmp_path / "list.mp4", ("is not a video",)),
        (made.run_id, tmp_path / "zeros.avi", ("is not a video that OpenCV can open", "convert")),
        (made.run_id, unnamed, ("must be valid UTF-8", "udcff", "rename")),
        (made.run_id, tmp_path / "text.txt", ("neither an image nor a video", ".mkv")),
        (made.run_id, tmp_path / "predictions", ("is in --out predictions", "name another --out")),
    ]
    there = sorted(Path().rglob("*"))
    for run, source, words in cases:
        status, out, err = harness("predict", run, source, *options(made))
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (status, out, len(errors)) == (2, "", 1), (run, source, err)
        assert all(word in errors[0] for word in words), errors
    status, _, err = harness("predict", made.run_id, image, "--align", "eyes", *options(made))
    assert (status, "accepted: auto, haar, none" in err) == (2, True)
    status, _, err = harness("predict", made.run_id, image, "--tracking-uri", "sqlite:///none.db")
    assert (status, "no run in" in err) == (2, True)
    assert not Path("none.db").exists()
    assert sorted(Path().rglob("*")) == there


def test_a_run_must_be_one_and_finished_and_whole(made: Made, tmp_path: Path) -> None:
    # On a copy, because the test adds runs to the store and changes them.
    ledger = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    shutil.copy(made.ledger.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    cpu = torch.device("cpu")
    parent = ledger.open_study(plan_study(request(made.cropped.parent)).study)
    other = made.motion.spec
    ledger.reuse_run(made.run_id, made.frames.spec, parent=parent, result=made.frames)
    (copy,) = (
        run.info.run_id
        for run in ledger.client.search_runs(
            [e.experiment_id for e in ledger.client.search_experiments()],
            f"tags.`harness.reuses` = '{made.run_id}'",
        )
    )
    assert load_trained_model(ledger, copy.upper(), device=cpu).run_id == made.run_id
    started = ledger.start_run(
        plan_study(request(made.cropped.parent, seeds=2)).study.list_runs()[1], parent=parent
    )
    with raises_code("run.unfinished", started, "RUNNING"):
        load_trained_model(ledger, started, device=cpu)
    twin = ledger.start_run(other, parent=parent)
    ledger.fail_run(twin, "on purpose")
    # The other run with this key has finished, so it is chosen.
    assert load_trained_model(ledger, other.key, device=cpu).run_id == made.motion_id
    with raises_code("run-name.of-a-study"):
        load_trained_model(ledger, parent, device=cpu)


def test_a_start_that_several_runs_share_is_refused_with_their_names(tmp_path: Path) -> None:
    ledger = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = ledger.client.create_experiment("x")
    for key in ("aaaa000000000000", "aaaa111111111111"):
        run = ledger.client.create_run(experiment, tags={"harness.key": key})
        ledger.close_run(run.info.run_id, "FINISHED")
    with pytest.raises(
        ValueError, match=r"ids or keys of several runs start with aaaa:.*aaaa1{12}.*aaaa0{12}"
    ):
        load_trained_model(ledger, "aaaa", device=torch.device("cpu"))
    with raises_code("artifacts.unreadable-network"):
        load_trained_model(ledger, "aaaa0", device=torch.device("cpu"))


def test_weights_that_are_gone_or_damaged_are_told(made: Made) -> None:
    uri = made.ledger.client.get_run(made.run_id).info.artifact_uri
    weights = Path(uri.removeprefix("file://")) / "weights.safetensors"
    whole = weights.read_bytes()
    cpu = torch.device("cpu")
    try:
        key = made.ledger.client.get_run(made.run_id).data.tags["harness.key"].encode()
        for damaged in (whole[: len(whole) // 2], b"", b"text", whole.replace(key, key[::-1])):
            assert damaged != whole
            weights.write_bytes(damaged)
            with raises_code("weights.unreadable"):
                load_trained_model(made.ledger, made.run_id, device=cpu)
        weights.unlink()
        with raises_code("weights.missing"):
            load_trained_model(made.ledger, made.run_id, device=cpu)
    finally:
        weights.write_bytes(whole)


def test_weights_of_an_earlier_version_answer_alike(harness: Run, made: Made) -> None:
    uri = made.ledger.client.get_run(made.run_id).info.artifact_uri
    weights = Path(uri.removeprefix("file://")) / "weights.safetensors"
    whole, earlier = weights.read_bytes(), weights.with_name("weights.pt")
    cpu = torch.device("cpu")
    expected = load_trained_model(made.ledger, made.run_id, device=cpu).network.state_dict()
    try:
        torch.save(expected, earlier)
        weights.unlink()
        model = load_trained_model(made.ledger, made.run_id, device=cpu)
        image = next(made.cropped.rglob("*.jpg"))
        status, out, err = harness("predict", made.run_id, image, *options(made))
    finally:
        weights.write_bytes(whole)
        earlier.unlink()
    found = model.network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert (status, model.training_images) == (0, None)
    assert "it is unknown how many of these 1 images were trained on" in err
    assert "seen     unknown" in out


def test_ctrl_c_keeps_what_was_done(harness: Run, made: Made, tmp_path: Path) -> None:
    path = film(tmp_path / "long.avi", [np.full((48, 48, 3), 90, np.uint8)] * 4000)
    answers = Path(f"predictions/long-{made.run_id[:8]}")
    table = answers / "predictions.csv"

    def stop() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (table.exists() and table.read_text().count("\n") > 5):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A test suite started in the background ignores Ctrl-C, and its children inherit this.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopper = threading.Thread(target=stop)
    stopper.start()
    status, out, err = harness("predict", made.run_id, path, "--align", "none", *options(made))
    stopper.join()
    signal.signal(signal.SIGINT, before)
    assert (status, out) == (130, "")
    document = json.loads((answers / "predictions.json").read_text())
    done = len(rows(document))
    assert document["complete"] is False
    assert 5 <= done < 4000
    assert f"the predictions of {done} frames are kept in {answers}" in err
    assert document["speed"]["frames"] == done
    with table.open(newline="") as file:
        assert abs(sum(1 for _ in csv.DictReader(file)) - done) <= 1
    copy = cv2.VideoCapture(str(answers / "annotated.mp4"))
    assert abs(copy.get(cv2.CAP_PROP_FRAME_COUNT) - done) <= 1


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_no_call_touches_the_answers_of_an_earlier_one(harness: Run, made: Made, tmp_path: Path) -> None:
    image = shutil.copy(next(made.cropped.rglob("*.jpg")), tmp_path / "photo.jpg")
    name = f"photo-{made.run_id[:8]}"
    assert asked(harness, made, made.run_id, image)["files"] == [
        f"predictions/{name}/{file}" for file in ("predictions.csv", "predictions.json", "annotated.png")
    ]
    first = contents(tmp_path / "predictions")
    Path(image).write_bytes(b"no image")
    assert harness("predict", made.run_id, image, *options(made))[0] == 2
    assert contents(tmp_path / "predictions") == first
    shutil.copy(max(made.cropped.rglob("*.jpg")), image)
    for expected in (f"{name}-2", f"{name}-3"):
        files = asked(harness, made, made.run_id, image)["files"]
        assert isinstance(files, list)
        assert {Path(file).parent for file in files} == {Path("predictions") / expected}
    names = sorted(path.name for path in (tmp_path / "predictions").iterdir())
    assert names == [name, f"{name}-2", f"{name}-3"]
    after = contents(tmp_path / "predictions")
    assert {path: after[path] for path in first} == first


def test_a_call_that_answers_nothing_leaves_nothing(harness: Run, made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.png").write_bytes(b"no image")
    status, _, err = harness("predict", made.run_id, folder, *options(made), "--out", "new/deeper")
    assert status == 2
    assert err.splitlines()[-2] == "and 2 more"
    assert not Path("new").exists()
    # Existing folders stay, empty or not.
    Path("empty").mkdir()
    harness("predict", made.run_id, folder, *options(made), "--out", "empty")
    assert list(Path("empty").iterdir()) == []


def test_ctrl_c_before_an_answer_leaves_nothing(
    harness: Run, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "predict", stop)
    image = next(made.cropped.rglob("*.jpg"))
    status, out, err = harness("predict", made.run_id, image, *options(made))
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
def test_answers_are_named_after_their_source(tmp_path: Path, path: str, name: str) -> None:
    (tmp_path / path).write_bytes(b"")
    assert video_io.scan_source(tmp_path / path, out=tmp_path / "out").name == name
    folder = tmp_path / "v1.2"
    folder.mkdir()
    shutil.copy(tmp_path / path, folder / "1.png")
    assert video_io.scan_source(folder, out=tmp_path / "out").name == "v1.2"


def test_a_run_on_drawn_faces_says_so(
    harness: Run, made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = next(made.cropped.rglob("*.jpg"))
    assert asked(harness, made, made.run_id, image)["drawn"] is False
    result = replace(made.frames, data=replace(made.frames.data, synthetic=True))
    monkeypatch.setattr(Tracker, "load_result", lambda *_: result)
    assert asked(harness, made, made.run_id, image)["drawn"] is True
    out = harness("predict", made.run_id, image, *options(made))[1]
    assert "(casme2, synthetic faces)" in out


def test_each_picture_of_a_folder_has_a_box_of_its_own(made: Made, astronaut: video_io.Image) -> None:
    network = load_trained_model(made.ledger, made.run_id, device=torch.device("cpu"))
    predictor = Predictor(network, align="haar", is_video=False)
    shifted = np.roll(astronaut, 5, axis=1)
    boxes = []
    for number, image in enumerate((astronaut, shifted), start=1):
        shot = video_io.Frame(file="x", number=number, image=np.ascontiguousarray(image), read_seconds=0.0)
        boxes.append(predictor.predict(shot).box)
    assert boxes[0] == (167, 59, 112, 112)
    assert boxes[1] == (173, 59, 111, 111)


def test_all_frames_of_motion_are_cut_as_the_onset(made: Made, astronaut: video_io.Image) -> None:
    network = load_trained_model(made.ledger, made.motion_id, device=torch.device("cpu"))
    later = np.ascontiguousarray(np.roll(astronaut, 8, axis=1))

    def answered(align: str, *images: video_io.Image) -> list[FramePrediction]:
        predictor = Predictor(network, align=align, is_video=True)
        return [
            predictor.predict(video_io.Frame(file="x", number=number, image=image, read_seconds=0.0))
            for number, image in enumerate(images, start=1)
        ]

    found = answered("haar", astronaut, later)
    assert [row.box for row in found] == [(167, 59, 112, 112)] * 2
    by_hand = answered("none", astronaut[59:171, 167:279], later[59:171, 167:279])
    assert [row.probabilities for row in found] == [row.probabilities for row in by_hand]
    assert by_hand[0].probabilities != by_hand[1].probabilities
