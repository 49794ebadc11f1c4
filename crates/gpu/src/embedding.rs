//! Token embedding: rows of a table by ids, and the gradient of the table.
//!
//! The gradient adds the rows of `dy` that share an id. The ids are known on the host, which sorts them into [`Segments`]: pieces
//! of at most [`PIECE`] positions with one id. A cube adds a piece; an id with one piece is done then, the frequent ids' pieces
//! meet in a second launch. The order of each sum depends on the ids alone.

use cubecl::prelude::*;
use cubecl::server::Handle;

use crate::rows::{Rows, UNITS, argument, count, empty, vector};

/// Positions of a piece: long enough that most ids have one, short enough that cubes take about the same time.
pub const PIECE: usize = 64;

/// Rows of `table` `[vocabulary, width]` by `ids` `[rows]` (`u32`, each below the vocabulary): `[rows, width]`.
pub fn forward(client: &Client, table: &Handle, ids: &Handle, rows: usize, [vocabulary, width]: [usize; 2]) -> Handle {
    let (elements, vector) = (rows * width, vector(width));
    let y = empty(client, elements);
    // SAFETY: units stop at the vectors of the output and `argument` checks the buffers' lengths; that ids are rows of the table
    // is the caller's promise.
    unsafe {
        forward_kernel::launch_unchecked(
            client,
            count(client, (elements / vector).div_ceil(UNITS)),
            CubeDim::new_1d(UNITS as u32),
            vector,
            argument(table, vocabulary * width, vector),
            argument(ids, rows, 1),
            argument(&y, elements, vector),
            elements / vector,
            width / vector,
        );
    }
    y
}

/// Positions sorted by id, as the gradient wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The positions; then a row for each piece: id, first and last + 1 index into the positions, and a place for its sum, or
    /// `NOWHERE`; then a row for each id of several pieces: id, first and last + 1 place.
    words: Vec<u32>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    /// Positions.
    rows: usize,
    vocabulary: usize,
    pieces: usize,
    /// Pieces of frequent ids.
    places: usize,
    /// Ids of several pieces.
    frequent: usize,
}

const NOWHERE: u32 = u32::MAX;

impl Segments {
    /// Sorts `ids`, each below `vocabulary`, by counting.
    pub fn new(ids: &[u32], vocabulary: usize) -> Self {
        let mut first = vec![0u32; vocabulary + 1];
        for &id in ids {
            first[id as usize + 1] += 1;
        }
        for id in 0..vocabulary {
            first[id + 1] += first[id];
        }
        let mut words = vec![0; ids.len()];
        let mut next = first.clone();
        for (position, &id) in ids.iter().enumerate() {
            words[next[id as usize] as usize] = position as u32;
            next[id as usize] += 1;
        }
        let (mut frequent, mut places) = (Vec::new(), 0);
        for id in 0..vocabulary {
            let (start, end) = (first[id], first[id + 1]);
            let several = (end - start) as usize > PIECE;
            let before = places;
            for start in (start..end).step_by(PIECE) {
                let place = if several { places } else { NOWHERE };
                words.extend([id as u32, start, end.min(start + PIECE as u32), place]);
                places += u32::from(several);
            }
            if several {
                frequent.extend([id as u32, before, places]);
            }
        }
        let pieces = (words.len() - ids.len()) / 4;
        words.extend(&frequent);
        let (rows, places, frequent) = (ids.len(), places as usize, frequent.len() / 3);
        Self { words, counts: Counts { rows, vocabulary, pieces, places, frequent } }
    }

    /// The segments on the device.
    pub fn upload(&self, client: &Client) -> DeviceSegments {
        let words = client.create_from_slice(u32::as_bytes(&self.words));
        DeviceSegments { words, len: self.words.len(), counts: self.counts }
    }
}

/// [`Segments`] on the device.
#[derive(Clone)]
pub struct DeviceSegments {
    words: Handle,
    len: usize,
    counts: Counts,
}

/// Adds the gradient of [`forward`] with respect to the table to `gradient` `[vocabulary, width]`, from `dy` `[rows, width]`.
///
/// In place; rows of ids that do not occur are not touched.
pub fn backward(client: &Client, segments: &DeviceSegments, dy: &Handle, width: usize, gradient: &Handle) {
    let Counts { rows, vocabulary, pieces, places, frequent } = segments.counts;
    if pieces == 0 {
        return;
    }
    let (vector, sums) = (vector(width), places.max(1) * width);
    let shape = Rows::new(width, vector, false);
    let shape = Rows { groups: shape.groups.min(8), ..shape };
    let words = || argument(&segments.words, segments.len, 1);
    let partial = empty(client, sums);
    // SAFETY: cubes stop at the pieces and frequent ids, units at a row's vectors. `Segments::new` counts ids in a table of the
    // vocabulary's length, so all of them and their places are within it. `argument` checks the buffers' lengths.
    unsafe {
        pieces_kernel::launch_unchecked(
            client,
            count(client, pieces),
            shape.dim(),
            vector,
            words(),
            argument(dy, rows * width, vector),
            argument(gradient, vocabulary * width, vector),
            argument(&partial, sums, vector),
            rows,
            pieces,
            shape,
        );
        if frequent > 0 {
            frequent_kernel::launch_unchecked(
                client,
                count(client, frequent),
                shape.dim(),
                vector,
                words(),
                argument(&partial, sums, vector),
                argument(gradient, vocabulary * width, vector),
                rows + 4 * pieces,
                frequent,
                shape,
            );
        }
    }
}

#[cube(launch_unchecked)]
fn forward_kernel<N: Size>(
    table: &[Vector<f32, N>],
    ids: &[u32],
    y: &mut [Vector<f32, N>],
    vectors: usize,
    #[comptime] width: usize,
) {
    let at = ABSOLUTE_POS;
    if at < vectors {
        let id = ids[at / width] as usize;
        y[at] = table[id * width + at % width];
    }
}

/// Sum of the groups' `sum`, in order, in the units of the first group.
#[cube]
fn groups_sum<N: Size>(
    sum: Vector<f32, N>,
    shared: &mut Shared<[Vector<f32, N>]>,
    #[comptime] shape: Rows,
) -> Vector<f32, N> {
    let Rows { lanes, groups, .. } = comptime!(shape);
    sync_cube();
    shared[UNIT_POS as usize] = sum;
    sync_cube();
    let mut all = shared[UNIT_POS_X as usize];
    for group in 1..groups {
        all += shared[group * lanes + UNIT_POS_X as usize];
    }
    all
}

/// A cube for each piece: its groups take turns at the positions.
#[cube(launch_unchecked)]
fn pieces_kernel<N: Size>(
    words: &[u32],
    dy: &[Vector<f32, N>],
    gradient: &mut [Vector<f32, N>],
    partial: &mut [Vector<f32, N>],
    rows: usize,
    pieces: usize,
    #[comptime] shape: Rows,
) {
    let Rows { vectors, lanes, items, groups, .. } = comptime!(shape);
    if CUBE_POS >= pieces {
        terminate!();
    }
    let mut shared = Shared::<[Vector<f32, N>]>::new_slice(comptime!(lanes * groups));
    let piece = rows + 4 * CUBE_POS;
    let id = words[piece] as usize;
    let first = words[piece + 1] as usize;
    let end = words[piece + 2] as usize;
    let place = words[piece + 3];
    #[unroll]
    for i in 0..items {
        let column = UNIT_POS_X as usize + comptime!(i * lanes);
        let mut sum = Vector::<f32, N>::new(0.0);
        if column < vectors {
            let mut at = first + UNIT_POS_Y as usize;
            while at < end {
                sum += dy[words[at] as usize * vectors + column];
                at += groups;
            }
        }
        let all = groups_sum::<N>(sum, &mut shared, shape);
        if UNIT_POS_Y == 0 && column < vectors {
            if place == NOWHERE {
                gradient[id * vectors + column] = gradient[id * vectors + column] + all;
            } else {
                partial[place as usize * vectors + column] = all;
            }
        }
    }
}

/// A cube for each id of several pieces: its groups take turns at the pieces' sums.
#[cube(launch_unchecked)]
fn frequent_kernel<N: Size>(
    words: &[u32],
    partial: &[Vector<f32, N>],
    gradient: &mut [Vector<f32, N>],
    base: usize,
    frequent: usize,
    #[comptime] shape: Rows,
) {
    let Rows { vectors, lanes, items, groups, .. } = comptime!(shape);
    if CUBE_POS >= frequent {
        terminate!();
    }
    let mut shared = Shared::<[Vector<f32, N>]>::new_slice(comptime!(lanes * groups));
    let row = base + 3 * CUBE_POS;
    let id = words[row] as usize;
    let first = words[row + 1] as usize;
    let end = words[row + 2] as usize;
    #[unroll]
    for i in 0..items {
        let column = UNIT_POS_X as usize + comptime!(i * lanes);
        let mut sum = Vector::<f32, N>::new(0.0);
        if column < vectors {
            let mut at = first + UNIT_POS_Y as usize;
            while at < end {
                sum += partial[at * vectors + column];
                at += groups;
            }
        }
        let all = groups_sum::<N>(sum, &mut shared, shape);
        if UNIT_POS_Y == 0 && column < vectors {
            gradient[id * vectors + column] = gradient[id * vectors + column] + all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    /// Ids of which 0 is frequent, as separators are, and some do not occur.
    fn ids(rows: usize, vocabulary: usize) -> Vec<u32> {
        (0..rows).map(|i| if i % 3 == 0 { 0 } else { (i * i * 7 % vocabulary) as u32 }).collect()
    }

    #[test]
    fn segments_hold_every_position_once_in_pieces_of_one_id() {
        let ids = ids(1000, 50);
        let segments = Segments::new(&ids, 50);
        let mut seen = vec![0; ids.len()];
        for piece in segments.words[1000..][..4 * segments.counts.pieces].chunks_exact(4) {
            assert!(piece[2] > piece[1] && piece[2] - piece[1] <= PIECE as u32);
            for at in piece[1]..piece[2] {
                let position = segments.words[at as usize] as usize;
                assert_eq!(ids[position], piece[0]);
                seen[position] += 1;
            }
        }
        assert!(seen.iter().all(|&times| times == 1) && segments.counts.frequent > 0);
    }

    #[test]
    fn rows_are_gathered_and_gradients_added() {
        let Some(client) = device() else { return };
        for (rows, vocabulary, width) in [(1, 1, 1), (5, 9, 7), (700, 40, 16), (130, 300, 132)] {
            let ids = ids(rows, vocabulary);
            let (table, dy, before) =
                (numbers(1, vocabulary * width), numbers(2, rows * width), numbers(3, vocabulary * width));
            let device_ids = client.create_from_slice(u32::as_bytes(&ids));
            let y = forward(&client, &upload(&client, &table), &device_ids, rows, [vocabulary, width]);
            let want: Vec<f32> = ids.iter().flat_map(|&id| &table[id as usize * width..][..width]).copied().collect();
            assert_eq!(download(&client, &y), want);

            let mut want: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
            for (&id, dy) in ids.iter().zip(dy.chunks_exact(width)) {
                for (want, &dy) in want[id as usize * width..].iter_mut().zip(dy) {
                    *want += f64::from(dy);
                }
            }
            let want: Vec<f32> = want.iter().map(|&x| x as f32).collect();
            let gradient = upload(&client, &before);
            let segments = Segments::new(&ids, vocabulary).upload(&client);
            backward(&client, &segments, &upload(&client, &dy), width, &gradient);
            close("gradient", &download(&client, &gradient), &want, 1e-6);
        }
    }
}
