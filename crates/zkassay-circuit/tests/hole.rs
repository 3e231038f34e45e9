//! Answers that are no answers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use zkassay_circuit::{CompileOptions, Compiled, CompiledProgram, ModelCircuit, ProgramWitness, TableWitness};
use zkassay_fixed::{DataVisibility, Scale, Visibility};
use zkassay_gadgets::halo2_proofs::dev::MockProver;
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Child, Encoding, Finish, Forest, ForestNode, Kind, Program, ProgramLimbs, Ranks, Step};

fn program(thresholds: u32, nodes: Vec<ForestNode>, roots: Vec<u32>, leaves: &[i64]) -> Program {
    Program {
        name: "t".into(), input: "x".into(), inputs: 1, input_scale: Scale(0),
        encoding: Encoding::Ranks { features: 1, ranks: vec![Ranks { feature: 0, thresholds: (0..thresholds).map(|t| t as f32).collect() }] },
        labelled: false,
        limbs: ProgramLimbs { bits: 6, input: 2, shift: 2, table: 2, total: 5 },
        tables: vec![],
        steps: vec![Step { name: "forest".into(), finish: Finish::Exact, bound: None, kind: Kind::Forest(Forest {
            features: vec![thresholds], nodes, roots, leaves: leaves.iter().map(|l| vec![*l]).collect(), bias: vec![3] }) }],
        outputs: 1, output_scale: Scale(0), probability: false,
    }
}
fn compile(p: Program) -> CompiledProgram {
    let options = CompileOptions { visibility: Visibility { input: DataVisibility::Public, ..Visibility::default() }, ..CompileOptions::default() };
    CompiledProgram::with_options(p, &options).unwrap()
}
fn accepted(c: &CompiledProgram, w: &ProgramWitness) -> bool {
    let w = TableWitness::from(w);
    let instance = w.instance().to_vec();
    let circuit = ModelCircuit::mock(Compiled::from(c.clone()), w);
    match MockProver::run(c.shape().logrows, &circuit, instance).unwrap().verify() { Ok(()) => true, Err(e) => { println!("{e:?}"); false } }
}
/// honest: program; lie: same program with other leaves so that its score is the forged one.
fn forge(c: &CompiledProgram, lie: &CompiledProgram, x: f32, below: &[u64], path: &[usize]) -> ProgramWitness {
    let mut w = lie.witness(&[x]).unwrap();
    assert_eq!(c.shape(), lie.shape());
    let t = c.trees().unwrap();
    for col in w.lanes[0].edges.iter_mut() { col.fill(field(0)); }
    let places: Vec<usize> = std::iter::once(0).chain(path.iter().map(|n| t.places[*n])).chain([0]).collect();
    for pair in places.windows(2) {
        let (row, slot) = t.cell(pair[0]);
        w.lanes[0].edges[slot][row] = field((t.number(pair[1]) - t.number(pair[0])).into());
    }
    let first = (t.features[0].start - t.first) * t.slots;
    for (i, b) in below.iter().enumerate() {
        let (row, slot) = t.cell(first + i);
        w.lanes[0].below[slot][row] = Field::from(*b);
    }
    // Unused places of the row keep the last answer.
    let (end_row, slot) = t.cell(first + below.len() - 1);
    for s in slot + 1..t.slots { w.lanes[0].below[s][end_row] = Field::from(below[below.len() - 1]); }
    w
}
fn node(rank: u32, yes: Child, no: Child) -> ForestNode { ForestNode { feature: 0, rank, yes, no } }

#[test]
fn answers_beyond_one() {
    use Child::{Leaf, Node};
    let nodes = vec![node(0, Leaf(0), Node(1)), node(1, Leaf(1), Node(2)), node(2, Leaf(2), Leaf(3))];
    let c = compile(program(3, nodes.clone(), vec![0], &[10, 20, 30, 40]));
    let lie = compile(program(3, nodes, vec![0], &[20, 20, 30, 40]));
    let honest = c.witness(&[-1.0]).unwrap();
    assert!(accepted(&c, &honest));
    let w = forge(&c, &lie, -1.0, &[0, 1, 2], &[0, 1]);
    println!("input {:?} output {:?}, honest {:?}", w.inputs, w.outputs, honest.outputs);
    assert!(!accepted(&c, &w), "FORGED");
}
#[test]
fn equal_questions_other_answers() {
    use Child::Leaf;
    let nodes = vec![node(0, Leaf(0), Leaf(1)), node(0, Leaf(2), Leaf(3))];
    let c = compile(program(1, nodes.clone(), vec![0, 1], &[10, 20, 30, 40]));
    let lie = compile(program(1, nodes, vec![0, 1], &[10, 20, 30, 30]));
    let honest = c.witness(&[1.0]).unwrap();
    assert!(accepted(&c, &honest));
    let w = forge(&c, &lie, 1.0, &[0, 1], &[0, 1]);
    println!("input {:?} output {:?}, honest {:?}", w.inputs, w.outputs, honest.outputs);
    assert!(!accepted(&c, &w), "FORGED");
}
#[test]
fn promised_bound_of_a_forest_carries() {
    use Child::Leaf;
    let make = |a: i64, b: i64, bound| {
        let mut p = program(1, vec![node(0, Leaf(0), Leaf(0))], vec![0], &[]);
        let Kind::Forest(f) = &mut p.steps[0].kind else { return None };
        f.leaves = vec![vec![a, b]]; f.bias = vec![0, 0];
        p.steps[0].bound = bound; p.outputs = 2;
        let options = CompileOptions::default();
        CompiledProgram::with_options(p, &options).map_err(|e| println!("{e}")).ok()
    };
    let Some(c) = make((1 << 30) + 5, 7, Some(10)) else { return };
    let lie = make(5, 8, None).unwrap();
    let w = lie.witness(&[0.0]).unwrap();
    println!("outputs {:?}, program says 2^30+5, 7", w.outputs);
    assert!(!accepted(&c, &w), "FORGED");
}
#[test]
fn deep_expressions() {
    use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
    use zkassay_gadgets::program::{ProgramColumns, ProgramShape, Kinds};
    for (lanes, limbs, slots, degree) in [(1024, 2, 2, 3), (1024, 2, 2, 5), (31, 2, 85, 3), (10, 3, 256, 3), (819, 10, 0, 3)] {
        let shape = ProgramShape { logrows: 20, limb_bits: 5, limbs, input_limbs: 1, shift_limbs: 1, table_limbs: 1, block_width: 1024,
            strides: (993..=1024).collect(), kinds: Kinds { round: true, relu: true, exact_relu: true, exact: true, nonnegative: true, free: true, product: true, table: true },
            degree, inputs: 100, first_input: 0, outputs: 100, first_output: 0, output_stride: 1, used_rows: (1 << 20) - 7, lanes, totals: true, slots, visibility: Visibility::default() };
        shape.validate().unwrap();
        let start = std::time::Instant::now();
        std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            let mut s = ConstraintSystem::<Field>::default();
            ProgramColumns::configure(&mut s, &shape);
            println!("{lanes} {limbs} {slots} {degree}: advice {} degree {} pinned {}", s.num_advice_columns(), s.degree(), format!("{:?}", s.pinned()).len());
        }).unwrap().join().unwrap();
        println!("{:?}", start.elapsed());
    }
}
