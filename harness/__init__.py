"""Part of harness: the machine that trains, measures, tracks, and talks to the user."""
