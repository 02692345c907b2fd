"""An export is the model, in the same bytes each time."""

import onnx

from churn_platform.bundles import model_bundle
from churn_platform.bundles.onnx import canonical


def test_what_a_converter_adds_at_random_is_no_part_of_a_model(model):
    """Another graph name, notes of a converter and another order of metadata change no byte;
    another node does.
    """
    plain = model_bundle.export(model)
    noted = onnx.load_model_from_string(plain)
    noted.graph.name, noted.doc_string, noted.graph.node[0].doc_string = (
        "4b1bdd34",
        "converted",
        "a note",
    )
    noted.opset_import.reverse()
    onnx.helper.set_model_props(noted, {"b": "2", "a": "1"})
    turned = onnx.ModelProto.FromString(noted.SerializeToString())
    turned.metadata_props.reverse()
    assert canonical(noted.SerializeToString()) == canonical(turned.SerializeToString())
    del noted.metadata_props[:]
    assert canonical(noted.SerializeToString()) == plain
    noted.graph.node[0].output[0] += "_other"
    assert canonical(noted.SerializeToString()) != plain
