import os
import subprocess
import sys
import time
from pathlib import Path

import platformdirs
import pytest

from datasets.io.cache_files import atomic_write, build_once, compute_content_key, count_cores, get_cache_dir
from datasets.spec import ImageRef, Sample
from tests.error_codes import raises_code


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    sample_list = []
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        sample_list.append(
            Sample(id=name, path=str(tmp_path / name), label=0, subject="", clip="", frame_number=1)
        )
    return sample_list


def test_variable_or_user_folder_locates_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert get_cache_dir() == tmp_path
    monkeypatch.setenv("HARNESS_CACHE", "")
    assert get_cache_dir() == Path(platformdirs.user_cache_dir("harness"))


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_cache_that_is_no_folder_is_an_error_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / path))
    with raises_code("cache.not-writable", tmp_path / path, "HARNESS_CACHE"):
        get_cache_dir()


def test_cache_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pixels").touch()
    with raises_code("cache.not-writable", tmp_path / "pixels", "HARNESS_CACHE"):
        build_once(tmp_path / "pixels" / "a", is_ready=bool, build=lambda: None, on_skip=lambda: None)


def test_key_depends_on_facts_order_size_and_time_of_change(samples: list[Sample]) -> None:
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


def test_key_depends_on_frame_index_and_optionally_the_onset(samples: list[Sample], tmp_path: Path) -> None:
    def key(onset: ImageRef | None = None, *, item: int = -1, onsets: bool = True) -> str:
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
    with_onset = key(ImageRef(str(onset)))
    assert len({key(), gone, with_onset, key(ImageRef(str(onset), 3)), key(item=2), key(item=3)}) == 6
    assert key(ImageRef(str(onset)), onsets=False) == key(onsets=False)


def test_file_state_is_read_a_single_time(samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []
    stat = os.stat

    def record_stat(path: str) -> os.stat_result:
        paths.append(path)
        return stat(path)

    monkeypatch.setattr("datasets.io.cache_files.os.stat", record_stat)
    compute_content_key([], samples * 50, include_onsets=False)
    assert paths == [sample.path for sample in samples]


def test_sample_without_file_is_an_os_error_naming_it(samples: list[Sample]) -> None:
    os.remove(samples[1].path)
    with pytest.raises(FileNotFoundError, match="/b"):
        compute_content_key([], samples, include_onsets=True)


def test_written_file_is_complete_or_absent(tmp_path: Path) -> None:
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


def test_ready_result_is_not_built(tmp_path: Path) -> None:
    calls = []
    build_once(
        tmp_path / "a", is_ready=lambda: True, build=lambda: calls.append(1), on_skip=lambda: calls.append(2)
    )
    build_once(
        tmp_path / "a", is_ready=lambda: False, build=lambda: calls.append(3), on_skip=lambda: calls.append(4)
    )
    assert calls == [3]


def test_second_process_waits_and_skips(tmp_path: Path) -> None:
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
    skips = []
    build_once(
        tmp_path / "a",
        is_ready=(tmp_path / "a").exists,
        build=lambda: skips.append("made"),
        on_skip=lambda: skips.append("waited"),
    )
    assert other.wait() == 0
    assert skips == ["waited"]


def test_core_count_is_positive() -> None:
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
