-- Times are microseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE customers (
    id              TEXT PRIMARY KEY NOT NULL,
    external_id     TEXT UNIQUE,
    idempotency_key TEXT UNIQUE,
    email           TEXT NOT NULL,
    status          TEXT NOT NULL,
    brand_name      TEXT NOT NULL,
    website         TEXT NOT NULL,
    plan            TEXT NOT NULL,
    suspended_at    INTEGER,
    created_at      INTEGER,
    updated_at      INTEGER
) STRICT;

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY NOT NULL,
    customer_id  TEXT NOT NULL REFERENCES customers (id),
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    last_four    TEXT NOT NULL,
    created_at   INTEGER,
    last_used_at INTEGER,
    expires_at   INTEGER
) STRICT;
CREATE INDEX api_keys_of_customer ON api_keys (customer_id, id);

CREATE TABLE events (
    id          TEXT PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    type        TEXT NOT NULL,
    data        TEXT NOT NULL,
    created_at  INTEGER
) STRICT;
CREATE INDEX events_of_customer ON events (customer_id, id);

CREATE TABLE documents (
    customer_id TEXT NOT NULL REFERENCES customers (id),
    kind        TEXT NOT NULL,
    id          TEXT NOT NULL,
    status      TEXT NOT NULL,
    data        TEXT NOT NULL,
    created_at  INTEGER,
    updated_at  INTEGER,
    PRIMARY KEY (customer_id, kind, id)
) STRICT;
