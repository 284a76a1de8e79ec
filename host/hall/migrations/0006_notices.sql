-- Notices that a certificate runs out, once for each number of days before.
CREATE TABLE notices (
    certificate_serial TEXT NOT NULL REFERENCES certificates (serial),
    days_before BIGINT NOT NULL,
    subject_number TEXT NOT NULL,
    text TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (certificate_serial, days_before)
);
CREATE INDEX notices_of_subject ON notices (subject_number);
