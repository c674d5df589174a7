from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from architectures.cpu_kernels import library
from architectures.cpu_kernels.library import (
    MIN_PARALLEL_NUMEL,
    KernelsUnavailable,
    call_kernel,
    load_library,
    select_thread_count,
)


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Return an empty code cache; load the library anew in the test and after it."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    load_library.cache_clear()
    yield tmp_path
    load_library.cache_clear()


def test_small_tensor_uses_one_thread() -> None:
    assert select_thread_count(torch.empty(MIN_PARALLEL_NUMEL - 1)) == 1


def test_large_tensor_uses_the_threads_of_torch() -> None:
    assert select_thread_count(torch.empty(MIN_PARALLEL_NUMEL)) == torch.get_num_threads()


def test_library_is_cached() -> None:
    assert load_library() is load_library()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
def test_call_rejects_a_tensor_of_another_type(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"compute in float32; got a tensor of {dtype}"):
        call_kernel("pool_positions", torch.empty(1, dtype=dtype))


def test_missing_compiler_makes_the_kernels_unavailable(
    unloaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(unloaded))
    with pytest.raises(KernelsUnavailable, match=r"there is no C\+\+ compiler"):
        load_library()


def test_failing_compiler_makes_the_kernels_unavailable_with_its_message(
    unloaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = unloaded / "compiler"
    compiler.write_text("#!/bin/sh\necho no such target >&2\nexit 1\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(KernelsUnavailable, match="cannot compile the kernels: no such target"):
        load_library()
    assert not list(unloaded.rglob("*.so"))


def test_file_that_is_no_library_makes_the_kernels_unavailable(
    unloaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = unloaded / "compiler"
    compiler.write_text('#!/bin/sh\nfor target; do :; done\necho text > "$target"\n')
    compiler.chmod(0o700)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(KernelsUnavailable, match="cannot be compiled or loaded"):
        load_library()


def test_digest_of_the_code_depends_on_the_compiler() -> None:
    digests = {library._compute_digest(compiler) for compiler in ("c++", "g++", "c++")}
    assert len(digests) == 2
    assert {len(digest) for digest in digests} == {16}
