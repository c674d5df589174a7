"""What is known of a user's own images before a file is opened: the forms that are read."""

from __future__ import annotations

FRAMES = ("all",)
"""The frame policies: there is one."""

LAYOUTS = ("csv", "classes")
"""The forms of such a set, the preferred one first."""

FORMS = (
    "Accepted are class folders, <root>/<class>/<subject>/<clip>/<image> with subject and clip where they "
    "are known, and a CSV with the columns path and label, and subject, clip and frame where they are known."
)

OBTAIN = f"Your own images, named by --root. {FORMS}"
