"""ADK imports this module when a server is started on this folder: `adk web agents`, `adk api_server agents`."""

from agents.bootstrap import start

start()
