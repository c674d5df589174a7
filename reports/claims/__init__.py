"""The paper's claims: the measure and the rule of each claim, and the table of results."""
