-- Mailboxes at providers elsewhere, and where each message came from.

-- `provider_id` is the provider's own name of the mailbox; none while it is being made: then its password is stored
-- already, so that a repeat asks for the very same mailbox. `cursor` is how far the provider's messages were collected.
ALTER TABLE app.mailbox
    ADD COLUMN provider_id text,
    ADD COLUMN secret_ref  text REFERENCES app.secret ON DELETE SET NULL,
    ADD COLUMN cursor      text NOT NULL DEFAULT '';
UPDATE app.mailbox SET provider_id = address;

-- Unique twice: by content (`message_key`), for a provider that numbers anew, and by the provider's own id.
ALTER TABLE app.message ADD COLUMN provider_message text;
CREATE UNIQUE INDEX message_provider_message ON app.message (mailbox, provider_message);

-- That the site was asked for the mail again. Written before it is asked, so that it counts across crashes.
ALTER TABLE app.attempt ADD COLUMN mail_asked_again boolean NOT NULL DEFAULT false;

-- Messages that a provider lists and that are not stored, so that they are not fetched at every look.
CREATE TABLE app.message_passed (
    mailbox          text NOT NULL REFERENCES app.mailbox (address) ON DELETE CASCADE,
    provider_message text NOT NULL,
    reason           text NOT NULL,
    at               timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (mailbox, provider_message)
);
