"""Part of harness: the commands of the command line, one module per command."""
