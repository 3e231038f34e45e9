//! Honest proofs are accepted and say what integer evaluation says.

use zkassay_prover::{ProverError, ProvingKey, Srs};
use zkassay_testing::rows;
use zkassay_verifier::SrsOrigin;

use crate::common::{chain, compiled, key, srs};

#[test]
fn proofs_of_many_shapes_are_accepted() {
    let shapes: [(&[usize], bool); 5] = [
        (&[5, 1], true),
        (&[4, 3], false),
        (&[6, 5, 3, 2], false),
        (&[20, 400, 3], false),
        (&[162, 64, 32, 1], true),
    ];
    for (widths, sigmoid) in shapes {
        let key = ProvingKey::setup(srs(), compiled(widths, sigmoid, 3), [1; 32]).unwrap();
        for row in rows(2, widths[0], 2).outer_iter() {
            let model = chain(&key).model();
            let trace = model.evaluate(&row.to_vec()).unwrap();
            let witness = chain(&key).witness(&row.to_vec()).unwrap();
            let proof = key.prove(srs(), &witness).unwrap();
            let verdict = key.verifying_key().verify(&proof).unwrap();
            assert_eq!(verdict.outputs, model.output_reals(&trace));
            assert_eq!(
                (verdict.model, verdict.srs),
                (Some([1; 32]), SrsOrigin::UnsafeLocal)
            );
        }
    }
}

#[test]
fn two_proofs_of_one_input_differ() {
    let witness = chain(key()).witness(&[0.5, -0.5, 0.25]).unwrap();
    let [first, second] = [(); 2].map(|()| key().prove(srs(), &witness).unwrap());
    assert_eq!(first.output, second.output);
    assert_ne!(first.transcript, second.transcript);
}

#[test]
fn parameters_have_to_fit_the_key() {
    let small = Srs::unsafe_local(5);
    let error = ProvingKey::setup(&small, compiled(&[3, 4, 1], true, 5), [7; 32]).unwrap_err();
    assert!(
        matches!(error, ProverError::SrsTooSmall { found: 5, .. }),
        "{error}"
    );
    let other = Srs::unsafe_local(srs().logrows());
    let witness = chain(key()).witness(&[0.5, -0.5, 0.25]).unwrap();
    let error = key().prove(&other, &witness).unwrap_err();
    assert!(matches!(error, ProverError::SrsMismatch), "{error}");
}
