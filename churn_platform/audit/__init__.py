"""The audit trail: who decided what, when and why, in a chain of records that shows every later change."""
