"""The exception for a study or report that cannot be made."""

from __future__ import annotations

from datasets.errors import CodedError


class StudyError(CodedError):
    """A rule about studies or reports is broken."""
