//! Work over groups of windows that can be stopped between two groups, and goes on after the last that is saved.

use rundir::{Checkpoint, Due, Stopped};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What was found so far.
#[derive(Serialize, Deserialize)]
struct Saved<T> {
    /// Windows, and windows of a group: the same groups give the same bits.
    shape: (usize, usize),
    /// Groups that are done.
    done: usize,
    found: T,
}

/// Calls `group` with each group of `size` windows, in order, and gives what it leaves in `start`. Saves that in `part` of
/// the checkpoint when it is due.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
pub(crate) fn each<T: Serialize + DeserializeOwned>(
    (windows, size): (&[Vec<usize>], usize),
    (checkpoint, part): (&mut Checkpoint, &str),
    start: T,
    mut group: impl FnMut(&[Vec<usize>], &mut T),
) -> Result<T, Stopped> {
    let shape = (windows.len(), size);
    let saved = checkpoint.load_value::<Saved<T>>(part).filter(|saved| saved.shape == shape);
    let Saved { mut done, mut found, .. } = saved.unwrap_or(Saved { shape, done: 0, found: start });
    for group_windows in windows.chunks(size).skip(done) {
        checkpoint.check()?;
        group(group_windows, &mut found);
        done += 1;
        let due = checkpoint.due();
        if due != Due::No {
            let saved = Saved { shape, done, found };
            checkpoint.keep_value(part, &saved);
            found = saved.found;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundir::Interrupt;
    use std::time::Duration;

    #[test]
    fn groups_that_are_saved_are_not_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let windows: Vec<Vec<usize>> = (0..7).map(|window| vec![window, 10 + window]).collect();
        let attempt = |size: usize, stop: usize| {
            let interrupt = Interrupt::new();
            let mut checkpoint = Checkpoint::at(folder.path().to_owned(), Duration::MAX, interrupt.clone());
            let mut seen = Vec::new();
            let found = each((&windows, size), (&mut checkpoint, "sum"), 0.0_f64, |group, sum| {
                group.iter().flatten().for_each(|&document| *sum += 0.1 * document as f64);
                seen.push(group[0][0]);
                if group[0][0] == stop {
                    interrupt.set();
                }
            });
            (found, seen)
        };
        let whole = each((&windows, 2), (&mut Checkpoint::none(), "sum"), 0.0_f64, |group, sum| {
            group.iter().flatten().for_each(|&document| *sum += 0.1 * document as f64);
        });
        assert_eq!(attempt(2, 2), (Err(Stopped), vec![0, 2]));
        assert_eq!(attempt(2, 4), (Err(Stopped), vec![4]));
        assert_eq!(attempt(2, 9), (whole, vec![6]));
        // Groups of another size begin again.
        assert_eq!(attempt(3, 3).1, [0, 3]);
    }
}
