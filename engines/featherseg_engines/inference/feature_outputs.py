"""What a deployed network computes on its way to the answer, as further outputs of the same file.

Three kinds of tensors say how a network sees an image: the input of its head, the coarser maps of its decoder (what
its last enlargements take), and the fine map that joins behind the last enlargement. They are found by walking back
from the answer through the graph, so a bundle needs no second file, and one from elsewhere may have them too.
"""

from typing import Any

from featherseg_engines.inference.onnx_rewrite import graph_model, rewrite

LOGITS = "logits"
ENLARGING = ("Resize", "Upsample", "ConvTranspose")
JOINING = ("Concat", "Add")
PASSING = ("Conv", "Relu", "BatchNormalization", "Identity", "LeakyRelu", "Clip", "Sigmoid")
"""Operations that leave a map the size it has, one in and one out."""
COARSER = 3
"""Maps of coarser stages at most; the fourth one of the shipped networks is one pixel for 16 of the image."""


def chosen_output(names: list[str]) -> int:
    """Which of a file's outputs is the answer."""
    return names.index(LOGITS) if LOGITS in names else 0


def feature_names(content: bytes) -> tuple[str, ...]:
    """Tensors of an ONNX file worth reading besides the answer, the finest first; none where none can be found.

    Some may turn out to be no maps when the network runs; who reads them looks.
    """
    model = graph_model(content)
    if model is None or not model.graph.output:
        return ()
    outputs = [out.name for out in model.graph.output]
    return _found(model.graph, outputs[chosen_output(outputs)])


def with_outputs(content: bytes, names: tuple[str, ...], *, rewriting: bool = True) -> bytes:
    """The file with these tensors as further outputs, and rewritten as for the plain answer."""
    model = graph_model(content)
    if model is None:
        return content
    if rewriting:
        rewrite(model.graph)
    for name in names:
        model.graph.output.add(name=name)
    return bytes(model.SerializeToString())


def _found(graph: Any, answer: str) -> tuple[str, ...]:
    makers = {out: node for node in graph.node for out in node.output}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    head = _last_convolution(makers, answer)
    if head is None:
        return ()
    behind = _ancestors(makers, head.input[0])
    enlarged = [node for node in reversed(graph.node) if node.op_type in ENLARGING and id(node) in behind]
    enlarged = [node for node in enlarged if not _narrow(makers, node.input[0])]
    names = [head.input[0]]
    if enlarged:
        names += _joined(enlarged[0], users)
    for node in enlarged[:COARSER]:
        names.append(node.input[0])
    return tuple(dict.fromkeys(name for name in names if name in makers))


def _last_convolution(makers: dict[str, Any], answer: str) -> Any:
    node = makers.get(answer)
    while node is not None and node.op_type != "Conv":
        node = makers.get(node.input[0]) if node.input else None
    return node


def _ancestors(makers: dict[str, Any], name: str) -> set[int]:
    seen: set[int] = set()
    waiting = [name]
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.input)
    return seen


def _narrow(makers: dict[str, Any], name: str) -> bool:
    """Whether this is a gate: what a sigmoid gives says where to look, not what is there."""
    node = makers.get(name)
    return node is not None and node.op_type == "Sigmoid"


def _joined(node: Any, users: dict[str, list[Any]]) -> list[str]:
    """What joins a map after its enlargement."""
    for _ in range(4):
        name = node.output[0]
        joining = next((user for user in users.get(name, ()) if user.op_type in JOINING), None)
        if joining is not None:
            return [other for other in joining.input if other != name]
        node = next((user for user in users.get(name, ()) if user.op_type in PASSING), None)
        if node is None:
            return []
    return []
