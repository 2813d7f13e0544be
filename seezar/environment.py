"""What stands in `.env`, for the libraries that read the environment; light, as every command begins with it."""

from pathlib import Path


def load_environment() -> None:
    """Put what `.env` in the current folder holds into the environment, where it is not set there: the libraries that
    talk to models and take traces read their keys from nowhere else. For the entry points of processes.
    """
    if Path(".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(".env")
