"""How is one customer, or a batch, scored, explained and answered?

Begin with `answers.py`; `dataplane.py` runs the ONNX model, `effects.py` and `explanation.py` give
reasons, `lookup.py` reads a stored customer. What a request may say is checked in
`serving/request/`.
"""
