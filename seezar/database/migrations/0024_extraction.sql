-- What is read behind logins, by definition: the definitions, their runs, the pages of a run, and (in schema `data`,
-- one table an extraction, made when it is stored) the rows.
CREATE SCHEMA IF NOT EXISTS data;

CREATE TABLE app.extraction (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    definition jsonb NOT NULL,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Stays when the run itself is forgotten: rows name it. The definition is that of the time when the run began.
CREATE TABLE app.extraction_run (
    run_id      text PRIMARY KEY,
    extraction  text NOT NULL REFERENCES app.extraction ON DELETE CASCADE,
    account     text NOT NULL,
    version     integer NOT NULL,
    definition  jsonb NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    status      text
);
CREATE INDEX extraction_run_newest ON app.extraction_run (extraction, account, finished_at DESC);

-- The checkpoint of a run: a page is read and its rows are stored in the transaction that sets it to done. Addresses
-- may carry tokens, problems quote pages: both are encrypted, as pictures and files are.
CREATE TABLE app.extraction_page (
    run_id   text NOT NULL REFERENCES app.extraction_run ON DELETE CASCADE,
    position integer NOT NULL,
    role     text NOT NULL CHECK (role IN ('list', 'rows')),
    digest   bytea NOT NULL,
    address  bytea NOT NULL,
    clicks   integer NOT NULL DEFAULT 0,
    item     text NOT NULL DEFAULT '',
    status   text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'failed')),
    tries    integer NOT NULL DEFAULT 0,
    url      text,
    source   text,
    rows     integer NOT NULL DEFAULT 0,
    bad      integer NOT NULL DEFAULT 0,
    partial  boolean NOT NULL DEFAULT false,
    reason   text NOT NULL DEFAULT '',
    content  bytea,
    problems bytea,
    picture  bytea,
    file     bytea,
    read_at  timestamptz,
    PRIMARY KEY (run_id, position),
    UNIQUE (run_id, digest)
);
CREATE INDEX extraction_page_waiting ON app.extraction_page (run_id, position) WHERE status = 'waiting';

CREATE TRIGGER key_stands_address BEFORE INSERT OR UPDATE OF address ON app.extraction_page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('address');
CREATE TRIGGER key_stands_problems BEFORE INSERT OR UPDATE OF problems ON app.extraction_page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('problems');
CREATE TRIGGER key_stands_picture BEFORE INSERT OR UPDATE OF picture ON app.extraction_page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('picture');
CREATE TRIGGER key_stands_file BEFORE INSERT OR UPDATE OF file ON app.extraction_page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('file');

-- Never two at once: of an extraction and an account there is one open run.
CREATE UNIQUE INDEX run_one_extraction ON app.run (account, (arguments ->> 0))
    WHERE kind = 'extract' AND finished_at IS NULL;

-- For people with their own tools, who see `data` and nothing else of this database (roles.sql).
CREATE VIEW data.runs AS
    SELECT run_id, extraction, account, version, started_at, finished_at, status FROM app.extraction_run;
