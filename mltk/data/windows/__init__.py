"""Time windows over the rows of a table: where they lie, when they close, which rows each holds.

Pure: no disk, no clock, no network. Moments are whole microseconds since 1970 in UTC.
"""
