-- Electronic seals that were made. One that is made again is another row: its predecessor names it.
CREATE TABLE seals (
    -- esID.
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    subject_kind TEXT NOT NULL,
    subject_number TEXT NOT NULL,
    device_serial TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The sign certificate it lists.
    certificate_serial TEXT NOT NULL,
    picture BYTEA NOT NULL,
    der BYTEA NOT NULL,
    -- made, held, replaced or deleted.
    status TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    replaced_by TEXT
);
CREATE INDEX seals_in_key ON seals (device_serial);
CREATE INDEX seals_of_certificate ON seals (certificate_serial);
