-- Where the rows of an extraction stand on pages of a site, once a model has pointed at them: selectors alone.
CREATE TABLE app.extraction_recipe (
    extraction text NOT NULL REFERENCES app.extraction ON DELETE CASCADE,
    path       text NOT NULL,
    rows       text NOT NULL,
    fields     jsonb NOT NULL,
    learned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (extraction, path)
);
