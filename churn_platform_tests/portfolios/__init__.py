"""The spec, the encoding and the schemas that follow from it."""
