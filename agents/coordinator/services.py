"""ADK imports this module when it is given this folder: `adk run agents/coordinator`, `adk web agents/coordinator`."""

from agents.bootstrap import start

start()
