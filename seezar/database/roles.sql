-- Roles that own nothing, cannot log in, and see a part of this database: seezar_reader the rows of extractions (schema
-- `data`), seezar_memory what one user has said (knowledge.memory). Run again wherever a grant is missing: a restored
-- database brings none along, and an administrator may have to make the roles, which are of the whole server.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['seezar_reader', 'seezar_memory'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            END IF;
        EXCEPTION
            -- Another database may have made it just now; not every owner of a database may make one.
            WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
        END;
    END LOOP;
    IF to_regnamespace('data') IS NOT NULL AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'seezar_reader') THEN
        GRANT USAGE ON SCHEMA data TO seezar_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA data TO seezar_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA data GRANT SELECT ON TABLES TO seezar_reader;
    END IF;
    IF to_regclass('knowledge.memory') IS NOT NULL AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'seezar_memory')
    THEN
        GRANT USAGE ON SCHEMA knowledge TO seezar_memory;
        GRANT SELECT, INSERT, DELETE ON knowledge.memory TO seezar_memory;
        BEGIN
            EXECUTE format('GRANT seezar_memory TO %I', current_user);
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END $$;
