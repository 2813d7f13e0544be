"""What the numbers say: windows compared, values that are out of line, pictures of both."""
