"""Part of harness: the command line, one thin file a command."""
