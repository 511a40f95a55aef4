"""The rules of the gate: pure decisions on numbers, apart from where the numbers come from.

Not part of the key of a model: how it is judged does not change what is learnt.
"""
