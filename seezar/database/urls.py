"""Connection URLs: one server, several databases."""

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from seezar.errors import SettingsInvalid

APP_DATABASE = "seezar"
DBOS_DATABASE = "dbos"
_PASSWORDS = ("password", "sslpassword")


def check_url(url: str) -> str:
    """Return `url` if it is a PostgreSQL URL that names a database.

    Raises:
        SettingsInvalid: it is not.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # Its message would quote the address, and that may hold the password.
        raise SettingsInvalid("SEEZAR_DATABASE_URL: is not a URL") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise SettingsInvalid("SEEZAR_DATABASE_URL: must start with postgresql://")
    if not parts.path.strip("/"):
        raise SettingsInvalid("SEEZAR_DATABASE_URL: must name a database, as in postgresql://user@host/seezar")
    return urlunsplit(parts._replace(scheme="postgresql"))


def with_database(url: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def database_of(url: str) -> str:
    """The database that `url` names."""
    return unquote(urlsplit(url).path.strip("/"))


def with_options(url: str, **options: str) -> str:
    """`url` with libpq parameters (such as `application_name`) added to its query."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | options
    # libpq decodes %20 but not "+", hence quote and not quote_plus.
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def for_sqlalchemy(url: str, *, schema: str, application_name: str) -> str:
    """The URL that SQLAlchemy takes for psycopg 3, with `schema` as the search path.

    SQLAlchemy wants a host part before the path, which `postgresql://user@/db?host=/dir` leaves empty on purpose: it is
    accepted as it stands, the socket folder travels in the query.
    """
    full = with_options(url, options=f"-csearch_path={schema}", application_name=application_name)
    return urlunsplit(urlsplit(full)._replace(scheme="postgresql+psycopg"))


def without_password(url: str) -> str:
    """`url` fit to be shown: a password is replaced by `***`, in the query as well, where libpq takes it too."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(name in _PASSWORDS for name, _ in query):
        shown = [(name, "***" if name in _PASSWORDS else value) for name, value in query]
        parts = parts._replace(query=urlencode(shown, quote_via=quote, safe="/*"))
    if parts.password:
        host = parts.netloc.rpartition("@")[2]
        parts = parts._replace(netloc=f"{parts.username or ''}:***@{host}")
    return urlunsplit(parts)
