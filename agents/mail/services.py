"""ADK imports this module when it is given this folder: `adk run agents/mail`, `adk web agents/mail`."""

from agents.bootstrap import start

start()
