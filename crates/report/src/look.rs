//! Colours and markers.

use plotters::prelude::*;

/// Okabe and Ito's palette, which keeps its differences in all common kinds of colour blindness; its yellow, too light
/// for a line, is replaced by grey. Arms also differ by marker.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
];
/// Bands have an order, and so have their colours: grey for what was never stated, then warm and rare to cold and
/// frequent, each of a lightness that shows on white and on black.
const BANDS: [RGBColor; 6] = [
    RGBColor(140, 140, 140),
    RGBColor(236, 136, 32),
    RGBColor(214, 66, 96),
    RGBColor(150, 64, 190),
    RGBColor(62, 92, 210),
    RGBColor(20, 140, 170),
];
/// Text and axes; a page that has a dark side puts its own colours in these two's places.
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x23);
pub(crate) const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe3);

/// Subject of a curve, for its colour and marker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// An arm, by its number.
    Arm(usize),
    /// A band of frequency: 0 for never, 1 for the rarest.
    Band(usize),
}

impl Look {
    pub(crate) fn colour(self) -> RGBColor {
        match self {
            Self::Arm(arm) => PALETTE[arm % PALETTE.len()],
            Self::Band(band) => BANDS[band.min(BANDS.len() - 1)],
        }
    }

    /// The marker, around the place that it is drawn at.
    pub(crate) fn marker(self) -> Polygon<(i32, i32)> {
        let (Self::Arm(number) | Self::Band(number)) = self;
        marker(number, self.colour())
    }
}

/// A marker around the place that it is drawn at: circle, square, triangle, diamond, in turn.
pub(crate) fn marker(number: usize, colour: RGBColor) -> Polygon<(i32, i32)> {
    let corners: &[(i32, i32)] = match number % 4 {
        0 => &[(4, 0), (3, 3), (0, 4), (-3, 3), (-4, 0), (-3, -3), (0, -4), (3, -3)],
        1 => &[(-3, -3), (4, -3), (4, 4), (-3, 4)],
        2 => &[(0, -5), (5, 4), (-5, 4)],
        _ => &[(0, -5), (5, 0), (0, 5), (-5, 0)],
    };
    Polygon::new(corners.to_vec(), colour.filled())
}

/// A colour at a share, 0 to 1, of the way through `stops`.
pub(crate) fn between(stops: &[RGBColor], share: f64) -> RGBColor {
    let place = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let left = (place as usize).min(stops.len() - 2);
    let (RGBColor(r, g, b), RGBColor(s, h, c)) = (stops[left], stops[left + 1]);
    let mix =
        |from: u8, to: u8| (f64::from(from) + (place - left as f64) * (f64::from(to) - f64::from(from))).round() as u8;
    RGBColor(mix(r, s), mix(g, h), mix(b, c))
}
