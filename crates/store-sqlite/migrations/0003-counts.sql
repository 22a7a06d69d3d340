-- How many resources there are. NULL until triggers of the table count them.
ALTER TABLE collections ADD COLUMN resources INTEGER;
