-- What a page gave as a file stays with the page, encrypted as its text is.
ALTER TABLE app.page ADD COLUMN file bytea, ADD COLUMN file_name text;
CREATE TRIGGER key_stands_file BEFORE INSERT OR UPDATE OF file ON app.page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('file');

-- Which element a model has pointed out for which words on which page, and how it can be told that it is still the same.
-- Neither the words nor what the element says stand here, only digests of them.
CREATE TABLE app.action_recipe (
    origin   text NOT NULL,
    path     text NOT NULL,
    words    bytea NOT NULL,
    selector text NOT NULL,
    method   text NOT NULL,
    element  bytea NOT NULL,
    uses     integer NOT NULL DEFAULT 0,
    used_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, path, words)
);
