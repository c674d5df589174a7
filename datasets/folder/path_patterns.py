"""Read subjects and clips from the paths of a user's own images, with the user's regular expressions.

An expression is searched in an image's path below the root, which has forward slashes. The name is the group
`subject` (`clip`) of the expression, or else its first group.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace

from datasets.errors import DatasetError
from datasets.folder.image_rows import MAX_NAME_LENGTH, ImageRow, normalize_name
from datasets.spec import Sample
from datasets.text import pluralize, summarize_names

_EXAMPLES = {"subject": r"(s\d+)_", "clip": r"_(c\d+)_"}
_MAX_NAMES = 3


def compile_pattern(kind: str, pattern: str) -> re.Pattern[str]:
    """Compile the expression that gives the subject or clip (`kind`).

    Raises:
        DatasetError: The text is not a regular expression, or has no group.
    """
    option, example = f"--{kind}-from", shlex.quote(_EXAMPLES[kind])
    try:
        compiled_pattern = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise DatasetError(
            "path-pattern.invalid",
            f"{option} takes a regular expression; {pattern!r} is not one ({error}): an example is {example}",
        ) from error
    if not compiled_pattern.groups:
        raise DatasetError(
            "path-pattern.no-group",
            f"{option} needs a group that marks the {kind} in the path of an image; {pattern!r} has no "
            f"group: put that part in brackets, as in {example}",
        )
    return compiled_pattern


def name_groups(
    rows: Sequence[ImageRow], *, kind: str, pattern: str, classes: Collection[str] = ()
) -> list[ImageRow]:
    """Return the rows with the subject or clip (`kind`) that the expression finds in their paths.

    Only the rows of `classes`, or all rows if it is empty, must have a name.

    Raises:
        DatasetError: The expression is invalid, finds no name in a path, or finds one name in all paths.
    """
    compiled_pattern = compile_pattern(kind, pattern)
    group = kind if kind in compiled_pattern.groupindex else 1
    result = [
        replace(row, **{kind: _find_name(compiled_pattern, row.id, group=group)})  # type: ignore[arg-type]
        for row in rows
    ]
    used_rows = [row for row in result if not classes or row.label in classes]
    names = {row.id: _get_name(row, kind) for row in used_rows}
    missing_ids = [id_ for id_, name in names.items() if not 0 < len(name) <= MAX_NAME_LENGTH]
    option = f"--{kind}-from {shlex.quote(pattern)}"
    if missing_ids:
        raise DatasetError(
            "path-pattern.no-match",
            f"{option} must find a {kind} of at most {MAX_NAME_LENGTH} characters in every image's path; it "
            f"finds none in {len(missing_ids)} of {pluralize(len(names), 'path')}: "
            f"{summarize_names(missing_ids, max_names=_MAX_NAMES)}. Correct the expression, or move these "
            "images out of the root.",
        )
    if len(set(names.values())) == 1:
        first_id, first_name = next(iter(names.items()))
        raise DatasetError(
            "path-pattern.one-name",
            f"{option} must find at least two {kind}s; it finds {first_name!r} in the path of every image, "
            f"such as {first_id}. Put brackets around the part of the path that differs between {kind}s.",
        )
    return result


def describe_groups(samples: Sequence[Sample], *, kind: str, pattern: str) -> str:
    """Return the number of subjects or clips (`kind`) that the expression gave, with two examples."""
    first_ids: dict[str, str] = {}
    for sample in samples:
        first_ids.setdefault(sample.subject if kind == "subject" else sample.clip, sample.id)
    examples = [f"{name} ({first_id})" for name, first_id in list(first_ids.items())[:2]]
    return (
        f"{kind}s: {len(first_ids)}, from --{kind}-from {shlex.quote(pattern)}, such as "
        f"{' and '.join(examples)}"
    )


def _find_name(pattern: re.Pattern[str], path: str, *, group: str | int) -> str:
    match = pattern.search(path)
    return normalize_name(match[group] or "") if match else ""


def _get_name(row: ImageRow, kind: str) -> str:
    return row.subject if kind == "subject" else row.clip
