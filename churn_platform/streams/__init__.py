"""Events of customers, from a broker into the service of this host.

Begin with `stream.py`, the loop: take, push, score, set aside, acknowledge. `kafka.py` and
`nats.py` are brokers, `broker.py` says what both must do, `opening.py` which one is meant.
`service.py` asks the service over HTTP.
"""
