"""What can be said about a table before and beside learning: schema, drift, leakage, a report.

Nothing here changes what is learnt, so none of it counts in the key of a model.
"""
