"""What is predicted, and for which customers: the spec of a portfolio, the two that ship, and the
loader of a user's own.

A portfolio is one customer base with one churn question. Its YAML file is the only source of truth
on landed tables, features, label, split, gates and economics; everything downstream is generic over
it.
"""
