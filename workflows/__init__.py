"""Durable workflows: the only code that changes the world. DBOS lives here and nowhere else."""
