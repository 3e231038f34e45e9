//! Float32 numbers, counted from the least to the greatest.

/// The place of a number among all float32 numbers.
pub(super) fn rank(x: f32) -> u32 {
    let bits = x.to_bits();
    let sign = 1 << 31;
    if bits & sign == 0 { bits | sign } else { !bits }
}

/// The number at a place.
pub(super) fn of_rank(rank: u32) -> f32 {
    let sign = 1 << 31;
    f32::from_bits(if rank & sign == 0 { !rank } else { rank ^ sign })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_numbers() {
        let numbers = [f32::MIN, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, f32::MAX];
        for pair in numbers.windows(2) {
            assert!(rank(pair[0]) < rank(pair[1]), "{pair:?}");
        }
        for x in numbers {
            assert_eq!(of_rank(rank(x)).to_bits(), x.to_bits());
        }
        assert_eq!(rank(f32::MIN), !f32::MIN.to_bits());
    }
}
