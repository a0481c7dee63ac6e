"""monado: devices in shared memory, and a compositor that lays its clients' pictures together.

Knows: devices, sessions, frames, images. Must not know: who its clients are, or what they draw.
Convicted by: tests/services/monado, with service and clients in processes of their own.
"""
