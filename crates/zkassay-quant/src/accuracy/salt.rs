//! Inputs that hide the others in a hash.

use crate::QuantError;
use crate::program::{Encoding, Program, Ranks};

/// Random integers among the inputs, which nothing reads: a hash of the inputs hides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt {
    /// How many.
    pub inputs: usize,
    /// Each is from 0 to below two to the power of this.
    pub bits: u32,
}

impl Salt {
    /// Bits of all of them together, at least.
    pub const BITS: u32 = 128;
    /// The most bits of one: float32 holds them at any scale.
    const MOST: u32 = 23;
    /// The most bits of a rank, whose thresholds are part of the program.
    const MOST_RANKED: u32 = 6;
}

impl Program {
    /// The salt that [`salted`](Self::salted) adds; it depends on the limbs of inputs, and on
    /// whether they are ranks.
    pub fn salt(&self) -> Salt {
        let most = match self.encoding.is_scaled() {
            true => Salt::MOST,
            false => Salt::MOST_RANKED,
        };
        let bits = (self.limbs.bits * self.limbs.input - 1).clamp(1, most);
        Salt {
            inputs: Salt::BITS.div_ceil(bits) as usize,
            bits,
        }
    }

    /// This program with a [salt](Self::salt) before its label.
    ///
    /// # Errors
    /// A program that is not valid or has no label.
    pub fn salted(&self) -> Result<Self, QuantError> {
        self.validate()?;
        let Some(label) = self.inputs.checked_sub(1).filter(|_| self.labelled) else {
            let what = "it has no label to put a salt before".to_owned();
            return Err(QuantError::Invalid { what });
        };
        let salt = self.salt();
        let mut program = self.clone();
        program.for_each_read(|wire| *wire += if *wire >= label { salt.inputs } else { 0 });
        program.inputs += salt.inputs;
        if let Encoding::Shifted { offsets } = &mut program.encoding {
            // Integers stand for themselves, as the label does.
            let none = -program.input_scale.0;
            offsets.splice(label..label, std::iter::repeat_n(none, salt.inputs));
        }
        if let Encoding::Ranks { features, ranks } = &mut program.encoding {
            // The rank of an integer from 0 on is the integer.
            let thresholds: Vec<f32> = (0..(1u32 << salt.bits) - 1).map(|t| t as f32).collect();
            ranks.extend((*features..*features + salt.inputs).map(|feature| Ranks {
                feature,
                thresholds: thresholds.clone(),
            }));
            *features += salt.inputs;
        }
        program.validate()?;
        Ok(program)
    }

    /// The number in a row that gives an integer of the salt.
    pub fn salt_real(&self, integer: u32) -> f32 {
        match self.encoding {
            Encoding::Scaled => self.input_scale.real(integer.into()) as f32,
            Encoding::Shifted { .. } | Encoding::Ranks { .. } => integer as f32,
        }
    }

    /// Numbers of a row whose integers are all zero.
    pub fn zeros(&self, count: usize) -> Vec<f32> {
        let zero = match self.encoding.is_scaled() {
            true => 0.0,
            false => f32::MIN,
        };
        vec![zero; count]
    }
}
