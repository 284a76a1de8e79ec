-- Which certificate took the place of which: renewal, change, reissue.
ALTER TABLE certificates ADD COLUMN replaced_by TEXT;
-- When the key itself showed that it has the certificate; orders that make a key show it by being posted.
ALTER TABLE certificates ADD COLUMN confirmed_at BIGINT;
