//! What training does in place, on candle's tensors.
//!
//! Candle's own operations allocate their results, and each of its matrix
//! products asks the operating system for the number of cores anew: for
//! networks as small as the study's that was most of the time.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, bail};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::Activation;

/// `c = a b` for each round: `a` `[rounds, m, k]`, `b` `[rounds, k, n]`, `c`
/// `[rounds, m, n]`; `a` and `b` may be transposed views.
pub(crate) struct Product;

/// `sums = sum of the rows` for each round: from `[rounds, rows, n]` to `[rounds, 1, n]`.
pub(crate) struct SumRows;

/// `z = f(z + bias)` for `z` `[rounds, rows, n]` and `bias` `[rounds, 1, n]`.
pub(crate) struct Activate(pub(crate) Activation);

/// `gradient *= f'`, given the layer's outputs `a = f(z)`.
pub(crate) struct ActivationGradient(pub(crate) Activation);

/// One step of AdamW (Loshchilov and Hutter 2019) on `[3, ...]`: the values,
/// and the running means of the gradient and of its square.
pub(crate) struct Adam {
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
    /// Number of the step, from 1.
    pub(crate) step: i32,
}

impl Adam {
    const BETA_1: f64 = 0.9;
    const BETA_2: f64 = 0.999;
    const EPSILON: f32 = 1e-8;
}

impl InplaceOp3 for Product {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(
        &self,
        c: &mut CpuStorage,
        c_at: &Layout,
        a: &CpuStorage,
        a_at: &Layout,
        b: &CpuStorage,
        b_at: &Layout,
    ) -> Result<()> {
        let (rounds, m, n) = c_at.shape().dims3()?;
        let k = a_at.shape().dims3()?.2;
        let shapes = (a_at.shape().dims3()?, b_at.shape().dims3()?);
        if shapes != ((rounds, m, k), (rounds, k, n)) {
            bail!("a product of shapes {shapes:?} into {:?}", c_at.shape());
        }
        let c = floats_mut(c, c_at)?;
        let (a, b) = (Matrices::new(a, a_at)?, Matrices::new(b, b_at)?);
        for (round, c) in c.chunks_exact_mut((m * n).max(1)).enumerate() {
            let mut c = ArrayViewMut2::from_shape((m, n), c).map_err(candle_core::Error::wrap)?;
            general_mat_mul(1.0, &a.of(round)?, &b.of(round)?, 0.0, &mut c);
        }
        Ok(())
    }
}

/// A matrix for each round, contiguous or transposed.
struct Matrices<'a> {
    values: &'a [f32],
    /// Rows and columns as stored.
    stored: (usize, usize),
    is_transposed: bool,
}

impl<'a> Matrices<'a> {
    fn new(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let (_, rows, columns) = layout.shape().dims3()?;
        if layout.is_contiguous() {
            return Ok(Self {
                values: floats(storage, layout)?,
                stored: (rows, columns),
                is_transposed: false,
            });
        }
        Ok(Self {
            values: floats(storage, &layout.transpose(1, 2)?)?,
            stored: (columns, rows),
            is_transposed: true,
        })
    }

    fn of(&self, round: usize) -> Result<ArrayView2<'a, f32>> {
        let len = self.stored.0 * self.stored.1;
        let values = self
            .values
            .get(round * len..(round + 1) * len)
            .unwrap_or(&[]);
        let stored = ArrayView2::from_shape(self.stored, values);
        let stored = stored.map_err(candle_core::Error::wrap)?;
        Ok(match self.is_transposed {
            true => stored.reversed_axes(),
            false => stored,
        })
    }
}

impl InplaceOp2 for SumRows {
    fn name(&self) -> &'static str {
        "sum-rows"
    }

    fn cpu_fwd(
        &self,
        s: &mut CpuStorage,
        at: &Layout,
        x: &CpuStorage,
        x_at: &Layout,
    ) -> Result<()> {
        let (rounds, rows, width) = x_at.shape().dims3()?;
        if at.shape().dims3()? != (rounds, 1, width) {
            bail!("sums of shape {:?} of {:?}", at.shape(), x_at.shape());
        }
        let sums = floats_mut(s, at)?.chunks_exact_mut(width.max(1));
        let rounds = floats(x, x_at)?.chunks_exact((rows * width).max(1));
        for (sums, round) in sums.zip(rounds) {
            sums.fill(0.0);
            for row in round.chunks_exact(width.max(1)) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        }
        Ok(())
    }
}

impl InplaceOp2 for Activate {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(
        &self,
        z: &mut CpuStorage,
        at: &Layout,
        b: &CpuStorage,
        b_at: &Layout,
    ) -> Result<()> {
        let (_, rows, width) = at.shape().dims3()?;
        if b_at.shape().dims3()? != (at.shape().dims3()?.0, 1, width) {
            bail!("a bias of shape {:?} for {:?}", b_at.shape(), at.shape());
        }
        let z = floats_mut(z, at)?;
        let biases = floats(b, b_at)?;
        for (round, bias) in z
            .chunks_exact_mut(rows * width)
            .zip(biases.chunks_exact(width))
        {
            for row in round.chunks_exact_mut(width) {
                let pairs = row.iter_mut().zip(bias);
                match self.0 {
                    Activation::Relu => pairs.for_each(|(z, b)| *z = (*z + b).max(0.0)),
                    Activation::Tanh => pairs.for_each(|(z, b)| *z = (*z + b).tanh()),
                    Activation::None => pairs.for_each(|(z, b)| *z += b),
                }
            }
        }
        Ok(())
    }
}

impl InplaceOp2 for ActivationGradient {
    fn name(&self) -> &'static str {
        "activation-gradient"
    }

    fn cpu_fwd(
        &self,
        g: &mut CpuStorage,
        at: &Layout,
        a: &CpuStorage,
        a_at: &Layout,
    ) -> Result<()> {
        let pairs = floats_mut(g, at)?.iter_mut().zip(floats(a, a_at)?);
        match self.0 {
            Activation::Relu => pairs.for_each(|(g, a)| *g = if *a > 0.0 { *g } else { 0.0 }),
            Activation::Tanh => pairs.for_each(|(g, a)| *g *= 1.0 - a * a),
            Activation::None => {}
        }
        Ok(())
    }
}

impl InplaceOp2 for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(
        &self,
        s: &mut CpuStorage,
        at: &Layout,
        g: &CpuStorage,
        g_at: &Layout,
    ) -> Result<()> {
        let gradient = floats(g, g_at)?;
        let state = floats_mut(s, at)?;
        if state.len() != 3 * gradient.len() {
            bail!(
                "{} gradients for a state of {}",
                gradient.len(),
                state.len()
            );
        }
        let (values, moments) = state.split_at_mut(gradient.len());
        let (first, second) = moments.split_at_mut(gradient.len());
        let (b1, b2) = (Self::BETA_1 as f32, Self::BETA_2 as f32);
        // The means start at 0: these undo the bias.
        let unbias_1 = (1.0 / (1.0 - Self::BETA_1.powi(self.step))) as f32;
        let unbias_2 = (1.0 / (1.0 - Self::BETA_2.powi(self.step))) as f32;
        let rate = self.learning_rate as f32;
        let keep = (1.0 - self.learning_rate * self.weight_decay) as f32;
        let moments = first.iter_mut().zip(second);
        for ((value, (m, v)), g) in values.iter_mut().zip(moments).zip(gradient) {
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            let step = *m * unbias_1 / ((*v * unbias_2).sqrt() + Self::EPSILON);
            *value = *value * keep - rate * step;
        }
        Ok(())
    }
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("expected contiguous float32"),
    }
}

fn floats_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("expected contiguous float32"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor, Var};
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    #[test]
    fn adam_is_candles() {
        let gradients: [[f32; 3]; 4] = [
            [0.5, -1.0, 0.0],
            [0.1, 2.0, 1e-4],
            [-0.3, 0.2, 0.0],
            [1.0; 3],
        ];
        let start = [0.3f32, -0.2, 1.0];
        for weight_decay in [0.0, 0.4] {
            let var = Var::new(&start, &Device::Cpu).unwrap();
            let params = ParamsAdamW {
                lr: 0.01,
                weight_decay,
                ..ParamsAdamW::default()
            };
            let mut reference = AdamW::new(vec![var.clone()], params).unwrap();
            let state = Tensor::new(&[start, [0.0; 3], [0.0; 3]], &Device::Cpu).unwrap();
            for (index, gradient) in gradients.iter().enumerate() {
                let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
                let loss = (var.as_tensor() * &gradient).unwrap().sum_all().unwrap();
                reference.backward_step(&loss).unwrap();
                let adam = Adam {
                    learning_rate: 0.01,
                    weight_decay,
                    step: index as i32 + 1,
                };
                state.inplace_op2(&gradient, &adam).unwrap();
            }
            let expected = var.to_vec1::<f32>().unwrap();
            let found = state.get(0).unwrap().to_vec1::<f32>().unwrap();
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{found}, candle {expected}"
                );
            }
        }
    }

    fn counted(shape: (usize, usize, usize)) -> Tensor {
        let count = (shape.0 * shape.1 * shape.2) as u32;
        let values: Vec<f32> = (0..count).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn products_and_sums_are_candles() {
        let (a, b) = (counted((2, 3, 4)), counted((2, 4, 5)));
        let transposed = |x: &Tensor| x.t().unwrap().contiguous().unwrap().t().unwrap();
        let expected = a.matmul(&b).unwrap().flatten_all().unwrap();
        for (a, b) in [
            (a.clone(), b.clone()),
            (transposed(&a), b.clone()),
            (a.clone(), transposed(&b)),
            (transposed(&a), transposed(&b)),
        ] {
            let c = counted((2, 3, 5));
            c.inplace_op3(&a, &b, &Product).unwrap();
            let found = c.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(found, expected.to_vec1::<f32>().unwrap());
        }
        let sums = counted((2, 1, 5));
        sums.inplace_op2(&b, &SumRows).unwrap();
        let expected = b.sum_keepdim(1).unwrap().flatten_all().unwrap();
        let found = sums.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(found, expected.to_vec1::<f32>().unwrap());
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let zeros = |shape: (usize, usize, usize)| {
            Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap()
        };
        let activate = Activate(Activation::Relu);
        assert!(
            zeros((2, 3, 4))
                .inplace_op2(&zeros((1, 1, 4)), &activate)
                .is_err()
        );
        assert!(
            zeros((2, 3, 4))
                .inplace_op2(&zeros((2, 1, 3)), &activate)
                .is_err()
        );
        let c = zeros((2, 3, 5));
        assert!(
            c.inplace_op3(&zeros((2, 3, 4)), &zeros((2, 3, 5)), &Product)
                .is_err()
        );
        assert!(
            c.inplace_op3(&zeros((1, 3, 4)), &zeros((1, 4, 5)), &Product)
                .is_err()
        );
        assert!(
            zeros((2, 1, 5))
                .inplace_op2(&zeros((2, 3, 4)), &SumRows)
                .is_err()
        );
        let adam = Adam {
            learning_rate: 0.1,
            weight_decay: 0.0,
            step: 1,
        };
        assert!(
            zeros((3, 2, 2))
                .inplace_op2(&zeros((1, 2, 3)), &adam)
                .is_err()
        );
    }
}
