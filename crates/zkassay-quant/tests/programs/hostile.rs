//! Programs from files that no calibration makes.

use zkassay_quant::{Finish, IntegerConv, Kind, Program, QuantError, Sum};

use crate::support::{lowered, of_function, small_cnn};

fn refused(program: &Program) {
    let error = program.validate().unwrap_err();
    assert!(
        matches!(
            error,
            QuantError::Invalid { .. } | QuantError::Overflow { .. }
        ),
        "{error}"
    );
}

#[test]
fn programs_survive_json_and_only_sound_ones_are_valid() {
    let program = lowered(&small_cnn()).program;
    let json = serde_json::to_string(&program).unwrap();
    assert_eq!(serde_json::from_str::<Program>(&json).unwrap(), program);
    let with = |change: fn(&mut Program)| {
        let mut program = program.clone();
        change(&mut program);
        refused(&program);
    };
    fn conv(program: &mut Program) -> &mut IntegerConv {
        match &mut program.steps[0].kind {
            Kind::Conv(conv) => conv,
            other => unreachable!("{other:?}"),
        }
    }
    with(|p| p.inputs = 0);
    with(|p| p.inputs = usize::MAX);
    with(|p| p.outputs = 0);
    with(|p| p.outputs = usize::MAX);
    with(|p| p.steps.clear());
    with(|p| p.limbs.bits = 0);
    with(|p| p.limbs.bits = u32::MAX);
    with(|p| p.limbs.total = u32::MAX);
    with(|p| p.limbs.shift = 0);
    with(|p| p.limbs.table = p.limbs.total);
    with(|p| p.limbs.input = 0);
    with(|p| p.steps[0].bound = Some(-1));
    with(|p| conv(p).output = [usize::MAX, usize::MAX]);
    with(|p| conv(p).output = [60_000, 60_000]);
    with(|p| conv(p).input = [usize::MAX; 3]);
    with(|p| conv(p).strides = [0, 0]);
    with(|p| conv(p).dilations = [usize::MAX; 2]);
    with(|p| conv(p).pads = [usize::MAX; 2]);
    with(|p| conv(p).inputs[3] = vec![784]);
    with(|p| conv(p).inputs[3] = vec![usize::MAX]);
    with(|p| conv(p).inputs[3] = vec![0; IntegerConv::MOST_TERMS + 1]);
    with(|p| conv(p).weights.fill(i64::MIN));
    with(|p| conv(p).weights.fill(i64::MAX));
    with(|p| conv(p).bias[0] = i64::MAX);
    with(|p| {
        conv(p).bias.pop();
    });
    with(|p| {
        let last = p.steps.len() - 1;
        p.steps[last].kind = Kind::Products(vec![(0, usize::MAX); 10]);
    });
    with(|p| {
        let last = p.steps.len() - 1;
        let sum = Sum {
            terms: vec![(usize::MAX, 1)],
            bias: 0,
        };
        p.steps[last].kind = Kind::Sums(vec![sum; 10]);
    });
    with(|p| {
        let last = p.steps.len() - 1;
        let sum = Sum {
            terms: vec![(0, i64::MIN)],
            bias: i64::MIN,
        };
        p.steps[last].kind = Kind::Sums(vec![sum; 10]);
    });
    with(|p| {
        let last = p.steps.len() - 1;
        p.steps[last].kind = Kind::Table {
            table: 7,
            inputs: vec![0; 10],
        };
        p.steps[last].finish = Finish::Exact;
    });
}

#[test]
fn tables_have_to_cover_what_is_read() {
    let graph = of_function(zkassay_graph::Function::Tanh, 3);
    let program = lowered(&graph).program;
    program.validate().unwrap();
    let mut short = program.clone();
    short.tables[0].segments.truncate(10);
    refused(&short);
    let mut far = program.clone();
    far.tables[0].first = i64::MIN;
    refused(&far);
    let mut steep = program;
    steep.tables[0].segments[0].1 = i64::MAX;
    refused(&steep);
}
