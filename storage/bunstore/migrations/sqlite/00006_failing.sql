-- +goose Up
CREATE INDEX runs_stalled ON runs (status, updated_at, id) WHERE ended_at IS NULL;
CREATE INDEX billing_accounts_failing ON billing_accounts (failures DESC, customer_id) WHERE failures > 0;
