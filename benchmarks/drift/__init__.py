"""How good is the alarm? Operators live through changes that matter and changes that do not."""
