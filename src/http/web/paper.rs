//! The ballot paper: what may be chosen in a contest, how, and what a form of it says that was sent.
//!
//! It must not know: who votes, what is counted.

use hustings_core::{Contest, Method, Selections};

use super::texts::Language;
use crate::http::api::VoteBody;

/// The most scores that are offered one by one; beyond it a number is typed.
const SCALE_MAX: u8 = 10;

/// The paper of a contest, with what was chosen before.
pub(super) struct Paper<'a> {
    /// single, approval, likes, scale or number: how each choice is marked.
    pub(super) form: &'static str,
    pub(super) options: Vec<PaperOption<'a>>,
    /// What to do, in a sentence.
    pub(super) instruction: String,
    /// The fewest and the most that may be chosen.
    pub(super) fewest: u16,
    pub(super) most: u16,
    /// The scores that may be given.
    pub(super) scores: Vec<u8>,
}

/// One choice on it.
pub(super) struct PaperOption<'a> {
    pub(super) id: String,
    pub(super) title: &'a str,
    pub(super) checked: bool,
    score: Option<u8>,
}

impl PaperOption<'_> {
    /// Whether this score was given.
    pub(super) fn scored(&self, score: &u8) -> bool {
        self.score == Some(*score)
    }

    /// The score that was given.
    pub(super) fn score(&self) -> String {
        self.score.map(|score| score.to_string()).unwrap_or_default()
    }
}

impl<'a> Paper<'a> {
    /// The paper, marked as it was before where there was a vote.
    pub(super) fn of(contest: &'a Contest, before: Option<&Selections>, language: Language) -> Self {
        let numbers = (0..).map(hustings_core::ChoiceNumber);
        let option = |(choice, number): (&'a hustings_core::Choice, hustings_core::ChoiceNumber)| {
            let (checked, score) = match before {
                Some(Selections::Choices(chosen)) => (chosen.contains(&number), None),
                Some(Selections::Scores(scores)) => {
                    let score = scores.iter().find(|(scored, _)| *scored == number).map(|(_, score)| *score);
                    (score.is_some_and(|score| score > 0), score)
                }
                None => (false, None),
            };
            PaperOption { id: choice.id.to_string(), title: choice.title.as_str(), checked, score }
        };
        let options: Vec<_> = contest.choices.iter().zip(numbers).map(option).collect();
        let all = u16::try_from(options.len()).unwrap_or(u16::MAX);
        let (form, fewest, most, scores) = match contest.method {
            Method::Single => ("single", 1, 1, 0..=0),
            Method::Approval { min, max } => ("approval", min, max, 0..=0),
            Method::Score { min: 0, max: 1 } => ("likes", 0, all, 0..=1),
            Method::Score { min, max } if max - min <= SCALE_MAX => ("scale", 1, all, min..=max),
            Method::Score { min, max } => ("number", 1, all, min..=max),
        };
        let scores: Vec<u8> = scores.collect();
        let instruction = instruction(contest.method, all, language);
        Self { form, options, instruction, fewest, most, scores }
    }

    /// The lowest score.
    pub(super) fn low(&self) -> u8 {
        self.scores.first().copied().unwrap_or(0)
    }

    /// The highest score.
    pub(super) fn high(&self) -> u8 {
        self.scores.last().copied().unwrap_or(0)
    }
}

fn instruction(method: Method, all: u16, language: Language) -> String {
    let two = |key, min: u16, max: u16| language.say_with(key, &[("min", &min.to_string()), ("max", &max.to_string())]);
    match method {
        Method::Single => language.say("choose-one"),
        Method::Approval { min, max } if min == max => language.count("choose-exactly", max.into()),
        Method::Approval { min: 0, max } if max == all => language.say("choose-any-or-none"),
        Method::Approval { min: 1, max } if max == all => language.say("choose-any"),
        Method::Approval { min: 0, max } => language.count("choose-up-to", max.into()),
        Method::Approval { min, max } => two("choose-some", min, max),
        Method::Score { min: 0, max: 1 } => language.say("choose-likes"),
        Method::Score { min, max } => two("choose-scores", min.into(), max.into()),
    }
}

/// What a voter chose, as a sentence.
pub(super) fn told(contest: &Contest, selections: &Selections, language: Language) -> String {
    let title = |number: &hustings_core::ChoiceNumber| {
        contest.choices.get(number.index()).map_or("", |choice| choice.title.as_str()).to_owned()
    };
    let is_likes = contest.method == Method::Score { min: 0, max: 1 };
    let chosen: Vec<String> = match selections {
        Selections::Choices(chosen) => chosen.iter().map(title).collect(),
        Selections::Scores(scores) if is_likes => {
            scores.iter().filter(|(_, score)| *score > 0).map(|(number, _)| title(number)).collect()
        }
        Selections::Scores(scores) => {
            let scored: Vec<String> =
                scores.iter().map(|(number, score)| format!("{} {score}", title(number))).collect();
            return language.say_with("you-scored", &[("choice", &scored.join(", "))]);
        }
    };
    match &chosen[..] {
        [] => language.say("you-voted-blank"),
        [one] => language.say_with("you-voted-for", &[("choice", one)]),
        several => language.say_with("you-voted-for", &[("choice", &language.list(several))]),
    }
}

/// What the form of a page says: names and values, each as often as it was sent.
pub(super) fn read(form: &[u8]) -> VoteBody {
    let (mut choices, mut scores) = (Vec::new(), Vec::<(String, u64)>::new());
    let (mut id, mut replaces) = (None, None);
    for (name, value) in form_urlencoded::parse(form) {
        match name.as_ref() {
            "choice" => choices.push(value.into_owned()),
            "id" => id = value.parse().ok(),
            "replaces" => replaces = Some(value.into_owned()).filter(|receipt| !receipt.is_empty()),
            _ => {
                // A mark that is not set leaves the nought that stands before it.
                let Some(choice) = name.strip_prefix("score-") else { continue };
                let Ok(score) = value.trim().parse() else { continue };
                scores.retain(|(scored, _)| scored != choice);
                scores.push((choice.to_owned(), score));
            }
        }
    }
    VoteBody::of_form(choices, scores).named(id).replacing(replaces)
}
