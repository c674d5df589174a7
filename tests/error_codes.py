"""Shared helper of the tests of errors that carry a code."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from architectures.errors import ArchitectureError
from datasets.errors import DatasetError
from studies.errors import StudyError

CodedError = ArchitectureError | DatasetError | StudyError
CODED_ERRORS: tuple[type[CodedError], ...] = (ArchitectureError, DatasetError, StudyError)


@contextmanager
def raises_code(code: str, *values: object) -> Iterator[pytest.ExceptionInfo[CodedError]]:
    """Assert that the block raises an error with this code whose message contains each of `values`."""
    with pytest.raises(CODED_ERRORS) as caught:
        yield caught
    message = str(caught.value)
    assert caught.value.code == code, message
    assert not [value for value in values if str(value) not in message], message
