-- The databases and schemas of seezar. Plain SQL plus psql's \gexec and \connect; safe to run again.
--
--   docker compose        PostgreSQL's image runs it on the first start of its volume
--   embedded PostgreSQL   `seezar db start` runs it with the psql that comes with the server
--   any other server      psql "$SEEZAR_DATABASE_URL" -v ON_ERROR_STOP=1 -f init.sql   (as a role that may create databases)
--
-- Where there is no psql, the last part is all that seezar itself needs: create the databases `seezar` and `dbos` by any
-- means and run the statements below `\connect` in `seezar`.

-- `seezar` comes last: where it is, a run that was cut short has made the others too.
SELECT format('CREATE DATABASE %I', name)
FROM unnest(ARRAY['dbos', 'langfuse', 'litellm', 'seezar']) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = name)
\gexec

\connect seezar

CREATE SCHEMA IF NOT EXISTS app;
CREATE SCHEMA IF NOT EXISTS adk;
CREATE SCHEMA IF NOT EXISTS knowledge;
CREATE SCHEMA IF NOT EXISTS data;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    ELSE
        RAISE WARNING 'pgvector is not installed on this server: the knowledge base and agent memory cannot be used'
            USING HINT = 'Install the pgvector package of this PostgreSQL version and run init.sql again.';
    END IF;
END
$$;
