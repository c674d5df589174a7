"""Exceptions with a code, and the one for data that cannot be read, split or generated."""

from __future__ import annotations

from datasets.text import one_line


class CodedError(ValueError):
    """A rule is broken by a value that a user can change.

    Attributes:
        code: The rule, as `subject.rule`. Each rule has its own code, which does not change with the wording
            of the message.
    """

    def __init__(self, code: str, message: str) -> None:
        # The message may contain names of files and cells, which can hold any character.
        super().__init__(code, one_line(message))  # both in `args`, so that the error can be pickled
        self.code = code

    def __str__(self) -> str:
        """Return the message on one line: the rule, the value and the remedy."""
        message: str = self.args[1]
        return message


class DatasetError(CodedError):
    """A rule about data is broken."""
