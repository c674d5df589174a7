"""Where the face is: one box a clip."""
