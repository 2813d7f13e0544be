-- Programs elsewhere that are told what happens. What is told is written in the transaction in which it happens, by the
-- database itself, whoever did it; it is sent later, at least once.
CREATE TABLE app.webhook (
    id              text PRIMARY KEY,
    url             text NOT NULL,
    events          text[] NOT NULL CHECK (cardinality(events) > 0),
    description     text NOT NULL DEFAULT '',
    enabled         boolean NOT NULL DEFAULT true,
    -- Why it was disabled, when not by a person.
    problem         text NOT NULL DEFAULT '',
    made_by         text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- Encrypted. What is sent is signed with the one before as well until `previous_until`.
    secret          bytea NOT NULL,
    previous_secret bytea,
    previous_until  timestamptz
);

-- Who sends one puts `next_at` ahead first: if he dies, it is due again. No `sent_at` and no `next_at`: given up.
CREATE TABLE app.webhook_delivery (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook    text NOT NULL REFERENCES app.webhook ON DELETE CASCADE,
    event      text NOT NULL,
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tries      integer NOT NULL DEFAULT 0,
    next_at    timestamptz DEFAULT clock_timestamp(),
    sent_at    timestamptz,
    -- Of the last try.
    problem    text NOT NULL DEFAULT ''
);
CREATE INDEX webhook_delivery_due ON app.webhook_delivery (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_delivery_of ON app.webhook_delivery (webhook, created_at DESC, id DESC);

CREATE FUNCTION app.tell_webhooks(happened text, told jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO app.webhook_delivery (webhook, event, data)
    SELECT w.id, happened, told FROM app.webhook w WHERE w.enabled AND happened = ANY(w.events)
$$;

CREATE FUNCTION app.tell_of_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told jsonb := jsonb_build_object('run_id', NEW.id, 'kind', NEW.kind, 'account', NEW.account, 'status', NEW.status,
                                     'reason', NEW.reason);
BEGIN
    IF NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL THEN
        PERFORM app.tell_webhooks('run.finished', told);
    ELSIF NEW.question IS NOT NULL AND NEW.finished_at IS NULL AND NEW.asked_at IS DISTINCT FROM OLD.asked_at THEN
        PERFORM app.tell_webhooks('run.waiting', told || jsonb_build_object('question', NEW.question));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_run AFTER UPDATE OF finished_at, asked_at ON app.run
    FOR EACH ROW EXECUTE FUNCTION app.tell_of_run();

CREATE FUNCTION app.tell_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM app.tell_webhooks('session.ended', jsonb_build_object('account', OLD.account, 'session_id', OLD.id));
    ELSIF TG_OP = 'INSERT' OR NEW.id IS DISTINCT FROM OLD.id THEN
        PERFORM app.tell_webhooks('session.stored', jsonb_build_object(
            'account', NEW.account, 'session_id', NEW.id, 'run_id', NEW.run_id, 'expires_at', NEW.expires_at));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_session AFTER INSERT OR UPDATE OF id OR DELETE ON app.session
    FOR EACH ROW EXECUTE FUNCTION app.tell_of_session();

CREATE TRIGGER key_stands_secret BEFORE INSERT OR UPDATE OF secret ON app.webhook
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('secret');
CREATE TRIGGER key_stands_previous_secret BEFORE INSERT OR UPDATE OF previous_secret ON app.webhook
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('previous_secret');
