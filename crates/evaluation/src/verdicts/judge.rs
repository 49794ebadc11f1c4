//! From what the predicates find to answers.

use super::predicates::Case;
use super::{Answer, Arm, Definition, Evidence, Found, Observations, Thresholds, Verdict};
use crate::statistics::holm;

/// The verdicts on all arms, arm by arm in their order, definitions in that of [`Definition::ALL`].
pub fn judge(rows: &Observations, arms: &[Arm], thresholds: &Thresholds) -> Vec<Verdict> {
    let case = Case { rows, arms, limits: thresholds };
    let mut by_definition: Vec<Vec<Verdict>> = Definition::ALL.map(|definition| of(&case, definition)).into();
    let mut verdicts = Vec::new();
    for _ in arms {
        verdicts.extend(by_definition.iter_mut().map(|list| list.remove(0)));
    }
    verdicts
}

/// One definition: a verdict for each arm, corrected over the arms.
fn of(case: &Case, definition: Definition) -> Vec<Verdict> {
    let courses: Vec<Course> = case.arms.iter().map(|arm| Course::of(case, definition, arm)).collect();
    let last: Vec<Option<Found>> = courses.iter().map(Course::last).collect();
    let answers = answers(&last, case.limits);
    let verdict = |(i, (arm, course)): (usize, (&Arm, &Course))| {
        let (answer, p) = answers[i];
        let since = (answer == Answer::Yes).then(|| since(&courses, i, case.limits)).flatten();
        let evidence = course.judged().map(|(generation, found)| Evidence {
            generation,
            seeds: found.seeds,
            statistic: found.statistic,
            bounds: found.bounds,
            threshold: found.threshold,
            above: found.above,
            p,
        });
        let seeds = evidence.map_or(0, |evidence| evidence.seeds);
        let note = match answer {
            Answer::Unmeasured => course.missing.clone(),
            Answer::Undetermined if seeds < case.limits.seeds => {
                format!("{seeds} of the {} seeds that a verdict takes", case.limits.seeds)
            }
            Answer::Yes if definition == Definition::DivergingRisk => "consistent with, no more".to_owned(),
            _ => String::new(),
        };
        Verdict { arm: arm.name.clone(), definition, answer, evidence, since, note }
    };
    case.arms.iter().zip(&courses).enumerate().map(verdict).collect()
}

/// What a predicate finds in an arm, generation by generation.
struct Course {
    found: Vec<(u32, Found)>,
    /// Why nothing was found in the last generation.
    missing: String,
}

impl Course {
    fn of(case: &Case, definition: Definition, arm: &Arm) -> Self {
        let mut course = Self { found: Vec::new(), missing: "nothing was measured".to_owned() };
        for generation in case.rows.generations(&arm.name) {
            match case.find(definition, arm, generation) {
                Ok(found) => course.found.push((generation, found)),
                Err(missing) => course.missing = missing,
            }
        }
        course
    }

    /// The last generation that as many seeds have as any.
    fn judged(&self) -> Option<(u32, Found)> {
        let most = self.found.iter().map(|(_, found)| found.seeds).max()?;
        self.found.iter().rev().find(|(_, found)| found.seeds == most).copied()
    }

    fn last(&self) -> Option<Found> {
        self.judged().map(|(_, found)| found)
    }

    fn at(&self, generation: u32) -> Option<Found> {
        self.found.iter().find(|(at, _)| *at == generation).map(|(_, found)| *found)
    }
}

/// Answers with their p values. What has too few seeds is no claim and takes no part in the correction.
fn answers(found: &[Option<Found>], limits: &Thresholds) -> Vec<(Answer, f64)> {
    let level = (1.0 - limits.confidence) / 2.0;
    let claims: Vec<usize> =
        (0..found.len()).filter(|&i| found[i].is_some_and(|found| found.seeds >= limits.seeds.max(2))).collect();
    let corrected = |p: fn(Found) -> f64| holm(&claims.iter().filter_map(|&i| found[i].map(p)).collect::<Vec<_>>());
    let (yes, no) = (corrected(|found| found.yes), corrected(|found| found.no));
    let mut answers: Vec<(Answer, f64)> = found
        .iter()
        .map(|found| found.map_or((Answer::Unmeasured, 1.0), |f| (Answer::Undetermined, f.yes.min(f.no))))
        .collect();
    for (rank, &i) in claims.iter().enumerate() {
        answers[i] = match (yes[rank], no[rank]) {
            (yes, _) if yes <= level => (Answer::Yes, yes),
            (_, no) if no <= level => (Answer::No, no),
            (yes, no) => (Answer::Undetermined, yes.min(no)),
        };
    }
    answers
}

/// The first generation from which on an arm's predicate holds, up to the one that is judged.
fn since(courses: &[Course], arm: usize, limits: &Thresholds) -> Option<u32> {
    let (judged, _) = courses[arm].judged()?;
    let mut first = judged;
    let before = courses[arm].found.iter().rev().filter(|(generation, _)| *generation < judged);
    for &(generation, _) in before {
        let all: Vec<Option<Found>> = courses.iter().map(|course| course.at(generation)).collect();
        if answers(&all, limits)[arm].0 != Answer::Yes {
            break;
        }
        first = generation;
    }
    Some(first)
}
