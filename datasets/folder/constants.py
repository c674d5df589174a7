"""Constants of a user's own images: frame policies, layouts and help texts."""

from __future__ import annotations

FRAME_POLICIES = ("all",)
"""The only frame policy."""

LAYOUTS = ("csv", "classes")
"""The layouts, the preferred one first."""

FORMS_HELP = (
    "Accepted are class folders, <root>/<class>/<subject>/<clip>/<image> (subject and clip are optional), "
    "and a CSV with the columns path and label (subject, clip and frame are optional)."
)

ACCESS_INSTRUCTIONS = f"Your own images, named by --root. {FORMS_HELP}"
