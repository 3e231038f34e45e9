//! Files of parameters: both formats, from whoever wrote them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, Fq, Fr, G1, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::group::{Curve as _, GroupEncoding};
use zkassay_gadgets::halo2_proofs::halo2curves::serde::SerdeObject as _;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use zkassay_prover::srs::LARGEST_LOGROWS;
use zkassay_prover::{Ceremony, Srs};
use zkassay_seed::Stream;
use zkassay_verifier::SrsOrigin;
use zkassay_verifier::artefact::{Kind, digest, hex, open, seal};

/// What halo2 writes, and EZKL with it, from a secret that depends on `seed` only.
fn halo2_file(logrows: u32, seed: u64) -> Vec<u8> {
    let params = ParamsKZG::<Bn256>::setup(logrows, ChaCha20Rng::seed_from_u64(seed));
    let mut bytes = Vec::new();
    params
        .write_custom(&mut bytes, SerdeFormat::RawBytes)
        .unwrap();
    bytes
}

/// Where a point of G1 starts: the powers, then the Lagrange points.
fn point(index: usize) -> usize {
    4 + 64 * index
}

/// Why bytes are no parameters.
fn refused(bytes: &[u8]) -> String {
    Srs::from_raw(bytes).unwrap_err().to_string()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn files_of_halo2_are_read_and_written() {
    let file = halo2_file(5, 1);
    let srs = Srs::from_raw(&file).unwrap();
    assert_eq!((srs.logrows(), srs.origin()), (5, SrsOrigin::Imported));
    assert_eq!(srs.to_raw(), file);

    let read = ParamsKZG::<Bn256>::read_custom(&mut srs.to_raw().as_slice(), SerdeFormat::RawBytes);
    let mut again = Vec::new();
    let read = read.unwrap();
    read.write_custom(&mut again, SerdeFormat::RawBytes)
        .unwrap();
    assert_eq!(again, file);
}

#[test]
fn both_formats_hold_the_same() {
    for origin in [SrsOrigin::UnsafeLocal, SrsOrigin::Imported] {
        let srs = match origin {
            SrsOrigin::Imported => Srs::from_raw(&halo2_file(4, 2)).unwrap(),
            _ => Srs::unsafe_local(4),
        };
        assert_eq!(srs.origin(), origin);
        let sealed = Srs::from_bytes(&srs.to_bytes()).unwrap();
        assert_eq!(sealed.origin(), origin);
        assert_eq!(sealed.to_raw(), srs.to_raw());
        assert_eq!(sealed.to_bytes(), srs.to_bytes());
    }
}

#[test]
fn fewer_rows_are_those_of_the_same_secret() {
    let large = Srs::from_raw(&halo2_file(7, 3)).unwrap();
    for logrows in 1..=7 {
        let small = large.downsized(logrows).unwrap();
        assert!(small.to_raw() == halo2_file(logrows, 3), "{logrows}");
        assert_eq!(small.origin(), SrsOrigin::Imported);
    }
    assert!(large.downsized(8).is_err());
}

#[test]
fn a_file_has_either_format_and_may_be_larger_than_needed() {
    let folder = Folder::new();
    let raw = halo2_file(6, 4);
    let srs = Srs::from_raw(&raw).unwrap();
    for (name, bytes) in [("raw", raw.clone()), ("sealed", srs.to_bytes())] {
        let path = folder.file(name, &bytes);
        assert!(Srs::from_file(&path).unwrap().to_raw() == raw, "{name}");
        for logrows in 1..=6 {
            let small = Srs::from_file_for(&path, logrows).unwrap();
            assert!(small.to_raw() == halo2_file(logrows, 4), "{name} {logrows}");
        }
        let error = Srs::from_file_for(&path, 7).unwrap_err().to_string();
        assert!(error.contains("2^6 rows, 2^7 are needed"), "{error}");
        assert!(error.contains("get-srs --logrows 7"), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
    // What is not needed is not read.
    let mut damaged = raw;
    damaged[point(40)..point(41)].fill(1);
    let path = folder.file("damaged", &damaged);
    assert!(Srs::from_file(&path).is_err());
    assert!(Srs::from_file_for(&path, 5).unwrap().to_raw() == halo2_file(5, 4));
}

#[test]
fn files_that_are_none_are_refused_by_name() {
    let folder = Folder::new();
    let missing = folder.0.path().join("missing");
    for path in [missing, folder.0.path().to_path_buf()] {
        let error = Srs::from_file(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
    let sealed = Srs::unsafe_local(3).to_bytes();
    let mut older = sealed.clone();
    older[9] = 0;
    for (bytes, expected) in [
        (vec![], "not a file of parameters"),
        (vec![1, 0, 0], "not a file of parameters"),
        (
            b"{\"kind\": \"settings\"}".to_vec(),
            "not a file of parameters",
        ),
        (sealed[..sealed.len() - 1].to_vec(), "not complete"),
        (sealed[..9].to_vec(), "ends too early"),
        (
            seal(Kind::Proof, b"proof"),
            "expected an SRS, found a proof",
        ),
        (seal(Kind::Srs, b""), "ends too early"),
        (seal(Kind::Srs, &[9, 1, 0, 0, 0]), "unknown origin 9"),
        (older, "format version 0"),
    ] {
        let path = folder.file("file", &bytes);
        let error = Srs::from_file(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn sizes_are_checked_before_anything_is_read() {
    let file = halo2_file(3, 5);
    for end in 4..file.len() {
        let error = refused(&file[..end]);
        assert!(error.contains("the file is not complete"), "{end}: {error}");
    }
    let error = refused(&[&file[..], &[0]].concat());
    assert!(error.contains("longer than that"), "{error}");
    for (logrows, expected) in [
        (0, "not a file of parameters"),
        (2, "longer than that"),
        (
            4,
            "2^4 rows in halo2's raw format have 2308 bytes, these have 1284",
        ),
        (LARGEST_LOGROWS, "have 8589934852 bytes, these have 1284"),
        (LARGEST_LOGROWS + 1, "not a file of parameters"),
        (u32::MAX, "not a file of parameters"),
    ] {
        let changed = [&logrows.to_le_bytes(), &file[4..]].concat();
        let error = refused(&changed);
        assert!(error.contains(expected), "{logrows}: {error}");
        let error = Srs::from_bytes(&seal(Kind::Srs, &[&[0], &changed[..]].concat()));
        assert!(error.is_err(), "{logrows}");
    }
}

#[test]
fn points_off_the_curve_are_refused_by_name() {
    let file = halo2_file(3, 6);
    // One more than the largest coordinate.
    let mut modulus = (-Fq::one()).to_bytes();
    modulus[0] += 1;
    for (index, name) in [
        (0, "power 0"),
        (7, "power 7"),
        (8, "Lagrange point 0"),
        (15, "Lagrange point 7"),
    ] {
        let mut changed = file.clone();
        changed[point(index)] ^= 1;
        let error = refused(&changed);
        assert!(error.contains(name), "{name}: {error}");
        changed = file.clone();
        changed[point(index)..point(index) + 32].copy_from_slice(&modulus);
        let error = refused(&changed);
        assert!(error.contains(name), "{name}: {error}");
    }
    let mut changed = file.clone();
    *changed.last_mut().unwrap() ^= 1;
    let error = refused(&changed);
    assert!(error.contains("point of G2 1"), "{error}");
}

/// A point of the curve of G2 that is not in the group of prime order.
fn outside_of_the_group() -> G2Affine {
    let points = (1u8..).map(|x| {
        let mut encoding = <G2Affine as GroupEncoding>::Repr::default();
        encoding.as_mut()[0] = x;
        Option::<G2Affine>::from(G2Affine::from_bytes(&encoding))
    });
    points.flatten().next().unwrap()
}

#[test]
fn points_that_are_not_the_powers_of_one_secret_are_refused() {
    let file = halo2_file(3, 7);
    let other = halo2_file(3, 8);
    let g2 = point(16);
    let exchanged = |a: usize, b: usize, size: usize| {
        let mut changed = file.clone();
        let (first, second) = (file[a..a + size].to_vec(), file[b..b + size].to_vec());
        changed[a..a + size].copy_from_slice(&second);
        changed[b..b + size].copy_from_slice(&first);
        changed
    };
    let replaced = |at: usize, bytes: &[u8]| {
        let mut changed = file.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let mut identities = file.clone();
    identities[point(1)..point(16)].fill(0);
    for (changed, expected) in [
        (exchanged(point(0), point(1), 64), "not the generators"),
        (exchanged(g2, g2 + 128, 128), "not the generators"),
        (
            replaced(g2 + 128, &outside_of_the_group().to_raw_bytes()),
            "not in the group",
        ),
        (replaced(g2 + 128, &[0; 128]), "not in the group"),
        (replaced(g2 + 128, &other[g2 + 128..]), "not the powers"),
        (
            replaced(point(2), &other[point(2)..point(3)]),
            "not the powers",
        ),
        (replaced(point(7), &[0; 64]), "not the powers"),
        (exchanged(point(6), point(7), 64), "not the powers"),
        (identities, "not the powers"),
        (
            exchanged(point(8), point(9), 64),
            "Lagrange points do not belong",
        ),
        (
            replaced(point(8), &other[point(8)..point(16)]),
            "Lagrange points do not belong",
        ),
        (
            replaced(point(15), &G1Affine::generator().to_raw_bytes()),
            "Lagrange points do not belong",
        ),
    ] {
        let error = refused(&changed);
        assert!(error.contains(expected), "{expected}: {error}");
    }
    // Any two of the points of G1.
    for a in 0..16 {
        for b in 0..a {
            assert!(
                Srs::from_raw(&exchanged(point(a), point(b), 64)).is_err(),
                "{a} {b}"
            );
        }
    }
    assert!(Srs::from_raw(&file).is_ok());
}

/// No change of a file gives other parameters, nor a panic; in the sealed format not even with a
/// right checksum.
#[test]
fn changed_files_are_refused() {
    let file = halo2_file(3, 9);
    let mut stream = Stream::new(1, "srs/mutations");
    let mut refused = 0;
    let mut check = |changed: &[u8]| {
        let sealed = seal(Kind::Srs, &[&[2], changed].concat());
        for read in [Srs::from_raw(changed), Srs::from_bytes(&sealed)] {
            match read {
                Ok(srs) => assert_eq!(srs.to_raw(), file),
                Err(_) => refused += 1,
            }
        }
    };
    for index in 0..file.len() {
        for value in [file[index] ^ 1, file[index] ^ 0x80, 0, 0xff] {
            let mut changed = file.clone();
            changed[index] = value;
            check(&changed);
        }
    }
    // Stretches of noise, of zeros, and of other parts of the file.
    for round in 0..2000 {
        let [from, to] = [0; 2].map(|_| stream.below(file.len()));
        let length = stream.below(200).min(file.len() - from.max(to));
        let mut changed = file.clone();
        match round % 3 {
            0 => changed[to..to + length].fill_with(|| stream.below(256) as u8),
            1 => changed[to..to + length].fill(0),
            _ => changed[to..to + length].copy_from_slice(&file[from..from + length]),
        }
        check(&changed);
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn a_ceremony_is_recognised_by_its_secret() {
    let folder = Folder::new();
    let file = halo2_file(6, 10);
    let ceremony = Ceremony::stand_in(&Srs::from_raw(&file).unwrap()).unwrap();
    assert_eq!(ceremony.file(6).unwrap().bytes, file.len() as u64);
    assert_eq!(ceremony.file(7), None);

    let path = folder.file("ceremony", &file);
    let of = |path: &std::path::Path, rows| Srs::from_file_of(path, rows, &ceremony);
    let srs = of(&path, None).unwrap();
    assert_eq!(srs.origin(), SrsOrigin::Ceremony);
    assert_eq!(srs.downsized(4).unwrap().origin(), SrsOrigin::Ceremony);
    assert_eq!(of(&path, Some(5)).unwrap().origin(), SrsOrigin::Ceremony);

    // In the project's own format, whatever that says.
    for said in [0, 1, 2] {
        let path = folder.file("sealed", &seal(Kind::Srs, &[&[said], &file[..]].concat()));
        assert_eq!(of(&path, None).unwrap().origin(), SrsOrigin::Ceremony);
    }
    let path = folder.file("other", &halo2_file(6, 11));
    assert_eq!(of(&path, None).unwrap().origin(), SrsOrigin::Imported);
}

#[test]
fn nobody_else_is_believed_to_be_the_ceremony() {
    let bytes = Srs::unsafe_local(4).to_bytes();
    let mut payload = open(Kind::Srs, &bytes).unwrap().to_vec();
    payload[0] = SrsOrigin::Ceremony.to_byte();
    let error = Srs::from_bytes(&seal(Kind::Srs, &payload)).unwrap_err();
    assert!(
        error.to_string().contains("their secret is another"),
        "{error}"
    );
    // The ceremony's point of G2 beside other powers.
    let mut raw = halo2_file(4, 12);
    let last = raw.len() - 128;
    raw[last..].copy_from_slice(&SrsOrigin::CEREMONY_POINT.to_raw_bytes());
    let error = refused(&raw);
    assert!(error.contains("not the powers"), "{error}");
}

/// The ceremony's secret times the generator: the second point of each of its files.
const SECRET: G1Affine = G1Affine {
    x: Fq::from_raw([
        0xac15_e801_f2b9_1e69,
        0xbb3d_11e3_1115_dafb,
        0x7f8f_cae1_abf6_d2e4,
        0x2693_50b5_ecd4_4c00,
    ]),
    y: Fq::from_raw([
        0xe2d2_9ad2_2f98_b08c,
        0xbfbb_0d65_b2eb_e926,
        0xe686_0716_93e4_fa85,
        0x0948_18a2_34be_895a,
    ]),
};

/// `perpetual-powers-of-tau-raw-1`, made from the secret's two points.
fn first_file() -> Vec<u8> {
    let half = Fr::from(2).invert().unwrap();
    let [zero, one] = [G1Affine::generator(), SECRET].map(G1::from);
    let mut bytes = 1u32.to_le_bytes().to_vec();
    // The Lagrange polynomials of {1, -1} are (1 + X) / 2 and (1 - X) / 2.
    for point in [zero, one, (zero + one) * half, (zero - one) * half] {
        bytes.extend(point.to_affine().to_raw_bytes());
    }
    for point in [G2Affine::generator(), SrsOrigin::CEREMONY_POINT] {
        bytes.extend(point.to_raw_bytes());
    }
    bytes
}

/// Proves the pinned points, and that the format is the ceremony's to the bit.
#[test]
fn the_first_file_of_the_ceremony_can_be_made_from_its_points() {
    let bytes = first_file();
    let file = Ceremony::default().file(1).unwrap();
    assert_eq!(file.bytes, bytes.len() as u64);
    assert_eq!(file.sha256, hex(&digest(&bytes)));
    let srs = Srs::from_raw(&bytes).unwrap();
    assert_eq!((srs.logrows(), srs.origin()), (1, SrsOrigin::Ceremony));
    assert_eq!(srs.to_raw(), bytes);
    let sealed = Srs::from_bytes(&srs.to_bytes()).unwrap();
    assert_eq!(sealed.origin(), SrsOrigin::Ceremony);
}

#[test]
fn the_table_is_complete() {
    let ceremony = Ceremony::default();
    let files: Vec<_> = (0..=40).filter_map(|k| ceremony.file(k)).collect();
    assert_eq!(files.len(), 26);
    for (file, k) in files.iter().zip(1..) {
        assert_eq!(file.logrows, k);
        assert!(file.url.ends_with(&file.name), "{}", file.url);
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(file.sha256.len() == 64 && file.sha256.bytes().all(digit));
        let same = files.iter().filter(|other| other.sha256 == file.sha256);
        assert_eq!(same.count(), 1);
    }
    assert_eq!(files[0].bytes, 4 + 4 * 64 + 2 * 128);
    assert_eq!(files[25].bytes, 4 + 2 * 64 * (1 << 26) + 2 * 128);
}
