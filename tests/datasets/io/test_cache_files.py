import os
import subprocess
import sys
import time
from pathlib import Path

import platformdirs
import pytest

from datasets.io.cache_files import atomic_write, build_once, compute_content_key, count_cores, get_cache_dir
from datasets.spec import ImageRef, Sample


@pytest.fixture
def samples(tmp_path):
    found = []
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        found.append(Sample(id=name, path=str(tmp_path / name), label=0, subject="", clip="", frame_number=1))
    return found


def test_the_cache_is_where_the_variable_says_or_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert get_cache_dir() == tmp_path
    monkeypatch.setenv("HARNESS_CACHE", "")
    assert get_cache_dir() == Path(platformdirs.user_cache_dir("harness"))


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_cache_that_can_be_no_folder_is_an_error_that_names_the_variable(monkeypatch, tmp_path, place):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / place))
    with pytest.raises(
        ValueError,
        match=rf"{place} is not \(.*\), so .* cannot be kept there; set HARNESS_CACHE to another folder",
    ):
        get_cache_dir()


def test_a_folder_of_the_cache_that_cannot_be_made_is_such_an_error(tmp_path):
    (tmp_path / "pixels").touch()
    with pytest.raises(ValueError, match=r"pixels is not \(.*HARNESS_CACHE"):
        build_once(tmp_path / "pixels" / "a", is_ready=bool, build=lambda: None, on_skip=lambda: None)


def test_a_key_depends_on_facts_order_size_and_time_of_change(samples):
    first = compute_content_key([1], samples, include_onsets=False)
    assert compute_content_key([1], samples, include_onsets=False) == first
    keys = {
        first,
        compute_content_key([2], samples, include_onsets=False),
        compute_content_key([1], samples[::-1], include_onsets=False),
    }
    os.utime(samples[0].path, ns=(1, 1))
    keys.add(compute_content_key([1], samples, include_onsets=False))
    Path(samples[0].path).write_text("longer")
    os.utime(samples[0].path, ns=(1, 1))
    keys.add(compute_content_key([1], samples, include_onsets=False))
    assert len(keys) == 5


def test_a_key_depends_on_the_item_and_where_asked_on_the_onset(samples, tmp_path):
    def key(onset=None, *, item=-1, onsets=True):
        changed = [
            Sample(
                id="a",
                path=samples[0].path,
                frame_index=item,
                label=0,
                subject="",
                clip="",
                frame_number=1,
                onset_ref=onset,
            )
        ]
        return compute_content_key([], changed, include_onsets=onsets)

    onset = tmp_path / "onset"
    gone = key(ImageRef(str(onset)))
    onset.write_text("here")
    found = key(ImageRef(str(onset)))
    assert len({key(), gone, found, key(ImageRef(str(onset), 3)), key(item=2), key(item=3)}) == 6
    assert key(ImageRef(str(onset)), onsets=False) == key(onsets=False)


def test_a_file_is_asked_for_its_state_once(samples, monkeypatch):
    asked = []
    stat = os.stat
    monkeypatch.setattr("datasets.io.cache_files.os.stat", lambda path: asked.append(path) or stat(path))
    compute_content_key([], samples * 50, include_onsets=False)
    assert asked == [sample.path for sample in samples]


def test_a_sample_whose_file_has_gone_is_an_os_error_naming_it(samples):
    os.remove(samples[1].path)
    with pytest.raises(FileNotFoundError, match="/b"):
        compute_content_key([], samples, include_onsets=True)


def test_a_written_file_is_whole_or_not_there(tmp_path):
    atomic_write(tmp_path / "deep" / "a", b"data")
    assert (tmp_path / "deep" / "a").read_bytes() == b"data"
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="deep/b"):
            atomic_write(tmp_path / "deep" / "b", b"0" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a"]


def test_what_is_ready_is_not_made(tmp_path):
    made = []
    build_once(
        tmp_path / "a", is_ready=lambda: True, build=lambda: made.append(1), on_skip=lambda: made.append(2)
    )
    build_once(
        tmp_path / "a", is_ready=lambda: False, build=lambda: made.append(3), on_skip=lambda: made.append(4)
    )
    assert made == [3]


def test_a_second_process_waits_and_finds_it_made(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from datasets.io.cache_files import build_once\n"
        "place = Path(sys.argv[1])\n"
        "def make():\n"
        "    place.with_name('begun').touch(); time.sleep(0.4); place.touch()\n"
        "build_once(place, is_ready=place.exists, build=make, on_skip=lambda: None)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], cwd=Path(__file__).parents[3])
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    found = []
    build_once(
        tmp_path / "a",
        is_ready=(tmp_path / "a").exists,
        build=lambda: found.append("made"),
        on_skip=lambda: found.append("waited"),
    )
    assert other.wait() == 0
    assert found == ["waited"]


def test_there_is_at_least_one_core():
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
