"""PostgreSQL: the embedded server, the pool, the migrations."""

from seezar.database.clock import server_now
from seezar.database.pool import Connection, Database, Row

__all__ = ["Connection", "Database", "Row", "server_now"]
