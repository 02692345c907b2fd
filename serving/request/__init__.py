"""What does a request ask for? Its features, its customer, and what is wrong with it.

Begin with `inputs.py`; `complete_request.py` reads the common request in one pass, `suggestions.py`
says which name was meant. Nothing is scored here: that is in `serving/answer/`.
"""
