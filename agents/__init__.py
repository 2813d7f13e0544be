"""ADK apps: each folder is one; `adk web agents` lists them."""
