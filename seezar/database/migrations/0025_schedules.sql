-- What is done by the clock: extractions and reports. DBOS holds the clock; what a schedule means, and what came of each
-- time that it was due, is here.
CREATE TABLE app.schedule (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    kind       text NOT NULL CHECK (kind IN ('extract', 'report')),
    request    jsonb NOT NULL,
    cron       text NOT NULL,
    timezone   text NOT NULL,
    missed     text NOT NULL CHECK (missed IN ('catch_up', 'skip')),
    paused     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.schedule_firing (
    schedule    text NOT NULL REFERENCES app.schedule ON DELETE CASCADE,
    due_at      timestamptz NOT NULL,
    fired_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    status      text NOT NULL CHECK (status IN ('running', 'done', 'failed', 'skipped')),
    runs        text[] NOT NULL DEFAULT '{}',
    reason      text NOT NULL DEFAULT '',
    finished_at timestamptz,
    PRIMARY KEY (schedule, due_at)
);
CREATE INDEX schedule_firing_running ON app.schedule_firing (schedule) WHERE status = 'running';

ALTER TABLE app.notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE app.notice ADD CONSTRAINT notice_kind_check
    CHECK (kind IN ('needs_person', 'broken', 'works_again', 'schedule_failed'));

CREATE FUNCTION app.tell_of_firing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.tell_webhooks('schedule.failed', jsonb_build_object(
        'schedule', NEW.schedule, 'due_at', NEW.due_at, 'runs', NEW.runs, 'reason', NEW.reason));
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_firing AFTER UPDATE OF status ON app.schedule_firing
    FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed') EXECUTE FUNCTION app.tell_of_firing();
