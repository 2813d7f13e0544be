-- What was said in conversations, to be found again in later ones, by the one who said it and nobody else: rows are kept
-- apart by the server (row-level security), for the role that every statement about them is made as. The role owns
-- nothing and cannot log in (roles.sql).
CREATE TABLE knowledge.memory (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app        text NOT NULL,
    user_id    text NOT NULL,
    session_id text NOT NULL,
    event_id   text NOT NULL,
    author     text NOT NULL,
    text       text NOT NULL,
    embedding  vector(256) NOT NULL,
    words      tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED,
    said_at    timestamptz NOT NULL,
    UNIQUE (app, user_id, session_id, event_id)
);
CREATE INDEX memory_of_user ON knowledge.memory (app, user_id, said_at DESC);

ALTER TABLE knowledge.memory ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_user ON knowledge.memory
    USING (app = current_setting('seezar.memory_app', true) AND user_id = current_setting('seezar.memory_user', true));
