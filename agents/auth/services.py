"""ADK imports this module when it is given this folder: `adk run agents/auth`, `adk web agents/auth`."""

from agents.bootstrap import start

start()
