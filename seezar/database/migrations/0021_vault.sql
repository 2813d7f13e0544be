-- The master key can be exchanged. What is encrypted under a key that was retired is refused: none of it may come back
-- from a process that has not heard of the new key, for without the old one nobody could open it.
ALTER TABLE app.master_key ADD COLUMN retired_at timestamptz;

CREATE FUNCTION app.key_stands(id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Held until the transaction ends. Who retires the key takes the same lock alone, and so sees all that was stored.
    PERFORM pg_advisory_xact_lock_shared(7003000, hashtext(id));
    IF EXISTS (SELECT 1 FROM app.master_key WHERE key_id = id AND retired_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the master key % was retired', id USING ERRCODE = 'SZK01';
    END IF;
END $$;

-- The argument of the trigger is the column. A blob begins with 2 and the id of its key; see seezar/vault/cipher.py.
CREATE FUNCTION app.blob_key_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head bytea;
BEGIN
    EXECUTE format('SELECT substring(($1).%I FROM 1 FOR 9)', TG_ARGV[0]) INTO head USING NEW;
    IF substring(head FROM 1 FOR 1) = '\x02' THEN
        PERFORM app.key_stands(encode(substring(head FROM 2), 'hex'));
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION app.secret_key_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.key_stands(NEW.key_id);
    RETURN NEW;
END $$;

CREATE TRIGGER key_stands BEFORE INSERT OR UPDATE OF wrapped_key ON app.secret
    FOR EACH ROW EXECUTE FUNCTION app.secret_key_stands();
CREATE TRIGGER key_stands_state BEFORE INSERT OR UPDATE OF state ON app.session
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('state');
CREATE TRIGGER key_stands_checkpoint BEFORE INSERT OR UPDATE OF checkpoint ON app.attempt
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('checkpoint');
CREATE TRIGGER key_stands_value BEFORE INSERT OR UPDATE OF value ON app.answer
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('value');
CREATE TRIGGER key_stands_body BEFORE INSERT OR UPDATE OF body ON app.page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('body');
CREATE TRIGGER key_stands_screenshot BEFORE INSERT OR UPDATE OF screenshot ON app.page
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('screenshot');
CREATE TRIGGER key_stands_image BEFORE INSERT OR UPDATE OF image ON app.picture
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('image');
CREATE TRIGGER key_stands_envelope BEFORE INSERT OR UPDATE OF envelope ON app.message
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('envelope');
CREATE TRIGGER key_stands_raw BEFORE INSERT OR UPDATE OF raw ON app.message
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('raw');
CREATE TRIGGER key_stands_private_key BEFORE INSERT OR UPDATE OF private_key ON app.signing_key
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('private_key');
CREATE TRIGGER key_stands_key BEFORE INSERT OR UPDATE OF key ON app.audit_key
    FOR EACH ROW EXECUTE FUNCTION app.blob_key_stands('key');
