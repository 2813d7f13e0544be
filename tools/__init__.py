"""The functions that the agents' models may call: one module a sub-agent."""
