"""ADK imports this module when it is given this folder: `adk run agents/research`, `adk web agents/research`."""

from agents.bootstrap import start

start()
