//! The synthetic tables: repeatable, as committed, small.

use std::fs;
use std::path::{Path, PathBuf};

use zkassay_data::manifest::{MANIFEST, Manifest};
use zkassay_data::synthetic::{self, DEFAULT_SEED};
use zkassay_data::{DataError, Tables};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[test]
fn the_committed_fixtures_are_what_the_generator_makes() {
    let manifest = synthetic::check(&committed(), DEFAULT_SEED).unwrap();
    assert_eq!(manifest.files.len(), 36);
    assert!(manifest.bytes < 3_000_000, "{} bytes", manifest.bytes);
}

#[test]
fn the_manifest_describes_the_files() {
    let text = fs::read_to_string(committed().join(MANIFEST)).unwrap();
    let manifest: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest.seed, Some(DEFAULT_SEED));
    for file in &manifest.files {
        let size = fs::metadata(committed().join(&file.path)).unwrap().len();
        assert_eq!(size, file.bytes, "{}", file.path);
    }
}

#[test]
fn another_seed_gives_another_market_of_the_same_shape() {
    let dir = tempfile::tempdir().unwrap();
    synthetic::write(dir.path(), 2).unwrap();
    let tables = Tables::load(dir.path()).unwrap();
    let usual = Tables::load(&committed()).unwrap();
    assert_eq!(tables.prices().shape(), usual.prices().shape());
    assert!(!tables.prices().equals_missing(usual.prices()));
}

#[test]
fn any_flipped_bit_is_found_before_decoding() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = synthetic::write(dir.path(), DEFAULT_SEED).unwrap();
    let file = &manifest.files[0];
    let path = dir.path().join(&file.path);
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(997) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let error = Tables::load(dir.path()).unwrap_err();
        assert!(matches!(error, DataError::Damaged { .. }), "{at}: {error}");
        assert!(error.to_string().contains(&file.path), "{error}");
        assert!(
            error.to_string().contains("cargo xtask fixtures"),
            "{error}"
        );
    }
    fs::remove_file(&path).unwrap();
    let error = Tables::load(dir.path()).unwrap_err();
    assert!(matches!(error, DataError::MissingFile { .. }), "{error}");
}

#[test]
fn a_broken_manifest_is_named() {
    let dir = tempfile::tempdir().unwrap();
    synthetic::write(dir.path(), DEFAULT_SEED).unwrap();
    let path = dir.path().join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    for broken in [
        &text[..text.len() / 2],
        &text.replace("\"format\": 1", "\"format\": 9"),
    ] {
        fs::write(&path, broken).unwrap();
        let error = Tables::load(dir.path()).unwrap_err();
        assert!(matches!(error, DataError::Manifest { .. }), "{error}");
    }
}

#[test]
fn check_names_every_difference() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = synthetic::write(dir.path(), DEFAULT_SEED).unwrap();
    assert_eq!(
        synthetic::check(dir.path(), DEFAULT_SEED).unwrap(),
        manifest
    );

    let [changed, gone] = [&manifest.files[0].path, &manifest.files[5].path];
    let mut bytes = fs::read(dir.path().join(changed)).unwrap();
    bytes[100] ^= 1;
    fs::write(dir.path().join(changed), bytes).unwrap();
    fs::remove_file(dir.path().join(gone)).unwrap();
    let stray = "TVL_per_project_tokens/project=stray/part-0.parquet";
    fs::create_dir_all(dir.path().join(stray).parent().unwrap()).unwrap();
    fs::write(dir.path().join(stray), b"PAR1").unwrap();

    match synthetic::check(dir.path(), DEFAULT_SEED).unwrap_err() {
        DataError::FixturesDiffer { differences, .. } => {
            assert_eq!(differences.len(), 3, "{differences:?}");
            for path in [changed.as_str(), gone, stray] {
                assert!(
                    differences.iter().any(|line| line.starts_with(path)),
                    "{path}: {differences:?}"
                );
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn writing_over_foreign_partitions_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = dir
        .path()
        .join("TVL_per_project_tokens/project=mine/data.parquet");
    fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    fs::write(&foreign, b"PAR1").unwrap();
    let error = synthetic::write(dir.path(), DEFAULT_SEED).unwrap_err();
    assert!(matches!(error, DataError::ForeignFile { .. }), "{error}");
    assert!(error.to_string().contains("project=mine"), "{error}");
    // Nothing was written beside it.
    assert!(!dir.path().join(MANIFEST).exists());
}
