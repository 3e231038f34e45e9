//! How many inputs and outputs the operators have at most.
//!
//! What an operator does not have is not read by its function, and would be left out in silence; other
//! runtimes refuse such files. The numbers are those of the operator's richest version.

use super::node::NodeRef;
use super::operators::{DEFAULT, MICROSOFT, ML};
use crate::GraphError;

/// No bound: the operator takes, or gives, any number.
const MANY: usize = usize::MAX;

/// Operators with equally many inputs and outputs.
type Group = (usize, usize, &'static [&'static str]);

const GROUPS: &[(&str, &[Group])] = &[
    (DEFAULT, STANDARD),
    (ML, CLASSICAL),
    (MICROSOFT, OF_MICROSOFT),
];

#[rustfmt::skip]
const STANDARD: &[Group] = &[
    (MANY, MANY, &["Loop", "Scan"]),
    (MANY, 1, &["Concat", "Einsum", "Max", "Mean", "Min", "Sum"]),
    (0, 1, &["Constant"]),
    (1, MANY, &["If"]),
    (1, 1, &[
        "Abs", "Acos", "Acosh", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "AveragePool", "Cast",
        "Ceil", "Celu", "ConstantOfShape", "Cos", "Cosh", "DepthToSpace", "Elu", "Erf", "Exp", "EyeLike",
        "Flatten", "Floor", "Gelu", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "HardSigmoid",
        "HardSwish", "Hardmax", "Identity", "IsInf", "IsNaN", "LRN", "LeakyRelu", "Log", "LogSoftmax",
        "LpNormalization", "LpPool", "MeanVarianceNormalization", "Mish", "Neg", "Not", "Reciprocal", "Relu",
        "Round", "Selu", "Shape", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Softmax", "Softplus",
        "Softsign", "SpaceToDepth", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Transpose",
    ]),
    (1, 2, &["MaxPool"]),
    (1, 3, &["DynamicQuantizeLinear"]),
    (2, MANY, &["Split"]),
    (2, 1, &[
        "Add", "And", "CastLike", "CumSum", "Div", "Equal", "Expand", "Gather", "GatherElements", "GatherND",
        "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "MatMul", "Mod", "Mul", "Or", "PRelu", "Pow",
        "RMSNormalization", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
        "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Reshape",
        "ReverseSequence", "Squeeze", "Sub", "Trilu", "Unsqueeze", "Upsample", "Xor",
    ]),
    (2, 2, &["TopK"]),
    (3, 1, &[
        "Clip", "Conv", "ConvTranspose", "DequantizeLinear", "Gemm", "GroupNormalization",
        "InstanceNormalization", "OneHot", "QuantizeLinear", "Range", "Scatter", "ScatterElements",
        "ScatterND", "Tile", "Where",
    ]),
    (3, 2, &["Dropout"]),
    (3, 3, &["LayerNormalization"]),
    (4, 1, &["ConvInteger", "MatMulInteger", "Pad", "Resize"]),
    (5, 1, &["Slice"]),
    (5, 5, &["BatchNormalization"]),
    (6, 2, &["GRU", "RNN"]),
    (8, 1, &["QLinearMatMul"]),
    (8, 3, &["LSTM"]),
    (9, 1, &["QLinearConv"]),
];

#[rustfmt::skip]
const CLASSICAL: &[Group] = &[
    (MANY, 1, &["FeatureVectorizer"]),
    (1, 1, &[
        "Binarizer", "CategoryMapper", "Imputer", "LabelEncoder", "LinearRegressor", "Normalizer",
        "OneHotEncoder", "SVMRegressor", "Scaler", "TreeEnsemble", "TreeEnsembleRegressor", "ZipMap",
    ]),
    (1, 2, &["LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"]),
    (2, 1, &["ArrayFeatureExtractor"]),
];

#[rustfmt::skip]
const OF_MICROSOFT: &[Group] = &[
    (MANY, 1, &["QLinearConcat"]),
    (1, 1, &["Gelu", "QuickGelu"]),
    (5, 1, &[
        "QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearReduceMean",
        "QLinearSigmoid", "QLinearSoftmax",
    ]),
    (8, 1, &["QLinearAdd", "QLinearMul"]),
    (9, 1, &["QGemm", "QLinearConv", "QLinearWhere"]),
];

/// The most inputs and outputs of an operator; `None` if it is not known.
fn most(domain: &str, operator: &str) -> Option<(usize, usize)> {
    let domain = if domain == "ai.onnx" { DEFAULT } else { domain };
    let groups = GROUPS.iter().find(|(of, _)| *of == domain)?.1;
    let group = groups
        .iter()
        .find(|(.., names)| names.contains(&operator))?;
    Some((group.0, group.1))
}

/// Refuses a node with more inputs or outputs than its operator has.
pub(super) fn check(node: &NodeRef<'_>) -> Result<(), GraphError> {
    match most(&node.proto.domain, node.operator()) {
        Some(most) => check_against(node, most),
        None => Ok(()),
    }
}

/// Refuses a node with more inputs or outputs than these.
pub(super) fn check_against(
    node: &NodeRef<'_>,
    (inputs, outputs): (usize, usize),
) -> Result<(), GraphError> {
    let (read, written) = (node.proto.input.len(), node.proto.output.len());
    let refuse = |found: usize, what: &str, most: usize| {
        let reason = format!("it has {found} {what}s, but the operator has at most {most}");
        Err(node.unsupported(reason))
    };
    if read > inputs {
        return refuse(read, "input", inputs);
    }
    if written > outputs {
        return refuse(written, "output", outputs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{operators, subgraph};

    #[test]
    fn every_operator_has_its_numbers() {
        let all = operators::all().chain(subgraph::OPERATORS.map(|name| (DEFAULT, name)));
        let mut count = 0;
        for (domain, operator) in all {
            assert!(most(domain, operator).is_some(), "{domain}.{operator}");
            count += 1;
        }
        assert!(count > 150, "{count}");
    }

    #[test]
    fn no_operator_stands_twice() {
        for (domain, groups) in GROUPS {
            let mut names: Vec<&str> = groups.iter().flat_map(|g| g.2).copied().collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{domain}");
        }
    }
}
