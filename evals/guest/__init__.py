"""An agent of somebody else, who uses seezar over MCP."""
