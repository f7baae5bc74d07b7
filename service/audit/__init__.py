"""The audit trail: what is recorded of every interaction, the Merkle tree over it, signed checkpoints, and how it is verified offline."""
