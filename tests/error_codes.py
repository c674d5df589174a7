"""Shared helper of the tests of errors that carry a code."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from architectures.errors import ArchitectureError
from datasets.errors import CodedError


@contextmanager
def raises_code(code: str, *values: object) -> Iterator[pytest.ExceptionInfo[ValueError]]:
    """Assert that the block raises an error with this code whose message contains each of `values`."""
    with pytest.raises((ArchitectureError, CodedError)) as caught:
        yield caught
    message = str(caught.value)
    assert isinstance(caught.value, ArchitectureError | CodedError)
    assert caught.value.code == code, message
    assert not [value for value in values if str(value) not in message], message
