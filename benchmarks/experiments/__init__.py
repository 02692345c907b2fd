"""How good are the methods of experiments? False alarms without a difference, power with one, and
the customers that each needs.
"""
