-- Once the clock is known, what was stamped before is found without looking at every record.
-- Only records that wait for it are in here: a box that knows the time pays nothing.

CREATE INDEX unsynced ON records (boot) WHERE clock = 0;
