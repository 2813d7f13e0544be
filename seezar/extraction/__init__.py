"""What stands on the pages behind a login, as typed rows: definitions, reading, history, export."""
