"""What is known of a user's own images before a file is opened: the forms that are read."""

from __future__ import annotations

FRAME_POLICIES = ("all",)
"""The frame policies: there is one."""

LAYOUTS = ("csv", "classes")
"""The forms of such a set, the preferred one first."""

FORMS_HELP = (
    "Accepted are class folders, <root>/<class>/<subject>/<clip>/<image> with subject and clip where they "
    "are known, and a CSV with the columns path and label, and subject, clip and frame where they are known."
)

ACCESS_INSTRUCTIONS = f"Your own images, named by --root. {FORMS_HELP}"
