//! Matches the documents that were sealed with those that are there: which were changed, renamed, moved, lost, added.
//!
//! A document is known by its id; one without an id, or whose id is gone, by what it says; and one that says another thing
//! by where it stands between neighbours that are known. Order is judged by the longest sequence of documents that kept
//! theirs: the others were moved. So one document taken to another place is one document moved, and a line that comes in
//! between moves nothing.

use std::collections::HashMap;
use std::fmt;

use corpus::printable;

use crate::listing::Entry;
use crate::merkle::Hash;

/// A document in one of the two lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id, if it has one of its own.
    pub id: Option<String>,
    /// Its number in its list, from 1.
    pub number: usize,
    /// Its line, in JSON lines; a manifest tells none.
    pub line: Option<u64>,
}

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It says another thing, in text, provenance or any other field; or it cannot be read, and why.
    Changed {
        /// As sealed.
        sealed: Place,
        /// As found.
        found: Place,
        /// Why it cannot be read.
        fault: Option<String>,
    },
    /// It says the same under another id.
    Renamed {
        /// As sealed.
        sealed: Place,
        /// As found.
        found: Place,
    },
    /// It says the same and stands elsewhere among the others.
    Moved {
        /// As sealed.
        sealed: Place,
        /// As found.
        found: Place,
    },
    /// It is gone.
    Lost(Place),
    /// It was not sealed.
    Added {
        /// As found.
        found: Place,
        /// A document that has its id, and stands before it.
        twin: Option<Place>,
        /// Why it cannot be read.
        fault: Option<String>,
    },
}

/// Compares what was sealed, ids unique, with what is there. Differences come in the order of their kinds as above, then
/// in the order of the list.
pub(crate) fn compare(sealed: &[Entry], found: &[Entry], faults: &[(usize, String)]) -> Vec<Difference> {
    let matching = Matching::of(sealed, found);
    let fault = |index: usize| {
        faults.binary_search_by_key(&index, |&(index, _)| index).ok().map(|position| faults[position].1.clone())
    };
    let (mut changed, mut renamed, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for &Pair { sealed: s, found: f, in_order } in &matching.pairs {
        let (was, is) = (&sealed[s], &found[f]);
        let (sealed, found) = (place(was, s), place(is, f));
        if was.hash != is.hash {
            changed.push(Difference::Changed { sealed, found, fault: fault(f) });
        } else if was.id != is.id {
            renamed.push(Difference::Renamed { sealed, found });
        } else if !in_order {
            moved.push(Difference::Moved { sealed, found });
        }
    }
    let lost = matching.lost.iter().map(|&s| Difference::Lost(place(&sealed[s], s)));
    let mut first: HashMap<&str, Option<usize>> =
        matching.added.iter().filter_map(|&f| Some((found[f].id.as_deref()?, None))).collect();
    if !first.is_empty() {
        for (index, entry) in found.iter().enumerate() {
            if let Some(place) = entry.id.as_deref().and_then(|id| first.get_mut(id)) {
                place.get_or_insert(index);
            }
        }
    }
    let added = matching.added.iter().map(|&f| {
        let twin = found[f].id.as_deref().and_then(|id| first[id]).filter(|&twin| twin < f);
        Difference::Added {
            found: place(&found[f], f),
            twin: twin.map(|twin| place(&found[twin], twin)),
            fault: fault(f),
        }
    });
    changed.into_iter().chain(renamed).chain(moved).chain(lost).chain(added).collect()
}

fn place(entry: &Entry, index: usize) -> Place {
    Place { id: entry.id.as_deref().map(str::to_owned), number: index + 1, line: entry.line.map(u64::from) }
}

/// A sealed document and what it is now: indices into both lists.
struct Pair {
    sealed: usize,
    found: usize,
    /// Whether it kept its place among the others.
    in_order: bool,
}

struct Matching {
    /// In the order of `found`.
    pairs: Vec<Pair>,
    lost: Vec<usize>,
    added: Vec<usize>,
}

impl Matching {
    fn of(sealed: &[Entry], found: &[Entry]) -> Self {
        let same = |(a, b): &(&Entry, &Entry)| a.id == b.id && a.hash == b.hash;
        // Most of a corpus is as it was: only what lies between the first and the last difference is searched.
        let head = sealed.iter().zip(found).take_while(same).count();
        let tail = sealed[head..].iter().rev().zip(found[head..].iter().rev()).take_while(same).count();
        let (old, new) = (&sealed[head..sealed.len() - tail], &found[head..found.len() - tail]);
        let mut of_found = by_id(old, new);
        by_content(old, new, &mut of_found);
        let kept = longest_increasing(&of_found);
        by_neighbours(old, new, &mut of_found, &kept);

        let mut in_order = vec![false; new.len()];
        kept.iter().for_each(|&f| in_order[f] = true);
        let mut taken = vec![false; old.len()];
        let mut matching = Self { pairs: Vec::new(), lost: Vec::new(), added: Vec::new() };
        for (f, s) in of_found.iter().enumerate() {
            match *s {
                Some(s) => {
                    taken[s] = true;
                    matching.pairs.push(Pair { sealed: head + s, found: head + f, in_order: in_order[f] });
                }
                None => matching.added.push(head + f),
            }
        }
        matching.lost = (0..old.len()).filter(|&s| !taken[s]).map(|s| head + s).collect();
        matching
    }
}

/// For each document of `new` the one of `old` with its id; of several with one id, the one that says the same, else the
/// first.
fn by_id(old: &[Entry], new: &[Entry]) -> Vec<Option<usize>> {
    let mut open: HashMap<&str, usize> =
        old.iter().enumerate().filter_map(|(index, entry)| Some((entry.id.as_deref()?, index))).collect();
    let mut of_found = vec![None; new.len()];
    for same in [true, false] {
        for (f, entry) in new.iter().enumerate() {
            let Some(id) = entry.id.as_deref().filter(|_| of_found[f].is_none()) else { continue };
            if let Some(&s) = open.get(id)
                && (!same || old[s].hash == entry.hash)
            {
                open.remove(id);
                of_found[f] = Some(s);
            }
        }
    }
    of_found
}

/// Gives those that are left the ones that say the same, in order.
fn by_content(old: &[Entry], new: &[Entry], of_found: &mut [Option<usize>]) {
    let mut taken = vec![false; old.len()];
    of_found.iter().flatten().for_each(|&s| taken[s] = true);
    let mut open: HashMap<Hash, Vec<usize>> = HashMap::new();
    for s in (0..old.len()).rev().filter(|&s| !taken[s]) {
        open.entry(old[s].hash).or_default().push(s);
    }
    for (entry, s) in new.iter().zip(of_found).filter(|(_, s)| s.is_none()) {
        *s = open.get_mut(&entry.hash).and_then(Vec::pop);
    }
}

/// Pairs what is left without an id with what is left between the same neighbours, in order. `kept` are the indices of
/// neighbours in `new`, increasing there and in `old`.
fn by_neighbours(old: &[Entry], new: &[Entry], of_found: &mut [Option<usize>], kept: &[usize]) {
    let mut taken = vec![false; old.len()];
    of_found.iter().flatten().for_each(|&s| taken[s] = true);
    let (mut s, mut f) = (0, 0);
    let ends = kept.iter().map(|&f| (of_found[f].expect("it is matched"), f)).chain([(old.len(), new.len())]);
    for (s_end, f_end) in ends.collect::<Vec<_>>() {
        let left = (s..s_end).filter(|&s| !taken[s]);
        let nameless = (f..f_end).filter(|&f| of_found[f].is_none() && new[f].id.is_none()).collect::<Vec<_>>();
        for (s, f) in left.zip(nameless) {
            of_found[f] = Some(s);
        }
        (s, f) = (s_end + 1, f_end + 1);
    }
}

/// The places of a longest strictly increasing sequence among the numbers that are there, by patience sorting.
fn longest_increasing(numbers: &[Option<usize>]) -> Vec<usize> {
    // For each length, the place of the smallest number that ends a sequence of it; before[i], what stands before i.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; numbers.len()];
    for (place, number) in numbers.iter().enumerate().filter(|(_, number)| number.is_some()) {
        let length = ends.partition_point(|&end| numbers[end] < *number);
        if length > 0 {
            before[place] = ends[length - 1];
        }
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut places = vec![0; ends.len()];
    let mut place = ends.last().copied().unwrap_or(usize::MAX);
    for slot in places.iter_mut().rev() {
        *slot = place;
        place = before[place];
    }
    places
}

impl fmt::Display for Place {
    /// `"id", line 7`; `document 3` where there is no id. Safe to print: ids are strangers' words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "\"{}\"", shortened(id))?,
            None => write!(f, "document {}", self.number)?,
        }
        self.line.map_or(Ok(()), |line| write!(f, ", line {line}"))
    }
}

fn shortened(text: &str) -> String {
    const WIDTH: usize = 100;
    let cut: String = text.chars().take(WIDTH).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&cut))
}

/// One line, safe to print.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |fault: &Option<String>| match fault {
            Some(fault) => format!(": {}", printable(fault)),
            None => String::new(),
        };
        match self {
            Self::Changed { sealed, found, fault } if sealed.id == found.id => {
                write!(f, "changed  {found}{}", because(fault))
            }
            Self::Changed { sealed, found, fault } => {
                write!(f, "changed  {sealed}, now {found}{}", because(fault))
            }
            Self::Renamed { sealed, found } => write!(f, "renamed  {sealed}, now {found}"),
            Self::Moved { sealed, found } => {
                write!(f, "moved    {found}: from place {} to {}", sealed.number, found.number)
            }
            Self::Lost(sealed) if sealed.id.is_some() => write!(f, "lost     {sealed}, from place {}", sealed.number),
            Self::Lost(sealed) => write!(f, "lost     {sealed}"),
            Self::Added { found, twin: Some(twin), .. } => {
                write!(f, "added    {found}, with the id of line {}", twin.line.unwrap_or(twin.number as u64))
            }
            Self::Added { found, fault, .. } => write!(f, "added    {found}{}", because(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU64;

    /// `a1` is the document a that says 1; `-1` has no id.
    fn list(words: &str) -> Vec<Entry> {
        let entry = |(index, word): (usize, &str)| Entry {
            id: Some(Box::from(&word[..1])).filter(|id| &**id != "-"),
            hash: Hash::of(&word.as_bytes()[1..]),
            line: NonZeroU64::new(index as u64 + 1),
        };
        words.split_whitespace().enumerate().map(entry).collect()
    }

    /// As a manifest lists them.
    fn without_lines(words: &str) -> Vec<Entry> {
        list(words).into_iter().map(|entry| Entry { line: None, ..entry }).collect()
    }

    fn reported(sealed: &str, found: &str) -> Vec<String> {
        compare(&without_lines(sealed), &list(found), &[]).iter().map(Difference::to_string).collect()
    }

    #[test]
    fn each_kind_is_named() {
        assert!(reported("a1 b2 -3 -3", "a1 b2 -3 -3").is_empty());
        assert_eq!(reported("a1 b2 c3", "a1 b9 c3"), ["changed  \"b\", line 2"]);
        assert_eq!(reported("a1 b2 c3", "a1 c3"), ["lost     \"b\", from place 2"]);
        assert_eq!(reported("a1 c3", "a1 b2 c3"), ["added    \"b\", line 2"]);
        assert_eq!(reported("a1 b2 c3", "a1 x2 c3"), ["renamed  \"b\", now \"x\", line 2"]);
        assert_eq!(reported("a1 b2 c3 d4", "b2 c3 a1 d4"), ["moved    \"a\", line 3: from place 1 to 3"]);
        assert_eq!(reported("a1 b2", "b8 a9"), ["changed  \"b\", line 1", "changed  \"a\", line 2"]);
    }

    #[test]
    fn texts_that_were_exchanged_are_changes_and_no_new_names() {
        assert_eq!(reported("a1 b2", "a2 b1"), ["changed  \"a\", line 1", "changed  \"b\", line 2"]);
    }

    #[test]
    fn documents_without_ids_are_known_by_what_they_say() {
        assert_eq!(reported("-1 -2 -3", "-0 -1 -2 -3"), ["added    document 1, line 1"]);
        assert_eq!(reported("-1 -2 -3", "-1 -3"), ["lost     document 2"]);
        assert_eq!(reported("-1 -2 -3", "-1 -9 -3"), ["changed  document 2, line 2"]);
        assert_eq!(reported("-1 -2 -3 -4", "-2 -3 -1 -4"), ["moved    document 3, line 3: from place 1 to 3"]);
        assert_eq!(reported("-1 -1 -1", "-1 -1"), ["lost     document 3"]);
        assert_eq!(
            reported("-1 -2 -3 -4", "-0 -1 -9 -4"),
            ["changed  document 3, line 3", "lost     document 3", "added    document 1, line 1"]
        );
    }

    #[test]
    fn a_duplicate_id_is_reported() {
        assert_eq!(reported("a1 b2", "a1 b2 a1"), ["added    \"a\", line 3, with the id of line 1"]);
        // The copy in front: what says the same as the sealed one is the sealed one.
        assert_eq!(reported("a1 b2", "a7 a1 b2"), ["added    \"a\", line 1"]);
        assert_eq!(
            reported("a1 b2", "a7 a8 b2"),
            ["changed  \"a\", line 1", "added    \"a\", line 2, with the id of line 1"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_found_by_its_neighbours() {
        let found = list("a1 -? c3 -?");
        let faults = [(1, "bad\u{1b}".to_owned()), (3, "worse".to_owned())];
        let reported: Vec<_> =
            compare(&without_lines("a1 b2 c3"), &found, &faults).iter().map(Difference::to_string).collect();
        assert_eq!(
            reported,
            ["changed  \"b\", now document 2, line 2: bad\\u{1b}", "added    document 4, line 4: worse"]
        );
    }

    #[test]
    fn hostile_ids_are_harmless_and_short() {
        let mut found = list("a1");
        found[0].id = Some(format!("\u{1b}]0;x\u{7}\u{202e}{}", "y".repeat(500)).into());
        let line = compare(&[], &found, &[])[0].to_string();
        assert!(line.starts_with("added    \"\\u{1b}]0;x\\u{7}\\u{202e}yyy"), "{line}");
        assert!(line.len() < 200 && line.ends_with("y…\", line 1"), "{line}");
    }

    proptest! {
        /// Whatever happens to a list, the differences account for every document, and there are none only if nothing
        /// happened.
        #[test]
        fn every_document_is_accounted_for(
            old in prop::collection::btree_map("[a-h]", 0u8..4, 0..8), numbered in prop::collection::vec(0u8..4, 0..5),
            new in prop::collection::vec(("[a-h-]", 0u8..4), 0..12),
        ) {
            let entry = |id: &str, says: u8| Entry {
                id: Some(Box::from(id)).filter(|id| &**id != "-"), hash: Hash::of(&[says]), line: None,
            };
            let sealed: Vec<_> = (old.iter().map(|(id, &says)| entry(id, says)))
                .chain(numbered.iter().map(|&says| entry("-", says))).collect();
            let found: Vec<_> = new.iter().map(|(id, says)| entry(id, *says)).collect();
            let differences = compare(&sealed, &found, &[]);
            prop_assert_eq!(differences.is_empty(), sealed == found);
            let (mut lost, mut added) = (0, 0);
            for difference in &differences {
                match difference {
                    Difference::Lost(_) => lost += 1,
                    Difference::Added { .. } => added += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(sealed.len() + added, found.len() + lost);
            // Lost: no document there has its id, and none that is new says the same.
            for difference in &differences {
                if let Difference::Lost(Place { id: Some(id), .. }) = difference {
                    prop_assert!(found.iter().all(|entry| entry.id.as_deref() != Some(id)));
                }
            }
        }

        #[test]
        fn what_was_moved_is_as_little_as_can_be(order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle()) {
            let numbers: Vec<_> = order.iter().map(|&number| Some(number)).collect();
            let kept = longest_increasing(&numbers);
            prop_assert!(kept.is_sorted_by(|a, b| a < b && order[*a] < order[*b]));
            let best = (0..1u32 << 7).filter(|set| {
                let chosen: Vec<_> = (0..7).filter(|place| set >> place & 1 == 1).map(|place| order[place]).collect();
                chosen.is_sorted()
            }).map(u32::count_ones).max().unwrap();
            prop_assert_eq!(kept.len(), best as usize);
        }
    }
}
