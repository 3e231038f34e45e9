//! Which row holds what, for a number of weights per row.

use std::sync::Arc;

use zkassay_gadgets::Shape;
use zkassay_gadgets::program::{Kinds, ProgramShape};
use zkassay_quant::{Finish, IntegerConv, Kind, Program, Step, Sum, Wire};

use super::grid::{Class, Grid};
use super::layout::{Consumer, Producer, Weights};
use super::plan::ProgramPlan;
use super::trees::Trees;
use crate::CompileOptions;

/// The most outputs for which a row makes room.
const ROOM: usize = ProgramShape::MAX_START as usize;
/// Numbers of outputs that have a column of their own; if there are more, powers of two stand for them.
const NUMBERS: usize = 8;

/// Both halves of all rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) producers: Vec<Producer>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) strides: Vec<u32>,
    pub(super) starts: Vec<u32>,
    /// Whether numbers of outputs are sums of powers of two.
    binary: bool,
    /// What the next row of the consumer half has to begin with.
    begin: Option<usize>,
    pub(super) first_input: usize,
    pub(super) first_output: usize,
    /// The row that produces each wire.
    pub(super) row_of: Vec<usize>,
    /// The grids of convolutions, by step.
    pub(super) grids: Vec<Option<Arc<Grid>>>,
    /// The nodes of trees.
    pub(super) trees: Option<Trees>,
}

impl Rows {
    /// More rows than any table has.
    pub(super) const MOST: usize = 1 << Shape::MAX_LOGROWS;

    /// The rows of a program, with so many weights and nodes in each; `None` if they are more than any
    /// table has.
    pub(super) fn new(program: &Program, block_width: u32, slots: u32) -> Option<Self> {
        let (width, slots) = (block_width as usize, slots as usize);
        let rows = Self::laid_out(program, width, slots, false)?;
        match rows.starts.len() <= NUMBERS {
            true => Some(rows),
            false => Self::laid_out(program, width, slots, true),
        }
    }

    fn laid_out(program: &Program, width: usize, slots: usize, binary: bool) -> Option<Self> {
        let mut rows = Self {
            binary,
            row_of: vec![0; program.wires()],
            grids: vec![None; program.steps.len()],
            ..Self::default()
        };
        let mut firsts = Vec::with_capacity(program.steps.len());
        let mut first = program.inputs;
        for step in &program.steps {
            firsts.push(first);
            first += step.len();
        }
        let last = program.steps.len() - 1;
        // The outputs first: public values are then in the first rows, and there are few others
        // among them.
        rows.coupled(&program.steps[last], last, firsts[last]);
        rows.step(program, last, firsts[last], width)?;
        rows.first_input = rows.producers.len();
        rows.inputs(program, &firsts, slots);
        for (index, first) in firsts[..last].iter().enumerate() {
            rows.step(program, index, *first, width)?;
        }
        // Rows that need both halves.
        let below = rows.producers.len().max(rows.consumers.len());
        rows.producers.resize(below, Producer::Idle);
        rows.consumers.resize(below, Consumer::default());
        for (index, first) in firsts[..last].iter().enumerate() {
            rows.coupled(&program.steps[index], index, *first);
        }
        rows.first_output = rows.row_of[firsts[last]];
        (rows.len() <= Self::MOST).then_some(rows)
    }

    /// Rows in use.
    pub(super) fn len(&self) -> usize {
        self.producers.len().max(self.consumers.len())
    }

    fn produce(&mut self, wire: Wire, producer: Producer) {
        self.row_of[wire] = self.producers.len();
        self.producers.push(producer);
    }

    /// The inputs. Ranks are what the answers of trees add up to: these are one linear step.
    fn inputs(&mut self, program: &Program, firsts: &[Wire], slots: usize) {
        let forest = Trees::of(program).filter(|_| slots > 0);
        for wire in 0..program.inputs {
            self.produce(wire, Producer::Input(wire));
        }
        let Some((step, forest)) = forest else {
            return;
        };
        self.start(forest.features.len());
        let trees = Trees::new(forest, step, firsts[step], self.consumers.len(), slots);
        for score in 0..forest.bias.len() {
            self.consume(Consumer {
                operand: Some(trees.first_score + score),
                ..Consumer::default()
            });
        }
        let [same, next] = [0, 1].map(|exponent| position(&mut self.strides, exponent));
        for (feature, rows) in trees.features.iter().enumerate() {
            for row in rows.clone() {
                let is_first = row == rows.start;
                self.consume(match (feature, is_first) {
                    (0, true) => Consumer {
                        weights: Weights::One(1),
                        ..Consumer::default()
                    },
                    _ => Consumer {
                        stride: Some(if is_first { next } else { same }),
                        ..Consumer::default()
                    },
                });
            }
        }
        self.trees = Some(trees);
    }

    /// Begins a step of so many outputs in the consumer half: in rows of their own, but for the last part of
    /// the number, which the step's first row begins with.
    fn start(&mut self, outputs: usize) {
        let rest = outputs % ROOM;
        let mut parts = vec![ROOM; outputs / ROOM];
        match self.binary {
            true => parts.extend((0..ROOM.ilog2()).map(|bit| rest & 1 << bit)),
            false => parts.push(rest),
        }
        parts.retain(|part| *part > 0);
        for part in parts {
            let start = position(&mut self.starts, part);
            if let Some(before) = self.begin.replace(start) {
                self.consumers.push(Consumer {
                    start: Some(before),
                    ..Consumer::default()
                });
            }
        }
    }

    fn consume(&mut self, consumer: Consumer) {
        let start = self.begin.take();
        self.consumers.push(Consumer { start, ..consumer });
    }

    /// The rows of a step that needs only one half of each.
    fn step(&mut self, program: &Program, index: usize, first: Wire, width: usize) -> Option<()> {
        let step = &program.steps[index];
        let wire = |rows: &mut Self, at: usize| {
            rows.produce(
                first + at,
                Producer::Wire {
                    step: index,
                    index: at,
                },
            );
        };
        match &step.kind {
            Kind::Table { .. } | Kind::Products(_) => {}
            Kind::Hints(_) | Kind::Forest(_) => (0..step.len()).for_each(|at| wire(self, at)),
            Kind::Dense { inputs, bias, .. } => {
                if inputs.len().saturating_mul(bias.len().div_ceil(width)) > Self::MOST {
                    return None;
                }
                (0..bias.len()).for_each(|at| wire(self, at));
                self.dense(index, inputs, bias.len(), width);
            }
            Kind::Sums(sums) => {
                (0..sums.len()).for_each(|at| wire(self, at));
                self.sums(sums);
            }
            Kind::Conv(conv) => {
                let grid = Arc::new(Grid::new(conv));
                let wide = 1 + program.limbs.total as usize;
                let plane = conv.output[0] * conv.output[1];
                // Before anything of that size is made.
                let consumers: usize = grid.classes.iter().map(Class::rows).sum();
                let terms = conv.inputs.iter().map(Vec::len).max().unwrap_or(1).max(1);
                let most = [
                    grid.len.saturating_mul(conv.bias.len()),
                    consumers.saturating_mul(conv.input[0] * terms),
                ];
                if most.into_iter().any(|rows| rows > Self::MOST) {
                    return None;
                }
                for from in (0..conv.bias.len()).step_by(width) {
                    let channels = from..conv.bias.len().min(from + width);
                    let mut free = vec![];
                    for position in (0..grid.len).rev() {
                        for channel in channels.clone() {
                            match grid.output(position, conv) {
                                Some(output) => {
                                    self.free(index, &mut free, wide);
                                    wire(self, channel * plane + output);
                                }
                                None => free.push((channel, position)),
                            }
                        }
                    }
                    self.free(index, &mut free, wide);
                    self.start(grid.len * channels.len());
                    self.conv(index, conv, &grid, (from, channels.len()));
                    if self.len() > Self::MOST {
                        return None;
                    }
                }
                self.grids[index] = Some(grid);
            }
        }
        Some(())
    }

    /// Rows for values that nothing reads, as many in each as there are cells.
    fn free(&mut self, step: usize, free: &mut Vec<(usize, usize)>, wide: usize) {
        for cells in free.chunks(wide) {
            // A row counts as one cell or as all of them.
            let rows = match cells.len() == wide {
                true => cells.chunks(wide),
                false => cells.chunks(1),
            };
            self.producers.extend(rows.map(|cells| Producer::Free {
                step,
                channel: cells[0].0,
                position: cells[0].1,
                cells: cells.len(),
            }));
        }
        free.clear();
    }

    fn dense(&mut self, step: usize, inputs: &[Wire], outputs: usize, width: usize) {
        let blocks = outputs.div_ceil(width);
        let stride = (blocks > 1).then(|| position(&mut self.strides, width));
        self.start(outputs);
        for (input, wire) in inputs.iter().enumerate() {
            for block in (0..blocks).rev() {
                self.consume(Consumer {
                    operand: (block == 0).then_some(*wire),
                    weights: Weights::Dense { step, input, block },
                    stride: stride.filter(|_| block + 1 < blocks),
                    start: None,
                });
            }
        }
        if inputs.is_empty() {
            self.consume(Consumer::default());
        }
    }

    fn sums(&mut self, sums: &[Sum]) {
        for sum in sums {
            self.start(1);
            for (wire, weight) in &sum.terms {
                self.consume(Consumer {
                    operand: Some(*wire),
                    weights: Weights::One(*weight),
                    ..Consumer::default()
                });
            }
            if sum.terms.is_empty() {
                self.consume(Consumer::default());
            }
        }
    }

    fn conv(
        &mut self,
        step: usize,
        conv: &IntegerConv,
        grid: &Grid,
        (first, channels): (usize, usize),
    ) {
        let stride = position(&mut self.strides, channels);
        let [inputs, height, width] = conv.input;
        for channel in 0..inputs {
            for class in &grid.classes {
                let mut taps = class.taps.iter().peekable();
                let mut pixels = class.pixels.iter().peekable();
                for row in 0..class.rows() {
                    let tap = taps.next_if(|tap| tap.0 == row);
                    let pixel = pixels.next_if(|pixel| pixel.0 == row);
                    let terms = pixel.map_or(&[][..], |&(_, y, x)| {
                        &conv.inputs[(channel * height + y) * width + x]
                    });
                    self.consume(Consumer {
                        operand: terms.first().copied(),
                        weights: tap.map_or(Weights::None, |&(_, y, x)| Weights::Conv {
                            step,
                            first,
                            channel,
                            element: (y, x),
                        }),
                        stride: (row > 0).then_some(stride),
                        start: None,
                    });
                    // The others of a sum have the same factor.
                    for wire in terms.iter().skip(1) {
                        let same = position(&mut self.strides, 0);
                        self.consume(Consumer {
                            operand: Some(*wire),
                            stride: Some(same),
                            ..Consumer::default()
                        });
                    }
                }
            }
        }
        if self.begin.is_some() {
            self.consume(Consumer::default());
        }
    }

    /// The rows of a step that needs both halves of each; none for other steps.
    fn coupled(&mut self, step: &Step, index: usize, first: Wire) {
        let read = |wire: Wire| Consumer {
            operand: Some(wire),
            ..Consumer::default()
        };
        let wire = |at: usize| Producer::Wire {
            step: index,
            index: at,
        };
        match &step.kind {
            Kind::Table { inputs, .. } => {
                for (at, input) in inputs.iter().enumerate() {
                    self.producers.push(Producer::Function {
                        step: index,
                        index: at,
                    });
                    self.produce(first + at, wire(at));
                    self.consumers.extend([read(*input), Consumer::default()]);
                }
            }
            Kind::Products(pairs) => {
                for (at, (a, b)) in pairs.iter().enumerate() {
                    self.producers.push(Producer::Idle);
                    self.produce(first + at, wire(at));
                    self.consumers.extend([read(*a), read(*b)]);
                }
            }
            _ => {}
        }
    }

    /// The shape of the table.
    pub(super) fn shape(
        &self,
        program: &Program,
        plan: &ProgramPlan,
        options: &CompileOptions,
    ) -> ProgramShape {
        let finishes = |finish: Finish| program.steps.iter().any(|step| step.finish == finish);
        let kinds = Kinds {
            round: finishes(Finish::Round),
            relu: finishes(Finish::Relu),
            exact_relu: finishes(Finish::ExactRelu),
            exact: finishes(Finish::Exact),
            nonnegative: finishes(Finish::Nonnegative),
            free: self
                .producers
                .iter()
                .any(|p| matches!(p, Producer::Free { cells: 1, .. })),
            wide: self.producers.iter().any(Producer::is_wide),
            product: program
                .steps
                .iter()
                .any(|s| matches!(s.kind, Kind::Products(_))),
            table: program
                .steps
                .iter()
                .any(|s| matches!(s.kind, Kind::Table { .. })),
        };
        ProgramShape {
            logrows: plan.logrows,
            limb_bits: program.limbs.bits,
            limbs: program.limbs.total,
            input_limbs: program.limbs.input,
            shift_limbs: program.limbs.shift,
            table_limbs: program.limbs.table,
            block_width: plan.block_width,
            strides: self.strides.clone(),
            starts: self.starts.clone(),
            kinds,
            degree: plan.degree,
            inputs: program.inputs as u32,
            first_input: self.first_input as u32,
            outputs: program.outputs as u32,
            first_output: self.first_output as u32,
            output_stride: match program.steps.last().map(|step| &step.kind) {
                Some(Kind::Products(_) | Kind::Table { .. }) => 2,
                _ => 1,
            },
            used_rows: self.len() as u32,
            lanes: options.batch,
            totals: options.totals,
            slots: plan.slots,
            visibility: options.visibility,
        }
    }
}

/// The position of an exponent in a list, where it is added if it is missing.
fn position(exponents: &mut Vec<u32>, exponent: usize) -> usize {
    let exponent = exponent as u32;
    match exponents.iter().position(|other| *other == exponent) {
        Some(position) => position,
        None => {
            exponents.push(exponent);
            exponents.len() - 1
        }
    }
}
