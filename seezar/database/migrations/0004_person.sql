-- Runs that wait for a person, sites that ask for a pause, and sessions that are kept alive.

-- A run that waits keeps its row open while no workflow works on it; `workflow_id` is the one that works on it, or did
-- last. `left_s` is what is left of the run's own time: waiting does not count.
ALTER TABLE app.run
    ADD COLUMN question    text,
    ADD COLUMN workflow_id text,
    ADD COLUMN asked_at    timestamptz,
    ADD COLUMN left_s      double precision;
UPDATE app.run SET workflow_id = id;
ALTER TABLE app.run ALTER COLUMN workflow_id SET NOT NULL;
CREATE INDEX run_workflow ON app.run (workflow_id);

-- One sign-in of an account at a time: whoever comes second attaches to it.
UPDATE app.run r SET status = 'cancelled', reason = 'Superseded.', finished_at = now()
WHERE kind = 'sign_in' AND finished_at IS NULL
  AND EXISTS (SELECT 1 FROM app.run o WHERE o.kind = 'sign_in' AND o.account = r.account AND o.finished_at IS NULL
              AND (o.created_at, o.id) > (r.created_at, r.id));
CREATE UNIQUE INDEX run_one_sign_in ON app.run (account) WHERE kind = 'sign_in' AND finished_at IS NULL;

-- What a person answered, encrypted, until it has been used.
CREATE TABLE app.answer (
    run_id   text NOT NULL REFERENCES app.run ON DELETE CASCADE,
    number   integer NOT NULL,
    question text NOT NULL,
    value    bytea,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used_at  timestamptz,
    PRIMARY KEY (run_id, number)
);

-- Until when the site of an account is left alone, because it said so or the account is locked there.
CREATE TABLE app.site_pause (
    account text PRIMARY KEY REFERENCES app.account ON DELETE CASCADE,
    status  text NOT NULL,
    until   timestamptz NOT NULL,
    reason  text NOT NULL,
    times   integer NOT NULL DEFAULT 1
);

-- `expires_at` is when the site's own cookies end the session, as far as they say; `renewed_at` when that was last set
-- anew; `kept_at` when the worker last looked after it by itself.
ALTER TABLE app.session
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN renewed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN kept_at    timestamptz;
