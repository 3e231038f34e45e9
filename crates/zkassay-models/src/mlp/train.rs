//! Training: Adam on the cross-entropy, many rounds at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use candle_core::{Device, Tensor};
use ndarray::{Axis, Slice};
use rayon::prelude::*;
use zkassay_seed::Stream;

use crate::mlp::head::Head;
use crate::mlp::network::{Buffers, Network};
use crate::mlp::ops::Adam;
use crate::valid::require_parameters;
use crate::{DenseLayer, Mlp, MlpParams, ModelError, Round, TrainingSet, Valid};

/// Activations of one step that a group of rounds may have, in numbers: beyond
/// the processor's caches a step of many rounds takes longer than many steps.
const GROUP_VALUES: usize = 1 << 16;

/// Epochs between two looks at whether training has diverged.
const LOOK: usize = 16;

/// Trains one network.
///
/// # Errors
/// [`ModelError::Diverged`] if the loss, on held-out rows also, or the square of
/// a gradient is no longer a finite number; [`ModelError::Parameter`] if there
/// would be more than 67,108,864 weights and biases.
pub fn fit(set: &TrainingSet<'_>, params: &Valid<MlpParams>) -> Result<Mlp, ModelError> {
    let round = Round {
        set: *set,
        seed: params.seed,
    };
    let mut models = Group::new(&[round], params)?.train()?;
    models.pop().ok_or(ModelError::Empty {
        rows: 0,
        columns: 0,
    })
}

/// Trains one network for each round; each is the same, bit for bit, as if it
/// had been trained alone.
///
/// Rounds with the same number of rows are stacked and trained together, as
/// many as fit the processor's caches; such groups run in parallel.
///
/// # Errors
/// As [`fit`], for the first round that has one.
pub fn fit_rounds(rounds: &[Round<'_>], params: &Valid<MlpParams>) -> Result<Vec<Mlp>, ModelError> {
    let shape = |round: &Round<'_>| (round.set.len(), round.set.features(), round.set.classes());
    let stackable = rounds.chunk_by(|a, b| shape(a) == shape(b));
    let mut groups = Vec::new();
    for rounds in stackable {
        groups.extend(rounds.chunks(group_size(rounds, params)));
    }
    let train = |rounds: &[Round<'_>]| Group::new(rounds, params)?.train();
    let train = |rounds: &[Round<'_>]| match train(rounds) {
        // One of them may have failed for others, or only after it would have stopped.
        Err(_) if rounds.len() > 1 => {
            let models = rounds.chunks(1).map(train).collect::<Result<Vec<_>, _>>()?;
            Ok(models.concat())
        }
        result => result,
    };
    // Collected first, so that the error does not depend on who is quickest.
    let models: Vec<Result<Vec<Mlp>, ModelError>> = groups.into_par_iter().map(train).collect();
    let models: Vec<Vec<Mlp>> = models.into_iter().collect::<Result<_, _>>()?;
    Ok(models.concat())
}

/// How many of the rounds, which are alike, make a group.
fn group_size(rounds: &[Round<'_>], params: &MlpParams) -> usize {
    let Some(first) = rounds.first() else {
        return 1;
    };
    let rows = params.batch_size.unwrap_or(usize::MAX).min(first.set.len());
    let widths = first.set.features() + params.spec.hidden.iter().sum::<usize>();
    let by_cache = GROUP_VALUES / (rows * widths).max(1);
    let by_threads = rounds.len().div_ceil(rayon::current_num_threads());
    by_cache.min(by_threads).max(1)
}

/// Rounds that are trained together: as many rows, as many features, as many classes.
struct Group<'a, 'r> {
    rounds: &'a [Round<'r>],
    params: &'a MlpParams,
    head: Head,
    network: Network,
    trained: Stacked,
    held_out: Option<Stacked>,
}

/// Rows `[rounds, rows, features]` and targets `[rounds, rows, outputs]`.
struct Stacked {
    rows: Tensor,
    targets: Tensor,
}

/// What a round is best with on its held-out rows.
#[derive(Default)]
struct Best {
    loss: f32,
    epoch: usize,
    /// Empty before the first epoch.
    layers: Vec<DenseLayer>,
}

impl Best {
    /// Whether the loss has not fallen in the last `patience` epochs up to `epoch`.
    fn has_stopped(&self, epoch: usize, patience: usize) -> bool {
        !self.layers.is_empty() && epoch >= self.epoch.saturating_add(patience)
    }
}

/// The order in which a round goes through its rows.
struct Order {
    stream: Stream,
    rows: Vec<u32>,
}

impl Order {
    fn new(params: &MlpParams, seed: u64, rows: usize) -> Result<Self, ModelError> {
        let rows = u32::try_from(rows).map_err(|_| ModelError::Parameter {
            name: "number of rows",
            found: rows.to_string(),
            expected: "below 2^32",
        })?;
        Ok(Self {
            stream: Stream::new(seed, &format!("models/order/{}", params.spec.tag())),
            rows: (0..rows).collect(),
        })
    }

    /// The order of the next epoch.
    fn next(&mut self) -> Vec<u32> {
        self.stream.shuffle(&mut self.rows);
        self.rows.clone()
    }
}

/// What one step leaves to the next.
#[derive(Default)]
struct Steps {
    done: i32,
    /// By number of rows: that of a batch, and that of the last one in an epoch.
    buffers: BTreeMap<usize, Buffers>,
}

impl<'a, 'r> Group<'a, 'r> {
    fn new(rounds: &'a [Round<'r>], params: &'a MlpParams) -> Result<Self, ModelError> {
        let first = rounds.first().ok_or(ModelError::Empty {
            rows: 0,
            columns: 0,
        })?;
        let (features, outputs) = (first.set.features(), first.set.outputs());
        let seeds: Vec<u64> = rounds.iter().map(|round| round.seed).collect();
        let head = Head::of(outputs);
        require_parameters(params.spec.parameters(features, outputs))?;
        let trained = params.trained_rows(&first.set);
        let held_out = match trained < first.set.len() {
            true => Some(Stacked::new(rounds, trained..first.set.len(), head)?),
            false => None,
        };
        Ok(Self {
            rounds,
            params,
            head,
            network: Network::new(&params.spec, features, outputs, &seeds)?,
            trained: Stacked::new(rounds, 0..trained, head)?,
            held_out,
        })
    }

    fn train(self) -> Result<Vec<Mlp>, ModelError> {
        let mut orders: Vec<Order> = self
            .rounds
            .iter()
            .map(|round| Order::new(self.params, round.seed, self.trained.len()))
            .collect::<Result<_, _>>()?;
        let mut best: Vec<Best> = self.rounds.iter().map(|_| Best::default()).collect();
        let mut steps = Steps::default();
        for epoch in 1..=self.params.epochs {
            match self.params.batch_size {
                None => self.step(&self.trained, &mut steps)?,
                Some(_) => {
                    for batch in self.batches(&mut orders) {
                        self.step(&batch?, &mut steps)?;
                    }
                }
            }
            let is_over = self.is_over(epoch, &mut best)? || epoch == self.params.epochs;
            if is_over || epoch.is_multiple_of(LOOK) {
                self.check(epoch)?;
            }
            if is_over {
                break;
            }
        }
        self.models(best)
    }

    fn step(&self, batch: &Stacked, steps: &mut Steps) -> Result<(), ModelError> {
        steps.done = steps.done.saturating_add(1);
        let adam = Adam {
            learning_rate: self.params.learning_rate,
            weight_decay: self.params.weight_decay,
            step: steps.done,
        };
        let buffers = match steps.buffers.entry(batch.len()) {
            Entry::Occupied(buffers) => buffers.into_mut(),
            Entry::Vacant(place) => place.insert(Buffers::new(&self.network, batch.len())?),
        };
        self.network.forward(&batch.rows, buffers)?;
        let gradient = self.head.gradient(buffers.logits()?, &batch.targets)?;
        Ok(self.network.step(&batch.rows, buffers, gradient, &adam)?)
    }

    /// The batches of an epoch, each round's rows in a new order of its own.
    fn batches<'b>(
        &'b self,
        orders: &mut [Order],
    ) -> impl Iterator<Item = Result<Stacked, ModelError>> + 'b {
        let rows = self.trained.len();
        let size = self.params.batch_size.unwrap_or(rows).min(rows);
        let orders: Vec<Vec<u32>> = orders.iter_mut().map(Order::next).collect();
        let starts = (0..rows).step_by(size);
        starts.map(move |start| {
            let end = (start + size).min(rows);
            let stacked = orders.iter().enumerate().flat_map(|(round, order)| {
                let first = (round * rows) as u32;
                order[start..end].iter().map(move |row| first + row)
            });
            self.trained.select(stacked.collect(), end - start)
        })
    }

    /// An error if a round's loss is not finite, or what Adam goes by: with
    /// infinite mean squares its steps would be 0.
    fn check(&self, epoch: usize) -> Result<(), ModelError> {
        let losses = self.losses(&self.trained)?;
        match losses.iter().all(|loss| loss.is_finite()) && self.network.is_finite()? {
            true => Ok(()),
            false => Err(self.diverged(epoch)),
        }
    }

    fn diverged(&self, epoch: usize) -> ModelError {
        ModelError::Diverged {
            model: self.params.spec.tag(),
            epoch,
            learning_rate: self.params.learning_rate,
        }
    }

    /// Mean cross-entropy of each round.
    fn losses(&self, on: &Stacked) -> Result<Vec<f32>, ModelError> {
        let buffers = Buffers::new(&self.network, on.len())?;
        self.network.forward(&on.rows, &buffers)?;
        Ok(self
            .head
            .losses(buffers.logits()?, &on.targets)?
            .to_vec1()?)
    }

    /// Keeps what is best on the held-out rows; true when every round has stopped.
    fn is_over(&self, epoch: usize, best: &mut [Best]) -> Result<bool, ModelError> {
        let (Some(stopping), Some(held_out)) = (self.params.early_stopping, &self.held_out) else {
            return Ok(false);
        };
        let mut is_over = true;
        for (round, (loss, best)) in self.losses(held_out)?.into_iter().zip(best).enumerate() {
            if best.has_stopped(epoch - 1, stopping.patience) {
                continue;
            }
            if !loss.is_finite() {
                return Err(self.diverged(epoch));
            }
            if best.layers.is_empty() || loss < best.loss {
                *best = Best {
                    loss,
                    epoch,
                    layers: self.network.layers(round)?,
                };
            }
            is_over &= best.has_stopped(epoch, stopping.patience);
        }
        Ok(is_over)
    }

    fn models(self, best: Vec<Best>) -> Result<Vec<Mlp>, ModelError> {
        let rounds = best.into_iter().enumerate();
        let models = rounds.map(|(round, best)| {
            let (layers, epochs) = match best.layers.is_empty() {
                true => (self.network.layers(round)?, self.params.epochs),
                false => (best.layers, best.epoch),
            };
            let mut values = layers.iter().flat_map(|l| l.weights.iter().chain(&l.bias));
            match values.all(|value| value.is_finite()) {
                true => Ok(Mlp {
                    spec: self.params.spec.clone(),
                    layers,
                    epochs,
                }),
                false => Err(self.diverged(epochs)),
            }
        });
        models.collect()
    }
}

impl Stacked {
    fn new(
        rounds: &[Round<'_>],
        range: std::ops::Range<usize>,
        head: Head,
    ) -> Result<Self, ModelError> {
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        let (mut features, mut outputs) = (0, 0);
        for Round { set, .. } in rounds {
            (features, outputs) = (set.features(), set.outputs());
            let slice = set
                .rows()
                .slice_axis_move(Axis(0), Slice::from(range.clone()));
            rows.extend(slice.iter().copied());
            labels.extend_from_slice(&set.labels()[range.clone()]);
        }
        let (rounds, len) = (rounds.len(), range.len());
        Ok(Self {
            rows: Tensor::from_vec(rows, (rounds, len, features), &Device::Cpu)?,
            targets: head.targets(&labels, (rounds, len, outputs))?,
        })
    }

    /// Number of rows of a round.
    fn len(&self) -> usize {
        self.rows.dims().get(1).copied().unwrap_or(0)
    }

    /// Rows by their position among those of all rounds, `rows` of each round.
    fn select(&self, positions: Vec<u32>, rows: usize) -> Result<Self, ModelError> {
        let count = positions.len();
        let positions = Tensor::from_vec(positions, count, &Device::Cpu)?;
        let select = |tensor: &Tensor| -> Result<Tensor, ModelError> {
            let (rounds, _, width) = tensor.dims3()?;
            let flat = tensor.flatten_to(1)?.index_select(&positions, 0)?;
            Ok(flat.reshape((rounds, rows, width))?)
        };
        Ok(Self {
            rows: select(&self.rows)?,
            targets: select(&self.targets)?,
        })
    }
}
