//! Randomness from one root seed: each task has a stream of its own, keyed by its name, so that no result depends on the
//! number of threads or on what else is drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The random numbers of the task called `task`.
pub(crate) fn stream(seed: u64, task: &str) -> ChaCha8Rng {
    let digest = Sha256::digest(task.as_bytes());
    let number = digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}
