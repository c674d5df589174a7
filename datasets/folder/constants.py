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

GROUPS_HELP = (
    "Give the {kind} of every image by folders (<root>/<class>/<subject>/<clip>/<image>), by the column "
    "{kind} of a CSV, or by --{kind}-from REGEX, an expression whose first group is the {kind} in a path: "
    r"for happy/s01_c2_007.png, --subject-from '(s\d+)_' gives s01 and --clip-from '_(c\d+)_' gives c2"
)
"""What to do if a protocol needs subjects or clips; `{kind}` is "subject" or "clip"."""

ACCESS_INSTRUCTIONS = f"Your own images, named by --root. {FORMS_HELP}"
