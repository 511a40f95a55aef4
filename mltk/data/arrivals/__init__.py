"""Data that arrives: events that tell of it, where it lies, and how it becomes a DVC data version.

An event only says that there is something to look at. What is taken is decided by what lies at the
source and by what the repository says was taken, so a lost, late or repeated event changes nothing.
"""
