-- Who did what to which account when. Rows are only ever added, each with a code over itself and the row before it.
CREATE TABLE app.audit (
    number  bigint PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text,
    -- Not jsonb: the code is over the very text.
    detail  json NOT NULL,
    mac     bytea NOT NULL
);
CREATE INDEX audit_subject ON app.audit (subject, number DESC);

-- The key of the codes, encrypted under the master key: whoever has the database alone cannot write the log anew.
CREATE TABLE app.audit_key (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    key        bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION app.audit_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON app.audit
    FOR EACH STATEMENT EXECUTE FUNCTION app.audit_stands();
