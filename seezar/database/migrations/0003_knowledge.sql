-- Pages that were kept, cut into passages that are found by meaning and by words.
-- The text is redacted before it gets here, and not encrypted: full-text search needs to read it.
CREATE TABLE knowledge.document (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account  text NOT NULL,
    url      text NOT NULL,
    title    text NOT NULL,
    digest   bytea NOT NULL,
    taken_at timestamptz NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account, url, digest)
);

CREATE TABLE knowledge.passage (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES knowledge.document ON DELETE CASCADE,
    position    integer NOT NULL,
    text        text NOT NULL,
    embedding   vector(256) NOT NULL,
    words       tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED,
    UNIQUE (document_id, position)
);
CREATE INDEX passage_meaning ON knowledge.passage USING hnsw (embedding vector_cosine_ops);
CREATE INDEX passage_words ON knowledge.passage USING gin (words);
