-- What is kept to be found again, in collections: each with the embedding model that its vectors are of. Besides pages of
-- accounts there are mails and files, which belong to no account.
CREATE TABLE knowledge.collection (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    model      text NOT NULL,
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
    passages   bigint NOT NULL DEFAULT 0,
    -- Whether there is an index by which near vectors are found without looking at all of them.
    indexed    boolean NOT NULL DEFAULT false,
    -- A worker is at it; when it is not done by then, another one may begin anew.
    indexing_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO knowledge.collection (name, model, dimensions) VALUES ('pages', 'wordllama', 256);

ALTER TABLE knowledge.document
    ALTER COLUMN account DROP NOT NULL,
    ADD COLUMN collection text NOT NULL DEFAULT 'pages' REFERENCES knowledge.collection ON DELETE CASCADE,
    ADD COLUMN kind text NOT NULL DEFAULT 'page' CHECK (kind IN ('page', 'mail', 'file')),
    ADD COLUMN site text NOT NULL DEFAULT '';
UPDATE knowledge.document SET site = coalesce(substring(url FROM '^https?://([^/:]+)'), '');
ALTER TABLE knowledge.document DROP CONSTRAINT document_account_url_digest_key;
CREATE UNIQUE INDEX document_once ON knowledge.document (collection, coalesce(account, ''), url, digest);

-- Vectors of several models, whose lengths differ, stand in one column; an index is of one collection.
DROP INDEX knowledge.passage_meaning;
ALTER TABLE knowledge.passage ALTER COLUMN embedding TYPE vector;
ALTER TABLE knowledge.passage ADD COLUMN collection text;
UPDATE knowledge.passage SET collection = 'pages';
ALTER TABLE knowledge.passage ALTER COLUMN collection SET NOT NULL;
CREATE INDEX passage_of_collection ON knowledge.passage (collection);
UPDATE knowledge.collection c SET passages = (SELECT count(*) FROM knowledge.passage p WHERE p.collection = c.name);

-- In how many passages of a collection each word stands: the rarer it is, the more it says.
CREATE TABLE knowledge.lexeme (
    collection text NOT NULL REFERENCES knowledge.collection ON DELETE CASCADE,
    lexeme     text NOT NULL,
    passages   bigint NOT NULL,
    PRIMARY KEY (collection, lexeme)
);
INSERT INTO knowledge.lexeme (collection, lexeme, passages)
    SELECT p.collection, l, count(*) FROM knowledge.passage p, unnest(tsvector_to_array(p.words)) l GROUP BY 1, 2;

-- Vectors of the model that a collection is being re-embedded with, until all of them are there.
CREATE TABLE knowledge.new_vector (
    passage_id bigint PRIMARY KEY REFERENCES knowledge.passage ON DELETE CASCADE,
    model      text NOT NULL,
    embedding  vector NOT NULL
);
CREATE UNIQUE INDEX run_one_reembedding ON app.run ((arguments ->> 0)) WHERE kind = 'reembed' AND finished_at IS NULL;
