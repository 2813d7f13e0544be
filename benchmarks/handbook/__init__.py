"""The handbook of a made-up company, and questions about it with the page that answers each."""

from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent


def handbook() -> tuple[list[dict[str, str]], list[tuple[str, str]]]:
    """The documents (`id`, `title`, `text`), and the questions: id of the right document, and the words."""
    documents: list[dict[str, str]] = yaml.safe_load((_FOLDER / "documents.yaml").read_text(encoding="utf-8"))
    questions: list[Any] = yaml.safe_load((_FOLDER / "questions.yaml").read_text(encoding="utf-8"))
    return documents, [(str(wanted), str(text)) for wanted, text in questions]
