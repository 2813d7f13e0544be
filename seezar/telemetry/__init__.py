"""Traces: where they go, what is taken out of them first, and the spans of seezar itself."""
