"""The paper's claims: what the runs measure for each, the rule that judges it, and the table of results."""
