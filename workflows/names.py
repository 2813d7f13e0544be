"""What client and worker must agree on."""

from typing import Final

# Raised on purpose when the shape of a workflow changes; otherwise any worker may take up any run.
APPLICATION_VERSION: Final = "2"
APPLICATION_NAME = "seezar"

QUEUE_SIGN_IN: Final = "sign_in"
QUEUE_BROWSER: Final = "browser"
# Of runs that take minutes, so that they hold up none of the short ones.
QUEUE_EXTRACT: Final = "extract"
# Of runs that wait for those, or for models.
QUEUE_REPORT: Final = "report"
QUEUES = (QUEUE_SIGN_IN, QUEUE_BROWSER, QUEUE_EXTRACT, QUEUE_REPORT)

SIGN_IN = "sign_in"
ANSWER_SIGN_IN = "answer_sign_in"
SIGN_OUT = "sign_out"
CHECK_SESSION = "check_session"
OPEN_PAGE = "open_page"
ACT_ON_PAGE = "act_on_page"
EXTRACT_FROM_PAGE = "extract_from_page"
DOWNLOAD = "download"
READ_ROWS = "read_rows"
EXTRACT = "extract"
REPORT = "report"
SCHEDULED = "scheduled"
REEMBED = "reembed"

# Advisory locks (two-part keys) in the `seezar` database: the slot a worker holds, and that it is ready for work.
LOCK_SLOT = 7001
LOCK_READY = 7002
# The worker that serves SMTP: a port can be listened on once.
LOCK_MAIL = 7003


def mail_topic(attempt: int) -> str:
    """The DBOS topic on which a run is woken when mail came for this attempt."""
    return f"mail:{attempt}"
