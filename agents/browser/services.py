"""ADK imports this module when it is given this folder: `adk run agents/browser`, `adk web agents/browser`."""

from agents.bootstrap import start

start()
