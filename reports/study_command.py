"""The command that ran a study, and commands that run it again with other values of some options."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from studies.results import StudyResult
from studies.study import Study

STUDY_COMMANDS = ("ablate", "compare", "reproduce")

DROPPED_OPTIONS = frozenset({"--plan"})
"""Options of a study's command that do not hold for another study: a plan fixes seeds and protocols."""

DROPPED_FLAGS = frozenset({"--retry-failed"})
"""Options without a value that would keep the command from running new cells."""


def has_command(result: StudyResult) -> bool:
    """Return whether the command that ran the study is recorded."""
    return bool(_list_recorded_words(result))


def build_command(result: StudyResult, options: Mapping[str, object]) -> str:
    """Return the command that runs a study again with other values of `options`.

    It is the command that ran the study last, with all its other options. A study that was run from Python
    has no command; the result is then the command as far as the spec of the study determines it.
    """
    words = _list_recorded_words(result) or _list_spec_words(result.study)
    kept_words = _drop_options(words, {*options, *DROPPED_OPTIONS})
    changed_words = (str(word) for item in options.items() for word in item)
    return shlex.join((*kept_words, *changed_words))


def find_root(result: StudyResult) -> str:
    """Return the folder of the data that the command of the study names, "" if it names none."""
    names = ("--root", f"--{result.study.dataset.name}")  # `harness reproduce` has an option for each set
    words = _list_recorded_words(result)
    for number, word in enumerate(words):
        name, separator, value = word.partition("=")
        if name in names:
            return value if separator else "".join(words[number + 1 : number + 2])
    return ""


def _list_recorded_words(result: StudyResult) -> list[str]:
    """Return the words of the command that ran the study last; [] if there is none."""
    try:
        words = shlex.split(result.commands[-1]) if result.commands else []
    except ValueError:  # an imported record can hold any text
        return []
    is_study_command = len(words) > 1 and words[0] == "harness" and words[1] in STUDY_COMMANDS
    return words if is_study_command else []


def _list_spec_words(study: Study) -> list[str]:
    name = "ablate" if study.kind == "ablation" else "compare"
    design_option = ("--design", study.design) if study.design not in ("", "ladder") else ()
    protocol_option = ("--protocol", ",".join(study.protocols))
    data_option, preset_option = ("--dataset", study.dataset.name), ("--preset", study.preset)
    return ["harness", name, *data_option, *design_option, *preset_option, *protocol_option]


def _drop_options(words: Sequence[str], names: set[str]) -> Iterator[str]:
    """Yield the words of a command without these options and their values, and without `DROPPED_FLAGS`."""
    remaining_words = iter(words)
    for word in remaining_words:
        name, separator, _ = word.partition("=")
        if name in names and not separator:
            next(remaining_words, None)
        elif name not in names | DROPPED_FLAGS:
            yield word
