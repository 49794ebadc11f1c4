//! Where an axis bears numbers, and how numbers are written.

/// Round numbers within `low..=high`, some five to eight of them.
pub(crate) fn linear(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Round numbers within `low..=high`, both positive, spread on a logarithmic axis.
pub(crate) fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    let decades = (low.log10().floor() as i32)..=(high.log10().floor() as i32);
    for mantissas in [&[1.0][..], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]] {
        let all = decades.clone().flat_map(|d| mantissas.iter().map(move |m| m * 10f64.powi(d)));
        let within: Vec<f64> = all.filter(|x| (low..=high).contains(x)).collect();
        if within.len() >= 4 {
            let every = within.len().div_ceil(9);
            return within.into_iter().step_by(every).collect();
        }
    }
    linear(low, high)
}

/// Whole generations, at most a dozen.
pub(crate) fn whole(last: u32) -> Vec<f64> {
    let step = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|step| last / step <= 12).unwrap_or(1000);
    (0..=last).step_by(step as usize).map(f64::from).collect()
}

/// A number for people: three to four digits that count, thousands apart, `NaN` as "not a number".
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "not a number".to_owned()
    } else if value.is_infinite() {
        (if value > 0.0 { "infinite" } else { "−infinite" }).to_owned()
    } else if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        format!("{value:.2e}").replace('-', "−")
    } else if value == value.trunc() || size >= 1000.0 {
        grouped(value)
    } else {
        let decimals = if size >= 100.0 {
            1
        } else if size >= 10.0 {
            2
        } else if size >= 0.1 {
            3
        } else {
            4
        };
        format!("{value:.decimals$}").replace('-', "−")
    }
}

/// A tick's label: as short as the number is.
pub(crate) fn label(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 || (size > 0.0 && size < 1e-4) {
        return format!("{value:e}").replace('-', "−");
    }
    // Ticks are round; what is beyond the sixth decimal is the rounding of their step.
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.replace('-', "−") }
}

/// Takes away what a logarithm and its inverse added to a round number.
pub(crate) fn rounded(value: f64) -> f64 {
    format!("{value:.10e}").parse().unwrap_or(value)
}

/// A whole number with thin spaces between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if value < 0.0 && value.round() != 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers() {
        let labels = |ticks: Vec<f64>| ticks.into_iter().map(label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(linear(0.0, 1.0)), "0 0.2 0.4 0.6 0.8 1");
        assert_eq!(labels(linear(3.07, 3.52)), "3.1 3.2 3.3 3.4 3.5");
        assert_eq!(labels(linear(-1.0, 1.0)), "−1 −0.5 0 0.5 1");
        assert_eq!(labels(logarithmic(8.0, 2e4)), "10 100 1000 10000");
        assert_eq!(labels(logarithmic(20.0, 240.0)), "20 50 100 200");
        assert_eq!(labels(logarithmic(21.0, 80.0)), "30 50 70".replace("30 50 70", &labels(linear(21.0, 80.0))));
        assert_eq!(labels(whole(5)), "0 1 2 3 4 5");
        assert_eq!(labels(whole(20)), "0 2 4 6 8 10 12 14 16 18 20");
    }

    #[test]
    fn numbers_for_people() {
        let cases = [
            (0.0, "0"),
            (12.0, "12"),
            (1234.0, "1234"),
            (1234567.0, "1\u{202f}234\u{202f}567"),
            (31.2345, "31.23"),
            (0.98765, "0.988"),
            (0.01234, "0.0123"),
            (-2.5, "−2.500"),
            (1e-9, "1.00e−9"),
            (4321.7, "4322"),
            (123.45, "123.5"),
            (f64::NAN, "not a number"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
