"""What a month costs to run: recorded step by step, put into euros, held against the budget."""
