"""What operations of a forward pass do, by name: one table for all that follow them.

Names are those of functions and methods without the underscores of in-place and reflected forms: `add` for `add_`
and `__add__`, `iadd` for `+=`.
"""


def _pools(*kinds: str) -> frozenset[str]:
    return frozenset(f"{kind}_pool{n}d" for kind in kinds for n in (1, 2, 3))


WEIGHTED = frozenset(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)) | {"linear"}
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})
# Activations, each number by itself: a(cx) = c a(x) for c > 0 …
HOMOGENEOUS_ACTIVATIONS = frozenset({"relu", "leaky_relu", "prelu", "rrelu"})
# … bounded, curved, or with a threshold.
BOUNDED = frozenset({"hardtanh", "relu6", "sigmoid", "hardsigmoid", "tanh", "softsign"})
CURVED = frozenset({"elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardswish", "tanhshrink"})
THRESHOLDED = frozenset({"hardshrink", "softshrink", "threshold"})
CLAMPS = frozenset({"clamp", "clip", "clamp_min", "clamp_max", "maximum", "minimum"})
# Over an axis at once.
NORMALISING = frozenset({"softmax", "softmin", "log_softmax", "local_response_norm"})
SUMS = frozenset({"add", "iadd", "radd"})
DIFFERENCES = frozenset({"sub", "isub", "rsub", "subtract"})
QUOTIENTS = frozenset({"div", "idiv", "itruediv", "truediv", "divide", "true_divide"})
PRODUCTS = frozenset({"mul", "imul", "rmul", "multiply"})
JOINS = frozenset({"cat", "concat", "concatenate", "stack", "hstack", "vstack"})
# Values in other places, none changed.
SHAPINGS = frozenset(
    {"flatten", "unflatten", "view", "reshape", "permute", "transpose", "movedim", "squeeze", "unsqueeze", "T", "mT"}
)
PARTS = frozenset({"getitem", "narrow", "select", "chunk", "split", "unbind", "tensor_split"})
MOVES = SHAPINGS | PARTS | {"expand", "expand_as", "repeat", "roll", "flip", "view_as", "reshape_as"}
SHUFFLES = frozenset({"pixel_shuffle", "pixel_unshuffle", "channel_shuffle"})
# Weighted means that are not learnt.
RESIZINGS = frozenset({"interpolate", "upsample"})
AVERAGES = RESIZINGS | {"mean", "sum"} | _pools("avg", "adaptive_avg")
MAXIMA = frozenset({"amax"}) | _pools("max", "adaptive_max")
# Values unchanged when a network is not being trained.
IDENTITIES = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "stochastic_depth"})
COPIES = frozenset({"clone", "contiguous"})
CASTS = frozenset({"to", "float", "double", "type_as"})
# Tensors of which only the shape is an input's.
SHAPED = frozenset({"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "new_tensor"})
