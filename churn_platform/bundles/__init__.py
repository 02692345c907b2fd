"""What does publication write? ONNX models and look-up files that the service can load by
themselves.

Begin with `model_bundle.py`: it exports a version, proves that ONNX and the native model agree, and
writes the manifest. `features_bundle.py` writes the customers of a month. The format itself, which
the service reads, is in `published/`; the decision to publish is in `promotion/publication.py`.
"""
