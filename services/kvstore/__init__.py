"""kvstore: a durable, ordered key-value store; writes once, never overwrites.

Knows: keys, values, SQLite, how writes share a commit. Must not know: who its clients are.
Convicted by: tests/services/kvstore, with clients and SIGKILL in processes of their own.
"""
