"""What the harness costs: measured beside plain scripts, shown as tables."""
