"""Which customers to contact, what should it bring, and what did it bring?

Begin with `contact_list.py`: offers worth more than they cost, inside a budget, with a control
group. `forecast.py` and `economics.py` say what to expect, `outcome.py` compares contacted
customers with control, `uplift.py` learns who changes by a contact. Scores come from `scoring/`,
labels from `training/training_data.py`.
"""
