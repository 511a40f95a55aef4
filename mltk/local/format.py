"""The tables of the store's file, and how an older file becomes one of today's format."""

from __future__ import annotations

import json
from sqlite3 import Connection

from mltk.local.encoding import brief, is_over

VERSION = 3

# The table has rowids because SQLite keeps no more than 1 kB of a row in a tree without them.
# `body` comes last: what stands before it is read without following its pages.
_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  uid TEXT NOT NULL, owner TEXT, created INTEGER NOT NULL, version INTEGER NOT NULL,
  done INTEGER NOT NULL, labels TEXT NOT NULL, brief TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name));
CREATE TABLE IF NOT EXISTS deletions (
  version INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL,
  labels TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS owners (
  uid TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT NOT NULL, engine TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS processes (
  uid TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, PRIMARY KEY (uid, pid));
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, namespace TEXT NOT NULL,
  listener TEXT NOT NULL, delivery TEXT, received REAL NOT NULL, state TEXT NOT NULL,
  tries INTEGER NOT NULL, made INTEGER NOT NULL, url TEXT NOT NULL, header TEXT NOT NULL,
  body BLOB NOT NULL);
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter)
"""
_INDEXES = """
CREATE INDEX IF NOT EXISTS objects_by_version ON objects (version);
CREATE INDEX IF NOT EXISTS objects_by_owner ON objects (owner, version) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_uid ON objects (uid);
CREATE INDEX IF NOT EXISTS events_waiting ON events (number) WHERE state='waiting';
CREATE INDEX IF NOT EXISTS events_by_delivery ON events (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_under_way ON objects (version) WHERE done=0
"""
_FORMAT_1 = "SELECT kind, namespace, name, uid, owner, created, version, labels, body FROM objects"


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or those of an older format to today's, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been faster.
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 1:
        _leave_format_1(connection)
    for statement in (_TABLES + ";" + _INDEXES).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _leave_format_1(connection: Connection) -> None:
    """Give each object the columns `done` and `brief`."""
    rows = connection.execute(_FORMAT_1).fetchall()
    connection.execute("DROP TABLE objects")
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    for *place, labels, body in rows:
        obj = json.loads(body)
        row = (*place, is_over(obj), labels, brief(obj), body)
        connection.execute("INSERT INTO objects VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
