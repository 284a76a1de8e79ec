-- What was issued before certificates could be renewed was written at the production desk.
UPDATE certificates SET confirmed_at = not_before WHERE confirmed_at IS NULL;
