"""The columns that hold encrypted values, and what each value is authenticated with: what it is, and whose it is.

The rotation of the master key knows these and no others, so every encrypted column is listed here; a test compares the
list with the tables.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """An encrypted column.

    Attributes:
        table, name: where it is.
        keys: columns that name a row, by a unique index; they are part of the context.
        kind: the first part of the context.
        separator: between the parts of the context.
        wrapped_apart: the wrapped data key stands in this column and the id of its master key in `key_id`; otherwise
            the column holds blobs of `Cipher.encrypt`.
        bound: a further column whose values, sorted, are part of the context.
        only_row: the table has one row, and the context is `kind` alone.
    """

    table: str
    name: str
    keys: tuple[str, ...]
    kind: str
    separator: str = "\n"
    wrapped_apart: bool = False
    bound: str | None = None
    only_row: bool = False

    def context(self, *of: object) -> str:
        """The context of a value.

        Args:
            of: values of `keys`, then those of `bound`.
        """
        return self.separator.join([self.kind, *map(str, of)])


SECRET = Column("app.secret", "wrapped_key", ("reference",), "secret", wrapped_apart=True, bound="origins")
SESSION = Column("app.session", "state", ("account",), "session")
CHECKPOINT = Column("app.attempt", "checkpoint", ("run_id", "number"), "checkpoint")
ANSWER = Column("app.answer", "value", ("run_id", "number"), "answer")
PAGE = Column("app.page", "body", ("id",), "page")
SCREENSHOT = Column("app.page", "screenshot", ("id",), "screenshot")
PAGE_FILE = Column("app.page", "file", ("id",), "page-file")
PICTURE = Column("app.picture", "image", ("run_id", "attempt"), "picture")
ENVELOPE = Column("app.message", "envelope", ("mailbox", "message_key"), "mail-envelope", separator=":")
MESSAGE = Column("app.message", "raw", ("mailbox", "message_key"), "mail-raw", separator=":")
SIGNING_KEY = Column("app.signing_key", "private_key", ("kid",), "signing-key")
WEBHOOK_SECRET = Column("app.webhook", "secret", ("id",), "webhook-secret")
WEBHOOK_PREVIOUS_SECRET = Column("app.webhook", "previous_secret", ("id",), "webhook-previous-secret")
REPORT = Column("app.report", "body", ("id",), "report")
REPORT_FILE = Column("app.report_file", "content", ("report_id", "name"), "report-file")
EXTRACTION_ADDRESS = Column("app.extraction_page", "address", ("run_id", "position"), "extraction-address")
EXTRACTION_PROBLEMS = Column("app.extraction_page", "problems", ("run_id", "position"), "extraction-problems")
EXTRACTION_PICTURE = Column("app.extraction_page", "picture", ("run_id", "position"), "extraction-picture")
EXTRACTION_FILE = Column("app.extraction_page", "file", ("run_id", "position"), "extraction-file")
AUDIT_KEY = Column("app.audit_key", "key", ("one",), "audit-key", only_row=True)

COLUMNS = (
    SECRET,
    SESSION,
    CHECKPOINT,
    ANSWER,
    PAGE,
    SCREENSHOT,
    PAGE_FILE,
    PICTURE,
    ENVELOPE,
    MESSAGE,
    SIGNING_KEY,
    WEBHOOK_SECRET,
    WEBHOOK_PREVIOUS_SECRET,
    REPORT,
    REPORT_FILE,
    EXTRACTION_ADDRESS,
    EXTRACTION_PROBLEMS,
    EXTRACTION_PICTURE,
    EXTRACTION_FILE,
    AUDIT_KEY,
)
