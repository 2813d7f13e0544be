"""The ways in besides ADK's own: the command line `seezar` and the launcher of ADK Web."""
