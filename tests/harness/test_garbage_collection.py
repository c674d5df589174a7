"""Tests that the garbage collector is disabled inside the context and restored after it, even on errors."""

import gc

import pytest

from harness.garbage_collection import disable_gc


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_is_as_it_was_also_after_an_error(before: bool) -> None:
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), disable_gc():
            1 / (1 if gc.isenabled() else 0)
        assert gc.isenabled() == before
    finally:
        (gc.enable if was else gc.disable)()
