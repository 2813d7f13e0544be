-- Mailboxes that seezar can read, and the raw messages that arrived in them.
-- Nothing of a message is in clear: even a subject may carry the code. `envelope` is its sender and subject, encrypted, so
-- that a list does not have to open whole messages.

CREATE TABLE app.mailbox (
    address         text PRIMARY KEY CHECK (address = lower(address)),
    provider        text NOT NULL,
    idempotency_key text UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE app.message (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handle       uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    mailbox      text NOT NULL REFERENCES app.mailbox (address) ON DELETE CASCADE,
    message_key  text NOT NULL,
    envelope     bytea NOT NULL,
    raw          bytea NOT NULL,
    size         integer NOT NULL CHECK (size >= 0),
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    consumed_by  text,
    consumed_at  timestamptz,
    CHECK ((consumed_by IS NULL) = (consumed_at IS NULL)),
    UNIQUE (mailbox, message_key)
);

-- A cursor is the highest id of a mailbox, so each look is a range of this index.
CREATE INDEX message_mailbox_id ON app.message (mailbox, id);
-- A mail is ciphertext of already encoded text: compressing it again only costs time.
ALTER TABLE app.message ALTER COLUMN raw SET STORAGE EXTERNAL;

-- One notification for each message, sent by the commit. The payload is the id and never any content.
CREATE FUNCTION app.announce_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('seezar_mail', NEW.id::text);
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_message AFTER INSERT ON app.message
    FOR EACH ROW EXECUTE FUNCTION app.announce_message();
