"""Secrets that nothing else looks like, all the ways in which they could be written, and the search for them.

On purpose none of it is shared with `seezar.redaction`: what that forgets is found here.
"""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
from psycopg import sql

# The database's own files hold what the tables hold, which are searched as rows; the key is a secret itself.
_NOT_SEARCHED = ("postgres", "master.key")


def _written(secret: str) -> set[str]:
    once = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        html.escape(secret, quote=False),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        unicodedata.normalize("NFD", secret),
        "".join(f"&#{ord(character)};" for character in secret),
        secret.encode().hex(),
    }
    twice = {quote(form, safe="") for form in once} | {json.dumps(form)[1:-1] for form in once}
    return once | twice | {re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in once | twice}


def _encoded(secret: str) -> set[str]:
    found: set[str] = set()
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret.encode()).decode()
        inner = text[-(-before * 8 // 6) : (before + len(secret.encode())) * 8 // 6]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def _grouped(code: str) -> re.Pattern[bytes]:
    # Six digits turn up inside longer numbers (times, ids) by chance; a code stands by itself.
    digits = rb"(?:\s|\xc2\xa0|-)?".join(character.encode() for character in code)
    return re.compile(rb"(?<![0-9A-Za-z.:_+-])" + digits + rb"(?![0-9A-Za-z:_-])")


@dataclass
class Sieve:
    """Looks for secrets, and counts where it has looked.

    Attributes:
        places, size: how many texts of how many bytes were searched.
        hits: where a secret was found, and which; never how it reads.
    """

    secrets: dict[str, str]
    codes: dict[str, str] = field(default_factory=dict)
    places: int = 0
    size: int = 0
    hits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._forms = {
            name: sorted(form.encode() for form in _written(value) | _encoded(value))
            for name, value in self.secrets.items()
        }
        self._codes = {name: _grouped(code) for name, code in self.codes.items()}

    def look(self, where: str, content: bytes | str) -> None:
        """Search one text."""
        raw = content.encode(errors="surrogatepass") if isinstance(content, str) else content
        self.places += 1
        self.size += len(raw)
        found = [name for name, forms in self._forms.items() if any(form in raw for form in forms)]
        found += [name for name, code in self._codes.items() if code.search(raw)]
        self.hits += [f"{where}: {name}" for name in found]

    def look_into_database(self, url: str) -> None:
        """Search every value of every row of every table, and the comments, settings and large objects beside them."""
        for where, value in _values(url):
            self.look(where, value)

    def look_into_folder(self, folder: Path) -> None:
        """Search the names and contents of all files."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not set(path.relative_to(folder).parts) & set(_NOT_SEARCHED):
                self.look(f"file {path.name}", path.name.encode() + b"\n" + path.read_bytes())


def _values(url: str) -> Iterator[tuple[str, bytes | str]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        tables += [("pg_catalog", name) for name in ("pg_largeobject", "pg_description", "pg_stat_activity")]
        for schema, table in tables:
            cursor = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
            for row in cursor:
                for value in row:
                    yield from ((f"table {schema}.{table}", text) for text in _texts(value))


def _texts(value: Any) -> Iterable[bytes | str]:
    if value is None:
        return []
    if isinstance(value, bytes):
        # DBOS keeps encoded texts in text, we keep bytes: both as they are.
        return [value]
    if isinstance(value, dict | list):
        return [json.dumps(value, default=str), json.dumps(value, default=str, ensure_ascii=False)]
    text = str(value)
    try:
        # What is base64 as a whole is looked into as well.
        return [text, base64.b64decode(text, validate=True)] if len(text) > 20 else [text]
    except ValueError:
        return [text]
