"""The browser: which one, how many, what state it starts from, and what may leave it."""
