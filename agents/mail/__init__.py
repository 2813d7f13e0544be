"""The mail agent as an ADK app; ADK looks for `app` and `root_agent` here."""

from agents.mail.agent import app, root_agent

__all__ = ["app", "root_agent"]
