"""Resolvers: from a reference with `resolver` and `params` to a Task or a Pipeline.

To add one, write a module beside these with a class like theirs (see `base.Resolver`), name it in
`table`, and write a test beside theirs.
"""
