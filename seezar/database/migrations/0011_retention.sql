-- What is deleted by age is found by these, however much is there.
CREATE INDEX run_finished ON app.run (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX message_received ON app.message (received_at);
CREATE INDEX picture_taken ON app.picture (taken_at);
CREATE INDEX page_taken ON app.page (taken_at);

-- When something that is done now and then was last done to its end. Whoever is at it holds the row locked.
CREATE TABLE app.housekeeping (
    name    text PRIMARY KEY,
    done_at timestamptz
);
INSERT INTO app.housekeeping (name) VALUES ('retention');
