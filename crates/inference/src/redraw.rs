use crate::logits::{Model, Places};
use crate::{SampleError, Sampler, Scratch};
use burn::tensor::Device;
use model::Weights;
use rundir::{Checkpoint, Stopped};

/// A document's ids, and the places where a token is drawn in another's stead: its index, and the uniform number in [0, 1)
/// that decides.
pub type Redrawn<'a> = (&'a [u32], &'a [(usize, f64)]);

/// For each place of each document, a token drawn from the model's distribution after the document's own tokens before that
/// place, so that draws elsewhere do not show. The separator is never drawn: the document stays one. Within,
/// [`SampleError`] if the model has diverged.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set; nothing is saved.
///
/// # Panics
/// If a document does not fit the context, a place lies outside its document, or the device fails.
pub fn redraw(
    weights: &Weights,
    documents: &[Redrawn<'_>],
    sampler: &Sampler,
    separator: u32,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<Result<Vec<Vec<u32>>, SampleError>, Stopped> {
    let mut drawn: Vec<Vec<u32>> = documents.iter().map(|(_, places)| Vec::with_capacity(places.len())).collect();
    let with_places: Vec<usize> = (0..documents.len()).filter(|&at| !documents[at].1.is_empty()).collect();
    let positions: Vec<Vec<usize>> =
        with_places.iter().map(|&at| documents[at].1.iter().map(|&(position, _)| position).collect()).collect();
    // What comes after the last place is of no use.
    let text = |(&at, positions): (&usize, &Vec<usize>)| {
        let last = positions.iter().copied().max().unwrap_or(0);
        &documents[at].0[..last]
    };
    let texts: Vec<&[u32]> = with_places.iter().zip(&positions).map(text).collect();
    let texts: Vec<Places<'_>> = texts.into_iter().zip(&positions).map(|(text, at)| (text, &at[..])).collect();
    let (mut scratch, mut row, mut failed) = (Scratch::default(), Vec::new(), None);
    Model::new(weights, separator, device).at(&texts, checkpoint, &mut |text, number, logits| {
        row.clear();
        row.extend_from_slice(logits);
        row[separator as usize] = f32::NEG_INFINITY;
        let document = with_places[text];
        let (position, uniform) = documents[document].1[number];
        match sampler.choose(&row, &documents[document].0[..position], uniform, &mut scratch) {
            Ok(token) => drawn[document].push(token),
            Err(error) => failed = failed.or(Some(error)),
        }
    })?;
    Ok(failed.map_or(Ok(drawn), Err))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Settings;
    use sampling::Sampling;
    use streams::Streams;

    #[test]
    fn draws_are_those_of_the_model_at_each_place() {
        let config = Settings { preset: "tiny".into(), context: Some(16), ..Settings::default() }.resolve(40).unwrap();
        let weights = Weights::initialise(&config, &Streams::new(3), 0);
        let device = ops::device::parse("flex").unwrap().device();
        let (one, other): (Vec<u32>, Vec<u32>) = ((1..17).collect(), vec![5, 6, 7]);
        let greedy = Sampler::new(&Sampling { greedy: true, ..Sampling::default() }).unwrap();
        let documents: [Redrawn<'_>; 3] =
            [(&one, &[(0, 0.5), (3, 0.1), (15, 0.9)]), (&other, &[]), (&other, &[(2, 0.0)])];
        let drawn = redraw(&weights, &documents, &greedy, 0, &device, &Checkpoint::none()).unwrap().unwrap();
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [3, 0, 1]);
        // The likeliest token but the separator is the one of the least loss.
        let likeliest = |before: &[u32]| {
            let candidates: Vec<Vec<u32>> = (1..40).map(|token| [before, &[token]].concat()).collect();
            let tokens: Vec<(&[u32], bool)> = candidates.iter().map(|ids| (&ids[..], true)).collect();
            let losses = crate::token_losses(&weights, &tokens, 0, &device, &mut Checkpoint::none()).unwrap();
            let last = |at: &usize| losses[*at][before.len()];
            1 + (0..39).min_by(|a, b| last(a).total_cmp(&last(b))).unwrap() as u32
        };
        assert_eq!(drawn[0], [likeliest(&[]), likeliest(&one[..3]), likeliest(&one[..15])]);
        assert_eq!(drawn[2], [likeliest(&other[..2])]);
        // What stands elsewhere changes nothing.
        let alone =
            redraw(&weights, &[(&one, &[(3, 0.1)])], &greedy, 0, &device, &Checkpoint::none()).unwrap().unwrap();
        assert_eq!(alone, [[drawn[0][1]]]);
    }
}
