-- The fingerprint of the definition that the resources were last compared with. NULL before that.
ALTER TABLE collections ADD COLUMN definition TEXT;
