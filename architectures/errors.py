"""The exception for a network that cannot be specified or built."""

from __future__ import annotations


class ArchitectureError(ValueError):
    """A rule is broken by a value that a user can change.

    Attributes:
        code: The rule, as `subject.rule`. Each rule has its own code, which does not change with the wording
            of the message.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)  # both in `args`, so that the error can be pickled
        self.code = code

    def __str__(self) -> str:
        """Return the message: the rule, the value and the remedy."""
        message: str = self.args[1]
        return message
