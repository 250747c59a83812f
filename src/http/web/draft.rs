//! What an organiser typed into the form of a poll, field by field.
//!
//! Invariant: what cannot be understood stays as it was typed. It must not know: who typed, what becomes of it.

use hustings_core::{Change, Election, Method, Schedule, Time};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::texts::Language;
use crate::http::Problem;
use crate::http::api::visibility;

/// The fields as they were typed.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) title: String,
    /// As many as were filled in.
    pub(super) choices: Vec<String>,
    /// single, approval or score.
    pub(super) method: String,
    /// approval: the fewest and the most choices.
    pub(super) fewest: String,
    pub(super) most: String,
    /// score: the highest score; the lowest is 0.
    pub(super) high: String,
    pub(super) changeable: bool,
    pub(super) visibility: String,
    /// Who may vote: device, codes or roster.
    pub(super) access: String,
    /// Whether all may have the ballots afterwards.
    pub(super) public_ballots: bool,
    /// The colour of its pages, where it is not the usual one.
    pub(super) accent: Option<String>,
    pub(super) slug: String,
    /// Local times in the zone.
    pub(super) opens: String,
    pub(super) closes: String,
    pub(super) zone: String,
}

/// The colour that the field shows while none is chosen.
pub(super) const ACCENT: &str = "#2f5d8a";

impl Default for Draft {
    fn default() -> Self {
        let empty = String::new;
        Self {
            title: empty(),
            choices: Vec::new(),
            method: "single".to_owned(),
            fewest: "1".to_owned(),
            most: empty(),
            high: "5".to_owned(),
            changeable: true,
            visibility: "after_vote".to_owned(),
            access: "device".to_owned(),
            public_ballots: false,
            accent: None,
            slug: empty(),
            opens: empty(),
            closes: empty(),
            zone: "UTC".to_owned(),
        }
    }
}

impl Draft {
    /// What a form says.
    pub(super) fn read<const MAX: usize>(form: &Form<MAX>) -> Self {
        let text = |name| form.get(name).trim().to_owned();
        Self {
            title: text("title"),
            choices: form.all("choice").chain(form.get("choices").lines()).filter_map(filled).collect(),
            method: text("method"),
            fewest: text("fewest"),
            most: text("most"),
            high: text("high"),
            changeable: form.get("changeable") == "yes",
            visibility: text("visibility"),
            access: text("access"),
            public_ballots: form.get("public_ballots") == "yes",
            accent: (form.get("coloured") == "yes").then(|| text("accent")),
            slug: text("slug").to_lowercase(),
            opens: text("opens"),
            closes: text("closes"),
            zone: text("zone"),
        }
    }

    /// What a poll is defined by.
    pub(super) fn of(election: &Election, schedule: Schedule) -> Self {
        let Some(contest) = election.current() else { return Self::default() };
        let choices: Vec<String> = contest.choices.iter().map(|choice| choice.title.to_string()).collect();
        let all = choices.len();
        let mut draft = Self {
            title: election.title.to_string(),
            choices,
            changeable: contest.change == Change::UntilClose,
            visibility: visibility(election.visibility).to_owned(),
            access: election.access.name().to_owned(),
            public_ballots: election.public_ballots,
            accent: election.accent.as_ref().map(ToString::to_string),
            slug: election.slug.as_ref().map(ToString::to_string).unwrap_or_default(),
            opens: schedule.opens_at.map(local).unwrap_or_default(),
            closes: schedule.closes_at.map(local).unwrap_or_default(),
            ..Self::default()
        };
        match contest.method {
            Method::Single => {}
            Method::Approval { min, max } => {
                draft.method = "approval".to_owned();
                draft.fewest = min.to_string();
                // As many as there are is all of them, also when there are more of them after the edit.
                draft.most = if usize::from(max) == all { String::new() } else { max.to_string() };
            }
            Method::Score { max, .. } => {
                draft.method = "score".to_owned();
                draft.high = max.to_string();
            }
        }
        draft
    }

    /// The definition as programs send it.
    pub(super) fn body(&self) -> Result<Value, Problem> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("title", self.title.as_str().into());
        put("choices", self.choices.as_slice().into());
        put("method", self.method.as_str().into());
        put("change", if self.changeable { "until_close" } else { "final" }.into());
        put("visibility", self.visibility.as_str().into());
        if !self.access.is_empty() {
            put("access", self.access.as_str().into());
        }
        if self.public_ballots {
            put("public_ballots", true.into());
        }
        match self.method.as_str() {
            "approval" => {
                put("min", number("/min", &self.fewest)?.unwrap_or(1).into());
                number("/max", &self.most)?.into_iter().for_each(|most| drop(put("max", most.into())));
            }
            "score" => {
                put("min", json!(0));
                put("max", number("/max", &self.high)?.unwrap_or(5).into());
            }
            _ => {}
        }
        self.accent.iter().for_each(|accent| drop(put("accent", accent.as_str().into())));
        if !self.slug.is_empty() {
            put("slug", self.slug.as_str().into());
        }
        for (name, pointer, local) in
            [("opens_at", "/opens_at", &self.opens), ("closes_at", "/closes_at", &self.closes)]
        {
            if !local.is_empty() {
                put(name, instant(pointer, local, &self.zone)?.into());
            }
        }
        Ok(Value::Object(body))
    }

    /// The colour that the field shows.
    pub(super) fn colour(&self) -> &str {
        self.accent.as_deref().unwrap_or(ACCENT)
    }
}

/// A choice as it was typed, unless its field was left empty.
fn filled(typed: &str) -> Option<String> {
    Some(typed.trim().to_owned()).filter(|choice| !choice.is_empty())
}

fn number(pointer: &str, text: &str) -> Result<Option<u16>, Problem> {
    let wrong = |_| Problem::invalid("invalid_bounds", pointer, "send a whole number");
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

/// A moment as a field of a form shows it, in UTC.
fn local(time: Time) -> String {
    // `2026-11-22T18:00`: what stands before the seconds.
    crate::clock::rfc3339(time).chars().take(16).collect()
}

/// A local time in a zone as an instant. One that the clocks skipped is the one after the gap; of one that came twice it is
/// the first.
fn instant(pointer: &str, local: &str, zone: &str) -> Result<String, Problem> {
    let wrong = || Problem::invalid("invalid_time", pointer, "a local time looks like 2026-11-22T18:00");
    let local: jiff::civil::DateTime = local.parse().map_err(|_| wrong())?;
    let unknown = || Problem::invalid("unknown_zone", "/zone", "a time zone has a name such as Europe/London");
    Ok(local.in_tz(zone).map_err(|_| unknown())?.timestamp().to_string())
}

/// What is wrong, and with which field of the form.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    /// Which part of the form; `all` where it is none of them.
    pub(super) field: &'static str,
    /// The id of the very field.
    pub(super) place: String,
    pub(super) text: String,
}

impl Wrong {
    /// A refusal in the words of the form.
    pub(super) fn of(problem: &Problem, draft: &Draft, language: Language) -> Self {
        let pointer = problem.pointer().unwrap_or_default();
        let (first, rest) =
            pointer.trim_start_matches('/').split_once('/').unwrap_or((pointer.trim_start_matches('/'), ""));
        // What is wrong with all of them together is mended at the first field that is empty, or at the last one.
        let line = match (rest.parse::<usize>(), problem.code()) {
            (Ok(at), _) => at + 1,
            (Err(_), "too_few_choices") => draft.choices.len() + 1,
            (Err(_), _) => draft.choices.len().max(1),
        };
        let numbered = |key: &str| language.say_with(key, &[("number", &language.number(line as u64))]);
        let (field, text) = match (first, problem.code()) {
            ("title", _) => ("title", language.say("wrong-title")),
            ("choices", "repeated_choice") => ("choices", numbered("wrong-choice-repeated")),
            ("choices", "too_few_choices") => ("choices", language.say("wrong-choices-few")),
            ("choices", "too_many_choices") => ("choices", language.say("wrong-choices-many")),
            ("choices", _) => ("choices", numbered("wrong-choice")),
            ("min" | "max", _) => ("method", language.say("wrong-bounds")),
            ("slug", _) | (_, "slug_taken") => ("slug", language.say("wrong-slug")),
            ("accent", _) => ("accent", language.say("wrong-accent")),
            ("opens_at" | "closes_at", _) => ("times", language.say("wrong-times")),
            ("zone", _) => ("times", language.say("wrong-zone")),
            (_, "already_opened") => ("all", language.say("wrong-opened")),
            (_, "edited_meanwhile") => ("all", language.say("wrong-edited")),
            _ if problem.status().is_server_error() => ("all", language.say("problem-unavailable")),
            _ => ("all", language.say("wrong-other")),
        };
        let place = match (field, first) {
            ("choices", _) => format!("choice-{line}"),
            ("method", _) if draft.method == "score" => "high".to_owned(),
            ("method", "min") => "fewest".to_owned(),
            ("method", _) => "most".to_owned(),
            ("times", "zone") => "zone".to_owned(),
            ("times", first) => first.trim_end_matches("_at").to_owned(),
            (field, _) => field.to_owned(),
        };
        Self { field, place, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_instants_of_their_zone() {
        let at = |local, zone| instant("/opens_at", local, zone);
        assert_eq!(at("2026-07-01T18:00", "Europe/Paris").unwrap(), "2026-07-01T16:00:00Z");
        assert_eq!(at("2026-12-01T18:00", "America/Toronto").unwrap(), "2026-12-01T23:00:00Z");
        assert_eq!(at("2026-12-01T18:00", "Mars").unwrap_err().code(), "unknown_zone");
        assert_eq!(at("soon", "UTC").unwrap_err().code(), "invalid_time");
        assert_eq!(local(Time(1_795_456_800_000)), "2026-11-23T18:00");
    }

    #[test]
    fn a_form_says_what_programs_send() {
        let draft = Draft {
            title: "Tea?".to_owned(),
            choices: vec!["Yes".to_owned(), "No".to_owned()],
            method: "approval".to_owned(),
            most: "2".to_owned(),
            slug: "tea".to_owned(),
            opens: "2026-07-01T18:00".to_owned(),
            public_ballots: true,
            ..Draft::default()
        };
        let expected = json!({ "title": "Tea?", "choices": ["Yes", "No"], "method": "approval", "min": 1, "max": 2,
            "change": "until_close", "visibility": "after_vote", "access": "device", "public_ballots": true, "slug": "tea", "opens_at": "2026-07-01T18:00:00Z" });
        assert_eq!(draft.body().unwrap(), expected);
        assert_eq!(Draft { most: "x".to_owned(), ..draft }.body().unwrap_err().code(), "invalid_bounds");
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let check = |method: &str, code, pointer: &str, (field, place)| {
            let problem = Problem::invalid(code, pointer, "-");
            let draft = Draft { choices: vec!["Yes".to_owned()], method: method.to_owned(), ..Draft::default() };
            for language in Language::ALL {
                let wrong = Wrong::of(&problem, &draft, language);
                assert_eq!((wrong.field, wrong.place.as_str()), (field, place), "{code} {pointer}");
            }
            Wrong::of(&problem, &draft, Language::English).text
        };
        check("single", "empty_text", "/title", ("title", "title"));
        let said = check("single", "repeated_choice", "/choices/1", ("choices", "choice-2"));
        assert!(said.contains('2'), "{said}");
        check("single", "too_few_choices", "/choices", ("choices", "choice-2"));
        check("single", "too_many_choices", "/choices", ("choices", "choice-1"));
        check("approval", "invalid_bounds", "/max", ("method", "most"));
        check("approval", "invalid_bounds", "/min", ("method", "fewest"));
        check("score", "invalid_bounds", "/max", ("method", "high"));
        check("single", "text_alphabet", "/slug", ("slug", "slug"));
        check("single", "invalid_schedule", "/closes_at", ("times", "closes"));
        check("single", "invalid_time", "/opens_at", ("times", "opens"));
        check("single", "unknown_zone", "/zone", ("times", "zone"));
        check("single", "anything", "", ("all", "all"));
    }
}
