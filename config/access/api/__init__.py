"""`/v6/tokens/` and `/v6/audit/`: keys for oneself, and who changed what."""
