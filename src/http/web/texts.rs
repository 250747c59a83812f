//! The words of the pages, in every language that we speak: `texts/*.ftl`.
//!
//! Invariant: each text is there in each language, with the same variables (a test compares), so nobody ever reads a key.
//! It must not know: which page asks, who reads.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use hustings_core::Time;
use unic_langid::LanguageIdentifier;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Language {
    English,
    French,
}

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle("en", include_str!("../../../texts/en.ftl")));
static FRENCH: LazyLock<Bundle> = LazyLock::new(|| bundle("fr", include_str!("../../../texts/fr.ftl")));

impl Language {
    /// All of them, in the order in which they are offered.
    pub(in crate::http) const ALL: [Self; 2] = [Self::English, Self::French];

    /// Its tag (BCP 47).
    pub(in crate::http) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Its own name for itself.
    pub(in crate::http) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// The language of a tag, whatever its region.
    pub(super) fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The one that a reader likes best (`Accept-Language`), of those that we speak.
    pub(super) fn accepted(header: &str) -> Option<Self> {
        let one = |part: &str| {
            let mut parameters = part.split(';').map(str::trim);
            let tag = parameters.next().unwrap_or_default();
            // Its only parameter is `q` (RFC 9110, section 12.5.4), in any case; what else somebody sends means nothing.
            let weight = parameters
                .find_map(|one| one.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q")));
            let quality: f32 = weight.map_or(Ok(1.0), |(_, text)| text.trim().parse()).unwrap_or(0.0);
            Self::parse(tag).filter(|_| quality > 0.0).map(|language| (language, quality))
        };
        // The first of equals is the one that is named first.
        let best = |best: Option<(Self, f32)>, next: (Self, f32)| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        };
        header.split(',').filter_map(one).fold(None, best).map(|(language, _)| language)
    }

    fn bundle(self) -> &'static Bundle {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        }
    }

    /// A text.
    pub(in crate::http) fn say(self, key: &str) -> String {
        self.say_with(key, &[])
    }

    /// A text with words of the reader's or the organiser's in it, which stay as they are.
    pub(in crate::http) fn say_with(self, key: &str, words: &[(&str, &str)]) -> String {
        self.format(key, words.iter().map(|(name, word)| (*name, FluentValue::from(*word))).collect())
    }

    /// Names one after the other, as a sentence has them.
    pub(in crate::http) fn list(self, names: &[impl std::borrow::Borrow<str>]) -> String {
        match names {
            [] => String::new(),
            [one] => one.borrow().to_owned(),
            [first @ .., last] => self.say_with("list", &[("first", &first.join(", ")), ("last", last.borrow())]),
        }
    }

    /// A text about a number of things: `$count` chooses the form, `$shown` is the number as people write it.
    pub(in crate::http) fn count(self, key: &str, count: u64) -> String {
        self.count_shown(key, count, &self.number(count))
    }

    /// The same with a number that is shown otherwise.
    pub(super) fn count_shown(self, key: &str, count: u64, shown: &str) -> String {
        let arguments = [("count", FluentValue::from(count)), ("shown", FluentValue::from(shown))];
        self.format(key, arguments.into_iter().collect())
    }

    fn format(self, key: &str, arguments: FluentArgs<'_>) -> String {
        let bundle = self.bundle();
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        // Tests hold that every key in use is there.
        debug_assert!(pattern.is_some(), "no text `{key}`");
        let Some(pattern) = pattern else { return key.to_owned() };
        bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }

    /// 1234567 as people write it: `1,234,567` or `1 234 567`, like `Intl.NumberFormat`.
    pub(in crate::http) fn number(self, number: u64) -> String {
        let digits = crate::export::thousands(number);
        match self {
            Self::English => digits,
            Self::French => digits.replace(',', "\u{202f}"),
        }
    }

    /// Tenths as a number with one digit after the point or comma.
    pub(in crate::http) fn tenths(self, tenths: u64) -> String {
        let point = match self {
            Self::English => '.',
            Self::French => ',',
        };
        format!("{}{point}{}", self.number(tenths / 10), tenths % 10)
    }

    /// Thousandths as a percentage.
    pub(in crate::http) fn percent(self, permille: u64) -> String {
        let space = match self {
            Self::English => "",
            Self::French => "\u{202f}",
        };
        format!("{}{space}%", self.tenths(permille))
    }

    /// A moment in UTC, for who reads without scripts; those tell it in the reader's own zone.
    pub(in crate::http) fn moment(self, time: Time) -> String {
        self.moment_in(time, "UTC")
    }

    /// A moment in the zone of this name, with its distance from UTC; in UTC where this machine does not know the zone.
    pub(in crate::http) fn moment_in(self, time: Time, zone: &str) -> String {
        let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
        let Ok(stamp) = jiff::Timestamp::from_millisecond(millis) else { return String::new() };
        let zoned = stamp.to_zoned(jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC));
        let zone = match zoned.offset().is_zero() {
            true => "UTC".to_owned(),
            false => zoned.strftime("UTC%:z").to_string(),
        };
        let month = self.say(MONTHS[usize::try_from(zoned.month() - 1).unwrap_or(0) % 12]);
        let day = match (self, zoned.day()) {
            (Self::French, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        let year = zoned.year().to_string();
        let clock = format!("{:02}:{:02}", zoned.hour(), zoned.minute());
        self.say_with(
            "moment",
            &[("day", &day), ("month", &month), ("year", &year), ("clock", &clock), ("zone", &zone)],
        )
    }
}

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8", "month-9", "month-10",
    "month-11", "month-12",
];

fn bundle(tag: &str, source: &str) -> Bundle {
    // The files are part of the program, and a test reads them without a fault.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // A page's own elements keep texts of other directions apart; marks inside a text would be read aloud.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}
