"""A table that grows a column while another process uses it, as when a newer version migrates beside a running one."""

from seezar.database import Database


async def test_a_prepared_statement_outlives_a_new_column(database: Database) -> None:
    await database.run("CREATE TABLE app.grows (a int)")
    await database.run("INSERT INTO app.grows VALUES (1)")
    # Often enough to be prepared, which psycopg does at the sixth time.
    for _ in range(8):
        assert await database.one("SELECT * FROM app.grows") == {"a": 1}
    async with database.listen("other") as connection:
        await connection.execute("ALTER TABLE app.grows ADD COLUMN b int DEFAULT 2")
    assert await database.one("SELECT * FROM app.grows") == {"a": 1, "b": 2}
    assert await database.all("SELECT * FROM app.grows WHERE a = %s", 1) == [{"a": 1, "b": 2}]
