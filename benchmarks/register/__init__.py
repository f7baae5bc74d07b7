"""What the register costs: posting a line of the ledger, and reading the administration log of two years."""
