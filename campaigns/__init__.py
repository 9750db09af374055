"""Campaigns: what is tried thousands of times to break `dl`'s promises; see docs/reliability.md.

Each is a module that takes a seed and a size and prints one line with its figure:
`python -m campaigns.mutated_configs --seed 1 --size 1000`. It exits with 1 if a promise broke, and
says on stderr how to see it again.
"""
