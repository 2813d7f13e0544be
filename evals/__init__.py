"""Evaluation sets for the agents, their metrics, and the runner."""
