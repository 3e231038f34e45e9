//! Honest files: small models of several shapes and visibilities, with everything made of them.

mod exported;

use std::path::Path;

use anyhow::{Context as _, Result};
use ndarray::{Array1, Array2, Array4};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Model, Proof, ProvingKey, Settings, Srs, Target,
    Witness, prove, random_rows, setup,
};
use zkassay_fixed::DataVisibility::{Hashed, Private, Public};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Bn256;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use zkassay_onnx::proto::{AttributeProto, ModelProto, NodeProto};
use zkassay_onnx::{ModelBuilder, TreeNode, WeightedTree};
use zkassay_seed::Stream;

/// Everything that is changed.
#[derive(Debug)]
pub struct Corpus {
    /// Parameters, for every member's table.
    pub srs: Srs,
    /// Parameters of few rows, of three secrets.
    pub small_srs: Vec<Srs>,
    /// Models, and what is made of them.
    pub members: Vec<Member>,
    /// ONNX files, those of the members first; then others, with every operator that can be imported.
    pub onnx: Vec<Vec<u8>>,
    /// Input files, and how many values a row has.
    pub inputs: Vec<(Vec<u8>, usize)>,
}

/// A model, and what is made of it.
#[derive(Debug)]
pub struct Member {
    /// Its ONNX file, read.
    pub model: Model,
    /// Its settings, calibrated.
    pub settings: Settings,
    /// Its circuit.
    pub circuit: Circuit,
    /// Its keys.
    pub key: ProvingKey,
    /// Witnesses of several inputs.
    pub witnesses: Vec<Witness>,
    /// A proof of each of them.
    pub proofs: Vec<Proof>,
}

/// Magnitudes of raw features.
const RAW: [f32; 3] = [60_000.0, 1.0, 0.001];
/// Inputs proved of each model.
const PROOFS: u64 = 3;

impl Corpus {
    /// Makes everything; in the folder `fixtures` are exported models and their inputs.
    ///
    /// # Errors
    /// A fixture cannot be read, or a stage refuses its honest input.
    pub fn new(fixtures: &Path) -> Result<Self> {
        let srs = srs(10, 1)?;
        let shapes: [(&[usize], bool, Visibility); 7] = [
            (&[3, 1], true, visibility(Private, Public, true)),
            (&[3, 4, 1], true, visibility(Private, Public, true)),
            (&[4, 3, 2], false, visibility(Public, Public, true)),
            (&[2, 1], false, visibility(Private, Private, true)),
            (&[5, 4, 2], true, visibility(Hashed, Private, true)),
            (&[3, 2], true, visibility(Hashed, Hashed, false)),
            (&[2, 3, 1], true, visibility(Public, Public, false)),
        ];
        let mut onnx = Vec::new();
        let mut members = Vec::new();
        for (index, (widths, sigmoid, visibility)) in shapes.into_iter().enumerate() {
            let bytes = model(widths, sigmoid, index as u64, &[1.0])?;
            let member = Member::new(&srs, &bytes, visibility, &[1.0]);
            members.push(member.with_context(|| format!("model {index} of the corpus"))?);
            onnx.push(bytes);
        }
        // Features of very different magnitude, which have scales of their own.
        let bytes = model(&[3, 4, 2], false, 7, &RAW)?;
        let member = Member::new(&srs, &bytes, visibility(Public, Public, true), &RAW);
        members.push(member.context("the model of raw features")?);
        onnx.push(bytes);
        let rows = |values, count| zkassay::input::to_json(random_rows(values, count, 1).view());
        let nested =
            br#"{"input_shapes": [[2, 2]], "input_data": [[[1, -0.5], [0.25e1, 3]]], "x": null}"#;
        for (index, (program, visibility, factors)) in programs()?.into_iter().enumerate() {
            let member = Member::new(&srs, &program, visibility, factors);
            members.push(member.with_context(|| format!("program {index} of the corpus"))?);
            onnx.push(program);
        }
        let mut inputs = vec![(rows(3, 1), 3), (rows(4, 2), 4), (nested.to_vec(), 4)];
        let models = fixtures.join("models");
        for name in ["input.json", "calibration.json"] {
            inputs.push((read(&models.join(name))?, 8));
        }
        for name in ["dynamo.onnx", "dynamo-external.onnx", "torchscript.onnx"] {
            onnx.push(read(&models.join(name))?);
        }
        onnx.push(every_attribute()?);
        onnx.extend(exported::models(&fixtures.join("operators"))?);
        Ok(Self {
            small_srs: (2..5)
                .map(|k| self::srs(k, k.into()))
                .collect::<Result<_>>()?,
            srs,
            members,
            onnx,
            inputs,
        })
    }

    /// The files that `of` takes of each member.
    pub fn files(&self, of: impl Fn(&Member) -> Vec<u8>) -> Vec<Vec<u8>> {
        self.members.iter().map(of).collect()
    }
}

impl Member {
    /// Everything of a model of rows that are multiplied by factors, which repeat.
    fn new(srs: &Srs, onnx: &[u8], visibility: Visibility, factors: &[f32]) -> Result<Self> {
        let model = Model::from_onnx(onnx)?;
        let compile = CompileOptions {
            visibility,
            ..CompileOptions::default()
        };
        let calibration = CalibrationOptions {
            // Secret weights are coarse.
            target: Target::Resources { max_error: 0.2 },
            ..CalibrationOptions::default()
        };
        let random_rows = |count, seed| {
            let mut rows = random_rows(model.inputs(), count, seed);
            for mut row in rows.outer_iter_mut() {
                let pairs = row.iter_mut().zip(factors.iter().cycle());
                pairs.for_each(|(x, factor)| *x *= factor);
            }
            rows
        };
        let rows = random_rows(20, 2);
        let settings =
            Settings::new(&model, &compile).calibrate(&model, rows.view(), &calibration)?;
        let circuit = settings.compile(&model)?;
        let key = setup(srs, &circuit)?;
        let witness = |row| {
            let row = random_rows(1, row);
            Witness::new(&circuit, row.as_slice().unwrap_or_default())
        };
        let witnesses: Vec<Witness> = (3..3 + PROOFS).map(witness).collect::<Result<_, _>>()?;
        let proofs = witnesses.iter().map(|witness| prove(srs, &key, witness));
        Ok(Self {
            proofs: proofs.collect::<Result<_, _>>()?,
            model,
            settings,
            circuit,
            key,
            witnesses,
        })
    }
}

fn visibility(input: DataVisibility, output: DataVisibility, fixed: bool) -> Visibility {
    let params = match fixed {
        true => ParamsVisibility::Fixed,
        false => ParamsVisibility::Private,
    };
    Visibility {
        input,
        output,
        params,
    }
}

/// Parameters whose secret follows from `seed`, so that the corpus's keys are always the same.
fn srs(logrows: u32, seed: u64) -> Result<Srs> {
    let params = ParamsKZG::<Bn256>::setup(logrows, ChaCha20Rng::seed_from_u64(seed));
    let mut bytes = Vec::new();
    params.write_custom(&mut bytes, SerdeFormat::RawBytes)?;
    Ok(Srs::from_raw(&bytes)?)
}

/// A network of the given widths with random weights, as an ONNX file; features are multiplied by
/// factors, which repeat.
fn model(widths: &[usize], sigmoid: bool, seed: u64, factors: &[f32]) -> Result<Vec<u8>> {
    let mut stream = Stream::new(seed, "fuzz/weights");
    let mut builder = ModelBuilder::new("fuzz", widths.first().copied().unwrap_or(0))?;
    for (layer, pair) in widths.windows(2).enumerate() {
        if layer > 0 {
            builder = builder.relu(&format!("relu_{layer}"))?;
        }
        let mut draw = || stream.normal() as f32;
        let mut weights = Array2::from_shape_simple_fn((pair[1], pair[0]), &mut draw);
        let bias = Array1::from_shape_simple_fn(pair[1], &mut draw);
        if layer == 0 {
            divide(&mut weights, factors);
        }
        builder = builder.dense(&format!("dense_{layer}"), weights.view(), bias.view())?;
    }
    if sigmoid {
        builder = builder.sigmoid("probability")?;
    }
    Ok(builder.encode()?)
}

/// The weights for features that are multiplied by factors, which repeat.
fn divide(weights: &mut Array2<f32>, factors: &[f32]) {
    for (mut column, factor) in weights
        .columns_mut()
        .into_iter()
        .zip(factors.iter().cycle())
    {
        column.mapv_inplace(|w| w / factor);
    }
}

/// A file, what a proof of it reveals, and the magnitudes of its inputs.
type ProgramSeed = (Vec<u8>, Visibility, &'static [f32]);

/// Small models that are no chains of dense layers: a tanh, a convolutional network with a pool, and a
/// softmax.
fn programs() -> Result<Vec<ProgramSeed>> {
    let mut stream = Stream::new(20, "fuzz/weights");
    let mut draw = || stream.normal() as f32;
    let mut dense = |inputs, outputs| {
        let weights = Array2::from_shape_simple_fn((outputs, inputs), &mut draw);
        (weights, Array1::from_shape_simple_fn(outputs, &mut draw))
    };
    let (hidden, last, head) = (dense(3, 4), dense(4, 2), dense(2, 3));
    let kernel = Array4::from_shape_simple_fn((2, 1, 3, 3), &mut draw);
    let tanh = |weights: &Array2<f32>| {
        ModelBuilder::new("tanh", 3)?
            .dense("hidden", weights.view(), hidden.1.view())?
            .tanh("tanh")?
            .dense("last", last.0.view(), last.1.view())
    };
    let mut raw = hidden.0.clone();
    divide(&mut raw, &RAW);
    let network = ModelBuilder::new("network", 16)?
        .reshape("image", &[1, 4, 4])?
        .conv2d(
            "conv",
            kernel.view(),
            Array1::from_elem(2, 0.1).view(),
            1,
            1,
        )?
        .relu("relu")?
        .max_pool("pool", 4, 4)?
        .flatten("flatten")?
        .dense("head", head.0.view(), head.1.view())?;
    let softmax = ModelBuilder::new("softmax", 2)?
        .dense("head", head.0.view(), head.1.view())?
        .softmax("softmax")?;
    let branch = |feature, threshold, at_most, above| TreeNode::Branch {
        feature,
        threshold,
        at_most,
        above,
    };
    let leaf = |weights: [f32; 2]| TreeNode::Leaf {
        weights: weights.to_vec(),
    };
    let tree = |threshold| WeightedTree {
        class: 0,
        nodes: vec![
            branch(0, threshold, 1, 2),
            branch(2, -threshold, 3, 4),
            leaf([0.25, 0.75]),
            leaf([1.0, 0.0]),
            leaf([0.5, 0.5]),
        ],
    };
    let trees = [tree(0.5), tree(-0.25), tree(0.5)];
    let trees = ModelBuilder::new("trees", 3)?.tree_ensemble("trees", 2, &trees)?;
    Ok(vec![
        (trees.encode()?, visibility(Private, Public, true), &[1.0]),
        (
            softmax.encode()?,
            visibility(Private, Private, true),
            &[1.0],
        ),
        (
            tanh(&hidden.0)?.encode()?,
            visibility(Private, Public, true),
            &[1.0],
        ),
        (
            tanh(&raw)?.encode()?,
            visibility(Public, Public, true),
            &RAW,
        ),
        (network.encode()?, visibility(Public, Public, true), &[1.0]),
    ])
}

/// A model with operators and attributes that [`ModelBuilder`] does not write.
fn every_attribute() -> Result<Vec<u8>> {
    let mut model = ModelProto::from_bytes(&model(&[4, 3, 2], true, 9, &[1.0])?)?;
    let graph = model.graph.as_mut().context("a model has a graph")?;
    let node = |op: &str, inputs: &[&str], output: &str| NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    };
    let mut gemm = node("Gemm", &["relu", "dense_1.weight", "dense_1.bias"], "gemm");
    gemm.attribute = vec![
        AttributeProto::int("transB", 1),
        AttributeProto::float("alpha", 0.5),
        AttributeProto::float("beta", -2.0),
    ];
    let mut flatten = node("Flatten", &["input"], "flat");
    flatten.attribute.push(AttributeProto::int("axis", 1));
    graph.node = vec![
        flatten,
        node("MatMul", &["flat", "dense_0.weight"], "product"),
        node("Add", &["product", "dense_0.bias"], "sum"),
        node("Identity", &["sum"], "same"),
        node("Relu", &["same"], "relu"),
        gemm,
        node("Dropout", &["gemm"], "dropped"),
        node("Sigmoid", &["dropped"], "output"),
    ];
    for tensor in &mut graph.initializer {
        if tensor.name == "dense_0.weight" {
            tensor.dims.reverse();
        }
    }
    Ok(model.to_bytes())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;

    fn new() -> Corpus {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        Corpus::new(&fixtures).unwrap()
    }

    /// The corpus, made once.
    pub(crate) fn corpus() -> Arc<Corpus> {
        static CORPUS: OnceLock<Arc<Corpus>> = OnceLock::new();
        Arc::clone(CORPUS.get_or_init(|| Arc::new(new())))
    }

    #[test]
    fn keys_are_always_the_same() {
        let digests = |corpus: &Corpus| {
            let keys = corpus
                .members
                .iter()
                .map(|of| of.key.verifying_key().digest());
            keys.collect::<Vec<_>>()
        };
        assert_eq!(digests(&corpus()), digests(&new()));
    }
}
