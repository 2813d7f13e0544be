-- What a page looked like when a sign-in came to a stop on it: redacted, then encrypted. One for each attempt.
CREATE TABLE app.picture (
    run_id   text NOT NULL REFERENCES app.run ON DELETE CASCADE,
    attempt  integer NOT NULL,
    status   text NOT NULL,
    image    bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, attempt)
);
