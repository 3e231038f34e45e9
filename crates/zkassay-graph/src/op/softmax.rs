//! `exp(x) / sum exp(x)`.

pub(super) fn apply(x: &[f32], groups: &[Vec<u32>], log: bool) -> Vec<f32> {
    let mut result = vec![0.0; x.len()];
    for group in groups {
        let at = |i: &u32| f64::from(x[*i as usize]);
        let greatest = group.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = group.iter().map(|i| (at(i) - greatest).exp()).sum();
        for i in group {
            let exponent = at(i) - greatest - sum.ln();
            result[*i as usize] = if log { exponent } else { exponent.exp() } as f32;
        }
    }
    result
}
