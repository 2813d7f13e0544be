"""What is kept, and what is found of it: typed records."""

from dataclasses import dataclass, field
from datetime import datetime

from seezar.errors import SeezarError
from seezar.knowledge.searching import Kind


class DocumentUnknown(SeezarError):
    """No kept document with this id."""

    status = "unknown_document"


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What `Knowledge.add` takes.

    Attributes:
        text: `#` headings, `| a | b |` rows, other lines; redacted.
        url: where it is from: an address without query, or the name of a file.
        account: whose page or mail it is; None = nobody's.
        taken_at: when it was read; now when None.
        replaces: whether another text of the same source, which was kept before, is forgotten.
    """

    title: str
    text: str = field(repr=False)
    url: str
    kind: Kind
    account: str | None = None
    taken_at: datetime | None = None
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is kept.

    Attributes:
        account: whose; None of a file.
        url: without query; of a file its name.
        passages: into how many it was cut.
        taken_at, saved_at: when it was read, and when it was kept.
    """

    id: str
    collection: str
    kind: Kind
    account: str | None
    site: str
    url: str
    title: str
    passages: int
    taken_at: datetime
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """A document that is kept.

    Attributes:
        id: of the document.
        passages: into how many it was cut.
        new: False when the same text of the same source was kept before.
        replaced: whether another text of it was forgotten.
    """

    id: str
    passages: int
    new: bool
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a kept document.

    Attributes:
        text: title, heading and body.
        document_id: of the document.
        account: whose it was; empty of a file.
        url: without query; of a file its name.
        title: of the document.
        taken_at: when it was read.
        score: fused rank, comparable within one search only.
    """

    text: str
    document_id: str
    collection: str
    kind: Kind
    account: str
    url: str
    title: str
    taken_at: datetime
    score: float
