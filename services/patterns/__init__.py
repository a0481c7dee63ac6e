"""patterns: a drawing board, with one of each pattern that protocols are made of; to be copied.

Knows: shapes, a title, a gallery. Must not know: who its clients are, beyond their user's number.
Convicted by: tests/services/patterns, with clients and servers in processes of their own, some of
them hostile.
"""
