//! Verifying keys.

use std::fmt;

use zkassay_fixed::{Activation, InputScales, OutputMap, Scale};
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::circuit::{Layouter, SimpleFloorPlanner};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, Fq, Fq2, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use zkassay_gadgets::halo2_proofs::halo2curves::group::{Group as _, GroupEncoding};
use zkassay_gadgets::halo2_proofs::plonk::{self, Circuit, ConstraintSystem, Error};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use zkassay_gadgets::{Field, TableColumns, TableShape};

use crate::Digest;
use crate::artefact::{ArtefactError, Kind, Reader, digest, open, seal};

/// The most that the exponent of an input's scale is, and the least, but for the sign.
const LARGEST_SCALE: i32 = 50;
/// The version of halo2's keys.
const HALO2_VERSION: u8 = 2;

/// Who made the parameters of the commitment scheme.
///
/// Whoever knows their secret can forge any proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrsOrigin {
    /// Made on one machine, for tests and measurements: whoever ran it can forge.
    UnsafeLocal,
    /// The result of a public ceremony: one honest participant suffices.
    Ceremony,
    /// From a file that is no known ceremony's: whoever made it may be able to forge.
    Imported,
}

impl SrsOrigin {
    const ALL: [(Self, &'static str); 3] = [
        (Self::UnsafeLocal, "unsafe-local"),
        (Self::Ceremony, "ceremony"),
        (Self::Imported, "imported"),
    ];

    /// The secret of the one known ceremony, the Perpetual Powers of Tau after its 71st
    /// contribution, times the generator of G2.
    ///
    /// It is the last point of each `perpetual-powers-of-tau-raw-{k}`, and part of many verifiers
    /// on public chains. Powers of a secret are the ceremony's if and only if they belong to it.
    pub const CEREMONY_POINT: G2Affine = G2Affine {
        x: Fq2 {
            c0: Fq::from_raw([
                0xcddb_be57_0ce8_60d2,
                0x8566_89ed_a9ea_b5cb,
                0x60dd_c3b4_af45_191b,
                0x1794_4351_2233_33f2,
            ]),
            c1: Fq::from_raw([
                0xbd7a_a3ad_eef8_f5ac,
                0x2e95_0406_03ef_44c0,
                0xd99f_91db_59fe_6992,
                0x1862_8295_7db9_13ab,
            ]),
        },
        y: Fq2 {
            c0: Fq::from_raw([
                0x2cc2_0203_e67a_02ad,
                0x17b0_2dc7_e8c2_07fc,
                0xe561_6248_6363_ffe4,
                0x2977_72d3_4bc9_aa8a,
            ]),
            c1: Fq::from_raw([
                0xbdea_db63_0528_95f4,
                0x694e_6d22_15ba_a893,
                0xcbf6_d6df_91ba_e406,
                0x298a_dc73_96bd_3865,
            ]),
        },
    };

    /// The origin as a byte.
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// The origin that a byte stands for.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .map(|(origin, _)| origin)
            .find(|origin| *origin as u8 == byte)
    }
}

impl fmt::Display for SrsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL
            .iter()
            .find(|(origin, _)| origin == self)
            .map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// What proofs under a key are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 of the model's ONNX file.
    pub model: Digest,
    /// SHA-256 of the compiled circuit.
    pub circuit: Digest,
    /// Who made the parameters.
    pub srs: SrsOrigin,
    /// Which gates there are.
    pub shape: TableShape,
    /// The scales of the inputs: of each input of an inference, or one for all.
    pub input_scales: InputScales,
    /// What the public outputs mean.
    pub output: OutputMap,
}

/// Everything that verifying needs.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    statement: Statement,
    digest: Digest,
    params: ParamsKZG<Bn256>,
    key: plonk::VerifyingKey<G1Affine>,
}

impl VerifyingKey {
    /// A key from its parts; `s_g2` is the parameters' power of the secret in G2, `fixed` are the
    /// commitments to the fixed columns.
    ///
    /// # Errors
    /// A statement whose shape the gates do not support, or another number of fixed columns.
    pub fn new(
        statement: Statement,
        s_g2: G2Affine,
        fixed: &[G1Affine],
    ) -> Result<Self, ArtefactError> {
        // halo2's format: version, size, no selectors, points.
        let mut key = vec![HALO2_VERSION];
        key.extend_from_slice(&statement.shape.logrows().to_le_bytes());
        key.push(0);
        key.extend_from_slice(&(fixed.len() as u32).to_le_bytes());
        for point in fixed {
            key.extend_from_slice(point.to_bytes().as_ref());
        }
        Self::from_payload(&payload(&statement, s_g2, &key))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// Anything that is not a key of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        Self::from_payload(open(Kind::VerifyingKey, bytes)?)
    }

    /// The key as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(Kind::VerifyingKey, &self.payload())
    }

    /// What proofs under this key are about.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The hash that proofs name.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// halo2's part of the key.
    pub fn halo2(&self) -> &plonk::VerifyingKey<G1Affine> {
        &self.key
    }

    /// The parameters' power of the secret in G2, which identifies them.
    pub fn s_g2(&self) -> G2Affine {
        self.params.s_g2()
    }

    /// Parameters that can verify but not prove.
    pub fn params(&self) -> &ParamsKZG<Bn256> {
        &self.params
    }

    fn payload(&self) -> Vec<u8> {
        let key = self.key.to_bytes(SerdeFormat::Processed);
        payload(&self.statement, self.params.s_g2(), &key)
    }

    fn from_payload(payload: &[u8]) -> Result<Self, ArtefactError> {
        let malformed = |what: &str| ArtefactError::malformed(Kind::VerifyingKey, what);
        let mut reader = Reader::new(Kind::VerifyingKey, payload);
        let model = reader.array()?;
        let circuit = reader.array()?;
        let [srs] = reader.array()?;
        let srs = SrsOrigin::from_byte(srs)
            .ok_or_else(|| malformed("unknown origin of the parameters"))?;
        let first: [u8; 4] = reader.array()?;
        let rest = reader.take(TableShape::byte_length(first) - first.len())?;
        let shape = TableShape::from_bytes(&[&first, rest].concat())
            .and_then(|shape| shape.validate().map(|()| shape))
            .map_err(|error| malformed(&error.to_string()))?;
        let input_scales = read_input_scales(&mut reader, &shape)?;
        let output = read_output_map(&mut reader)?;
        let s_g2 = read_g2(&mut reader)?;
        if srs == SrsOrigin::Ceremony && s_g2 != SrsOrigin::CEREMONY_POINT {
            return Err(malformed(
                "it says that its parameters are the ceremony's, but they have another secret",
            ));
        }
        let key = read_halo2(reader.rest(), &shape)?;
        let key = Self {
            digest: digest(payload),
            params: verifier_params(shape.logrows(), s_g2).map_err(|error| malformed(&error))?,
            statement: Statement {
                model,
                circuit,
                srs,
                shape,
                input_scales,
                output,
            },
            key,
        };
        // One key, one encoding: halo2curves ignores some bits of points.
        match key.payload() == payload {
            true => Ok(key),
            false => Err(malformed("a point is not encoded as it should be")),
        }
    }
}

fn payload(statement: &Statement, s_g2: G2Affine, key: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(256 + key.len());
    payload.extend_from_slice(&statement.model);
    payload.extend_from_slice(&statement.circuit);
    payload.push(statement.srs.to_byte());
    payload.extend_from_slice(&statement.shape.to_bytes());
    let scales = statement.input_scales.as_slice();
    payload.extend_from_slice(&(scales.len() as u32).to_le_bytes());
    // What is beyond a byte is refused by whoever reads it, as most bytes are.
    let byte = |scale: &Scale| i8::try_from(scale.0).unwrap_or(i8::MAX).to_le_bytes();
    payload.extend(scales.iter().flat_map(byte));
    let output = &statement.output;
    payload.push(match output.activation() {
        Activation::Identity => 0,
        Activation::Sigmoid => 1,
    });
    payload.extend_from_slice(&output.accumulator_scale().0.to_le_bytes());
    payload.extend_from_slice(&output.output_scale().0.to_le_bytes());
    payload.extend_from_slice(&output.bound().to_le_bytes());
    payload.extend_from_slice(s_g2.to_bytes().as_ref());
    payload.extend_from_slice(key);
    payload
}

/// A count, and a byte for each scale: one for all inputs of an inference, or one for each, if they are
/// not all the same.
fn read_input_scales(
    reader: &mut Reader<'_>,
    shape: &TableShape,
) -> Result<InputScales, ArtefactError> {
    let malformed = |what: String| ArtefactError::malformed(Kind::VerifyingKey, what);
    let count = u32::from_le_bytes(reader.array()?);
    let inputs = shape.inputs();
    if count != 1 && count != inputs {
        return Err(malformed(format!(
            "{count} input scales for {inputs} inputs"
        )));
    }
    let bytes = reader.take(count as usize)?;
    let scale = |byte: &u8| Scale(i8::from_le_bytes([*byte]).into());
    let scales: Vec<Scale> = bytes.iter().map(scale).collect();
    let is_possible = |scale: &&Scale| (-LARGEST_SCALE..=LARGEST_SCALE).contains(&scale.0);
    if let Some(scale) = scales.iter().find(|scale| !is_possible(scale)) {
        return Err(malformed(format!("an input scale of 2^{}", scale.0)));
    }
    let read = InputScales::of_each(&scales);
    match read.as_slice().len() == scales.len() {
        true => Ok(read),
        false => Err(malformed(format!("the same input scale {count} times"))),
    }
}

fn read_output_map(reader: &mut Reader<'_>) -> Result<OutputMap, ArtefactError> {
    let activation = match reader.array()? {
        [0] => Activation::Identity,
        [1] => Activation::Sigmoid,
        [other] => {
            let what = format!("unknown output activation {other}");
            return Err(ArtefactError::malformed(Kind::VerifyingKey, what));
        }
    };
    let accumulator_scale = Scale(i32::from_le_bytes(reader.array()?));
    let output_scale = Scale(i32::from_le_bytes(reader.array()?));
    let bound = i64::from_le_bytes(reader.array()?);
    OutputMap::new(activation, accumulator_scale, output_scale, bound)
        .map_err(|error| ArtefactError::malformed(Kind::VerifyingKey, error))
}

/// A point of the group of prime order in G2, other than its identity.
fn read_g2(reader: &mut Reader<'_>) -> Result<G2Affine, ArtefactError> {
    let malformed =
        || ArtefactError::malformed(Kind::VerifyingKey, "its parameters are not a point of G2");
    let mut encoding = <G2Affine as GroupEncoding>::Repr::default();
    let (low, high) = (reader.array::<32>()?, reader.array::<32>()?);
    // halo2curves panics on coordinates beyond the modulus; the top bits are flags.
    let mut coordinate = high;
    coordinate[31] &= 0x3f;
    if [low, coordinate]
        .iter()
        .any(|bytes| bool::from(Fq::from_bytes(bytes).is_none()))
    {
        return Err(malformed());
    }
    for (byte, source) in encoding.as_mut().iter_mut().zip([low, high].as_flattened()) {
        *byte = *source;
    }
    Option::<G2Affine>::from(G2Affine::from_bytes(&encoding))
        .filter(|point| !bool::from(point.is_identity()))
        .filter(|point| point.to_bytes().as_ref() == encoding.as_ref())
        // The group's order less one, times the point, plus the point.
        .filter(|point| bool::from((*point * -Field::one() + point).is_identity()))
        .ok_or_else(malformed)
}

/// halo2 allocates from the header of its key, so header and length are checked first.
fn read_halo2(
    bytes: &[u8],
    shape: &TableShape,
) -> Result<plonk::VerifyingKey<G1Affine>, ArtefactError> {
    let malformed = |what: String| ArtefactError::malformed(Kind::VerifyingKey, what);
    let mut system = ConstraintSystem::default();
    shape.configure(&mut system);
    check_degree(&system).map_err(malformed)?;
    let columns = system.num_fixed_columns();
    let mut reader = Reader::new(Kind::VerifyingKey, bytes);
    let [_version] = reader.array()?;
    let logrows = u32::from_le_bytes(reader.array()?);
    let [_compressed] = reader.array()?;
    let commitments = u32::from_le_bytes(reader.array()?) as usize;
    let points = reader.rest().len();
    if (logrows, commitments) != (shape.logrows(), columns) || points != 32 * columns {
        return Err(malformed(format!(
            "2^{logrows} rows and {commitments} fixed columns in {points} bytes, expected \
             2^{} and {columns} in {}",
            shape.logrows(),
            32 * columns
        )));
    }
    let mut rest = bytes;
    plonk::VerifyingKey::read::<_, Gates>(&mut rest, SerdeFormat::Processed, shape.clone())
        .map_err(|error| malformed(error.to_string()))
}

/// halo2 silently caps the degree of its gates at the environment variable
/// MAX_DEGREE, 5 unless it is set, and panics if that is not a number.
fn check_degree(system: &ConstraintSystem<Field>) -> Result<(), String> {
    let polynomials = system.gates().iter().flat_map(|gate| gate.polynomials());
    let degree = polynomials.map(|polynomial| polynomial.degree()).max();
    // The empty permutation argument asks for 3.
    let degree = degree.unwrap_or(0).max(3);
    let cap = match std::env::var("MAX_DEGREE") {
        Ok(text) => text.parse().unwrap_or(0),
        Err(_) => 5,
    };
    if degree > cap {
        return Err(format!(
            "its gates have degree {degree}, more than the environment variable MAX_DEGREE allows; unset it"
        ));
    }
    Ok(())
}

/// Parameters that can verify but not prove: one power in G1.
fn verifier_params(logrows: u32, s_g2: G2Affine) -> Result<ParamsKZG<Bn256>, String> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let mut bytes = 0u32.to_le_bytes().to_vec();
    for _ in 0..2 {
        bytes.extend_from_slice(g1.to_bytes().as_ref());
    }
    for _ in 0..2 {
        bytes.extend_from_slice(g2.to_bytes().as_ref());
    }
    let one = ParamsKZG::<Bn256>::read_custom(&mut bytes.as_slice(), SerdeFormat::Processed)
        .map_err(|error| error.to_string())?;
    Ok(one.from_parts(logrows, vec![g1], Some(vec![]), g2, s_g2))
}

/// The gates of a shape as a circuit without content, which is how halo2 wants
/// them to read a key.
struct Gates;

impl Circuit<Field> for Gates {
    type Config = TableColumns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = TableShape;

    fn without_witnesses(&self) -> Self {
        Self
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Field>,
        shape: TableShape,
    ) -> TableColumns {
        shape.configure(meta)
    }

    fn configure(meta: &mut ConstraintSystem<Field>) -> TableColumns {
        TableShape::default().configure(meta)
    }

    fn synthesize(&self, _: TableColumns, _: impl Layouter<Field>) -> Result<(), Error> {
        Ok(())
    }
}
