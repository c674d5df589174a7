"""Names of sets, subjects and clips as logs and lists spell them, and keys that do not depend on spelling.

The challenge's list says subject 6 of SAMM where logs say 006, and s01_ne_01 of SMIC where some say s1_ne_01.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from datasets.megc2019.constants import NAME, SETS
from datasets.text import one_line

ClipKey = tuple[str, str, str]
"""Set, subject and clip in one spelling."""

SET_ALIASES: Mapping[str, str] = {
    "casme2": "casme2",
    "casmeii": "casme2",
    "smic": "smic",
    "smichs": "smic",
    "samm": "samm",
}
"""Names of the sets by their spelling in lower case, letters and digits alone."""

SUBJECT_FORMS: Mapping[str, re.Pattern[str]] = {
    "casme2": re.compile(r"sub[0-9]{1,2}", re.IGNORECASE),
    "smic": re.compile(r"s[0-9]{1,2}", re.IGNORECASE),
    "samm": re.compile(r"[0-9]{3}"),
}
"""Forms of a subject's name by set: sub01, s01 and 006."""

_SUBJECT_NUMBER = re.compile(r"(?:sub|s)?0*([0-9]+)")
_CLIP_SUBJECT = re.compile(r"^s?0*([0-9]+)_")


def parse_set_name(text: str) -> str:
    """Return the name of a set of the composite in any spelling; another text is returned on one line."""
    spelling = re.sub(r"[^a-z0-9]", "", text.casefold())
    return SET_ALIASES.get(spelling) or one_line(text.strip())


def infer_sets(subjects: Collection[str]) -> Mapping[str, str]:
    """Return the set of each subject by the form of its name; {} if a name has another form."""
    sets = {
        subject: name
        for subject in subjects
        for name, form in SUBJECT_FORMS.items()
        if form.fullmatch(subject.strip())
    }
    return sets if len(sets) == len(set(subjects)) else {}


def build_clip_key(dataset: str, subject: str, clip: str) -> ClipKey:
    """Return the key of a clip, the same for all spellings of a set of the composite."""
    set_name = parse_set_name(dataset)
    own_name = clip.removeprefix(f"{subject}/").casefold()
    if set_name not in SETS:
        return set_name, subject, own_name
    return set_name, normalize_subject(subject), _CLIP_SUBJECT.sub(r"\1_", own_name)


def split_part(dataset: str, subject: str) -> tuple[str, str]:
    """Return the set of a subject and the subject's name in it, for a subject such as `casme2/sub01`.

    In other data sets than the composite, these are the data set and the subject.
    """
    part, _, name = subject.partition("/")
    return (part, name) if dataset == NAME and part in SETS else (dataset, subject)


def normalize_subject(subject: str) -> str:
    """Return the number of a subject without prefix and leading zeros, or the name in lower case."""
    name = subject.strip().casefold()
    match = _SUBJECT_NUMBER.fullmatch(name)
    return match[1] if match else name
