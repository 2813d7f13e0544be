-- What somebody, or a run, has found out: Markdown with where each statement comes from, and files (pictures, tables).
-- Encrypted: it quotes what stands behind a login.
CREATE TABLE app.report (
    id         uuid PRIMARY KEY,
    title      text NOT NULL,
    account    text,
    made_by    text NOT NULL,
    sources    jsonb NOT NULL DEFAULT '[]',
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX report_newest ON app.report (created_at DESC, id DESC);

CREATE TABLE app.report_file (
    report_id  uuid NOT NULL REFERENCES app.report ON DELETE CASCADE,
    name       text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL,
    content    bytea NOT NULL,
    PRIMARY KEY (report_id, name)
);

CREATE TRIGGER key_stands_body BEFORE INSERT OR UPDATE OF body ON app.report
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('body');
CREATE TRIGGER key_stands_content BEFORE INSERT OR UPDATE OF content ON app.report_file
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('content');

-- Lists of kept pages are read newest first.
CREATE INDEX document_newest ON knowledge.document (saved_at DESC, id DESC);
