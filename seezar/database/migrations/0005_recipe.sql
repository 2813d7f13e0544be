-- What worked on a page of a site: where its parts are. Selectors and shapes, never a value.
CREATE TABLE app.recipe (
    origin     text NOT NULL,
    path       text NOT NULL,
    signature  text NOT NULL,
    kind       text NOT NULL,
    learned_by text NOT NULL CHECK (learned_by IN ('detector', 'model')),
    roles      jsonb NOT NULL,
    uses       integer NOT NULL DEFAULT 0,
    learned_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, path, signature)
);
