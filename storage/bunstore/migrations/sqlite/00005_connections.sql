-- Times are microseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE connections (
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    platform    TEXT NOT NULL,
    account     TEXT,
    status      TEXT NOT NULL,
    data        TEXT NOT NULL,
    sealed      BLOB,
    sealed_with TEXT NOT NULL,
    created_at  INTEGER,
    updated_at  INTEGER,
    PRIMARY KEY (customer_id, platform),
    UNIQUE (platform, account)
) STRICT;
