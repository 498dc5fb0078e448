-- Times are microseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE runs (
    id          TEXT PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    parent      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    tokens      INTEGER NOT NULL,
    cost        INTEGER NOT NULL,
    data        TEXT NOT NULL,
    created_at  INTEGER,
    updated_at  INTEGER,
    ended_at    INTEGER
) STRICT;
CREATE INDEX runs_of_customer ON runs (customer_id, id);
CREATE INDEX runs_of_parent ON runs (parent, id) WHERE parent <> '';
CREATE INDEX runs_created ON runs (customer_id, created_at, tokens, cost);
CREATE INDEX runs_updated ON runs (updated_at);

CREATE TABLE memories (
    n           INTEGER PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    layer       TEXT NOT NULL,
    topic       TEXT NOT NULL,
    text        TEXT NOT NULL,
    data        TEXT NOT NULL,
    space       TEXT NOT NULL,
    vector      BLOB,
    created_at  INTEGER,
    updated_at  INTEGER,
    expires_at  INTEGER,
    UNIQUE (customer_id, id)
) STRICT;
CREATE INDEX memories_expire ON memories (expires_at) WHERE expires_at IS NOT NULL;

-- customer_id is indexed as text too, so that a search looks at the rows of one
-- customer; whose they are is checked in the table, where case counts.
CREATE VIRTUAL TABLE memories_text USING fts5 (customer_id, text, content = 'memories', content_rowid = 'n', tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO memories_text (memories_text, rank) VALUES ('secure-delete', 1);

-- +goose StatementBegin
CREATE TRIGGER memories_added AFTER INSERT ON memories BEGIN
    INSERT INTO memories_text (rowid, customer_id, text) VALUES (new.n, new.customer_id, new.text);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER memories_deleted AFTER DELETE ON memories BEGIN
    INSERT INTO memories_text (memories_text, rowid, customer_id, text) VALUES ('delete', old.n, old.customer_id, old.text);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER memories_changed AFTER UPDATE OF text ON memories BEGIN
    INSERT INTO memories_text (memories_text, rowid, customer_id, text) VALUES ('delete', old.n, old.customer_id, old.text);
    INSERT INTO memories_text (rowid, customer_id, text) VALUES (new.n, new.customer_id, new.text);
END;
-- +goose StatementEnd
