-- The order in which queued runs are taken, deadlines, requests that are repeated, and the pace that a site is given.

-- `priority` is that of the queue, the lowest first; `queued_at` is when the run came into it, again after an answer.
-- `arguments` are those of its workflow: one whose caller died before it was queued is queued by a worker, and one that
-- failed can be tried again. Names and options, never a secret; NULL for runs of an older version.
-- `deadline` is set when the run starts: what it waits before does not count.
-- `account_removed`: while the run was open. Another account may have the name by now; the run is none of its business.
ALTER TABLE app.run
    ADD COLUMN priority   smallint NOT NULL DEFAULT 10,
    ADD COLUMN queued_at  timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN started_at timestamptz,
    ADD COLUMN deadline   timestamptz,
    ADD COLUMN arguments  jsonb,
    ADD COLUMN account_removed boolean NOT NULL DEFAULT false;
-- Looked at with every new run, however many have ended.
CREATE INDEX run_queued ON app.run (priority, queued_at) WHERE status = 'queued' AND finished_at IS NULL;
CREATE INDEX run_open ON app.run (account) WHERE finished_at IS NULL;

-- A table and not a column: a caller that attaches to a run under way has a key of its own, and a run may have several.
-- `digest` is of what was asked for, so that a key is not used for something else.
CREATE TABLE app.idempotency_key (
    key        text PRIMARY KEY,
    digest     text NOT NULL,
    run_id     text NOT NULL REFERENCES app.run ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_key_run ON app.idempotency_key (run_id);

-- Up to when the sign-ins of a site are given away at its pace (GCRA's theoretical arrival time): one row a host.
CREATE TABLE app.site_turn (
    site         text PRIMARY KEY,
    booked_until timestamptz NOT NULL
);
