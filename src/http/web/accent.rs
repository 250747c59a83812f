//! The one colour of an election, made readable: the organiser chooses a hue, and contrast is ours to keep.
//!
//! Invariant: on every surface of its theme the colour has a contrast of 4.5 or more (WCAG 2.2, 1.4.3), and so has the text
//! on it. It must not know: elections, pages.

use hustings_core::election::Accent;

/// The surfaces that text in the accent may stand on: of each theme the one that is hardest to read on. The stylesheet
/// names the same (a test compares).
const THEMES: [Theme; 3] = [
    Theme { selector: ":root", surface: "#ece8df", paper: "#fbfaf7", darkens: true, least: 4.5 },
    Theme {
        selector: "@media (prefers-color-scheme:dark){:root",
        surface: "#262b33",
        paper: "#14161a",
        darkens: false,
        least: 4.5,
    },
    Theme { selector: ":root.hall", surface: "#1d222b", paper: "#0a0c10", darkens: false, least: 6.5 },
];

struct Theme {
    selector: &'static str,
    surface: &'static str,
    paper: &'static str,
    darkens: bool,
    /// The least contrast: more in a hall, where the last row reads it too.
    least: f64,
}

/// The colour of pages that have none of their own.
pub(super) const DEFAULT: &str = "#2f5d8a";

/// A small stylesheet that sets the colour for every theme; `accent` has the form `rrggbb`.
pub(super) fn stylesheet(accent: &str) -> Option<String> {
    let accent: Accent = format!("#{accent}").parse().ok()?;
    let rule = |theme: &Theme| {
        let colour = readable(&accent, theme);
        let end = if theme.selector.starts_with('@') { "}}" } else { "}" };
        format!("{}{{--accent:{colour};--on-accent:{}{end}\n", theme.selector, theme.paper)
    };
    Some(THEMES.iter().map(rule).collect())
}

/// The colour nearest to the one chosen, of the same hue, that can be read on the theme's surfaces.
fn readable(accent: &Accent, theme: &Theme) -> String {
    let (chosen, surface) = (Rgb::parse(accent.as_str()), Rgb::parse(theme.surface));
    let Lab { l: lightness, a, b } = chosen.to_lab();
    let steps = (0..=100).map(|step| {
        let part = f64::from(step) / 100.0;
        let towards = if theme.darkens { 0.0 } else { 1.0 };
        // Less colour near black and white, where there is little to be had.
        let colour = 1.0 - part * 0.6;
        Lab { l: lightness + (towards - lightness) * part, a: a * colour, b: b * colour }.to_rgb()
    });
    let mut readable = steps.filter(|colour| colour.rounded().contrast(surface) >= theme.least);
    let extreme = Rgb::parse(if theme.darkens { "#000000" } else { "#ffffff" });
    readable.next().unwrap_or(extreme).hex()
}

/// A colour of a screen, each part from 0 to 1.
#[derive(Clone, Copy)]
struct Rgb([f64; 3]);

/// A colour as the eye orders it (OKLab): lightness, and two axes of hue.
struct Lab {
    l: f64,
    a: f64,
    b: f64,
}

impl Rgb {
    /// A colour as `#rrggbb`; anything else is black.
    fn parse(text: &str) -> Self {
        let part = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap_or_default(), 16).unwrap_or(0);
        Self([1, 3, 5].map(|at| f64::from(part(at)) / 255.0))
    }

    fn hex(self) -> String {
        let Self(parts) = self;
        parts.iter().fold("#".to_owned(), |text, part| format!("{text}{:02x}", byte(*part)))
    }

    /// As it will be shown, in whole bytes.
    fn rounded(self) -> Self {
        Self(self.0.map(|part| f64::from(byte(part)) / 255.0))
    }

    fn linear(self) -> [f64; 3] {
        self.0.map(|part| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) })
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [r, g, b] = self.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn to_lab(self) -> Lab {
        let [r, g, b] = self.linear();
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        Lab {
            l: 0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
            a: 1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
            b: 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
        }
    }
}

impl Lab {
    fn to_rgb(&self) -> Rgb {
        let l = (self.l + 0.396_337_777_4 * self.a + 0.215_803_757_3 * self.b).powi(3);
        let m = (self.l - 0.105_561_345_8 * self.a - 0.063_854_172_8 * self.b).powi(3);
        let s = (self.l - 0.089_484_177_5 * self.a - 1.291_485_548 * self.b).powi(3);
        let linear = [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
        ];
        let part = |part: f64| {
            let part = part.clamp(0.0, 1.0);
            if part <= 0.003_130_8 { part * 12.92 } else { 1.055 * part.powf(1.0 / 2.4) - 0.055 }
        };
        Rgb(linear.map(part))
    }
}

fn byte(part: f64) -> u8 {
    let wanted = (part.clamp(0.0, 1.0) * 255.0).round();
    // Exact: a whole number from 0 to 255.
    (0..=u8::MAX).find(|byte| f64::from(*byte) >= wanted).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = include_str!("../../../assets/hustings.css");

    /// Every colour of a coarse grid, the extremes among them, in every theme.
    #[test]
    fn every_colour_becomes_readable() {
        let grid = || (0..=255u8).step_by(17);
        for (r, g, b) in grid().flat_map(|r| grid().flat_map(move |g| grid().map(move |b| (r, g, b)))) {
            let accent: Accent = format!("#{r:02x}{g:02x}{b:02x}").parse().expect("a colour");
            for theme in &THEMES {
                let colour = Rgb::parse(&readable(&accent, theme));
                for surface in [theme.surface, theme.paper] {
                    let contrast = colour.contrast(Rgb::parse(surface));
                    assert!(contrast >= theme.least, "{accent} on {surface}: {contrast}");
                }
            }
        }
    }

    /// A colour that can be read already is not touched.
    #[test]
    fn a_good_colour_stays() {
        let accent: Accent = "#2f5d8a".parse().expect("a colour");
        assert_eq!(readable(&accent, &THEMES[0]), "#2f5d8a");
        assert_eq!(stylesheet("2f5d8a").expect("a sheet").matches("--accent:").count(), THEMES.len());
        assert_eq!(stylesheet("red"), None);
    }

    /// The surfaces here are those of the stylesheet, whose own colour is the default one made readable.
    #[test]
    fn the_stylesheet_has_the_same_surfaces() {
        for theme in &THEMES {
            let default: Accent = DEFAULT.parse().expect("a colour");
            let block = SHEET.split(&format!("{} {{", theme.selector.replace(":dark){", ": dark) {\n  "))).nth(1);
            let block = block.unwrap_or_else(|| panic!("no {}", theme.selector)).split('}').next().expect("a block");
            for line in [
                format!("--paper: {};", theme.paper),
                format!("--track: {};", theme.surface),
                format!("--accent: {};", readable(&default, theme)),
                format!("--on-accent: {};", theme.paper),
            ] {
                assert!(block.contains(&line), "{line} is not in {} {{{block}", theme.selector);
            }
        }
    }
}
