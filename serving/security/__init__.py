"""Who may ask what, and how often?

Begin with `api_keys.py`; `key_ring.py` follows the file of keys, `rate_limit.py` counts,
`ownership.py` keeps two services out of one folder. Which route needs which scope is in
`serving/http/authorisation.py`.
"""
