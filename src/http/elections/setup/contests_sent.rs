//! Contests as they are sent, in JSON or CSV, made into those of the core.
//!
//! Invariant: every contest and every choice is looked at, so that a person who mends a file hears of everything at once. It
//! must not know: which contests there are.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use hustings_core::{
    Change, Choice, ChoiceId, Contest, ContestId, ContestNumber, Label, Method, Party, Race, Text, Unit, Units,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contests::PartiesBody;
use super::units_sent::short;
use crate::http::body;
use crate::http::error::Problem;
use crate::http::import::{Faults, Line, Place, Table};

/// Contests to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContestsBody {
    contests: Vec<ContestBody>,
    /// Parties that choices name, beside those that are known already.
    #[serde(default)]
    parties: Vec<PartyBody>,
    /// Why, for the record.
    reason: Option<String>,
}

/// A contest as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewContestBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ContestBody {
    /// Its stable code, unique in the election (default: made of the title).
    code: Option<String>,
    /// Its title.
    #[schema(example = "Mayor")]
    title: String,
    /// The code of the nation, region or city that it is held in (default: the nation).
    unit: Option<String>,
    /// single (default) or approval.
    method: Option<String>,
    /// approval: the fewest choices on a ballot (default 1).
    min: Option<u16>,
    /// approval: the most choices on a ballot (default all).
    max: Option<u16>,
    /// At most 5,000, each a title or an object.
    choices: Vec<ChoiceBody>,
}

/// A choice as it is sent: its title, or more.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewContestChoice)]
#[serde(untagged)]
pub(super) enum ChoiceBody {
    /// The title; the code is made of it.
    Title(String),
    /// More than a title.
    Whole(WholeChoice),
}

/// A choice with more than a title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WholeChoice {
    /// Its stable code, unique in the contest (default: made of the title).
    code: Option<String>,
    /// Its title.
    title: String,
    /// The code of its party.
    party: Option<String>,
}

/// A party as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPartyBody)]
#[serde(deny_unknown_fields)]
pub(super) struct PartyBody {
    /// Its stable code, the same in all contests.
    code: String,
    /// Its name.
    name: String,
}

/// Contests that were sent, before anything of them is held against rules.
#[derive(Debug)]
pub(super) struct Sent {
    contests: Vec<SentContest>,
    parties: Vec<SentParty>,
    pub(super) faults: Faults,
    pub(super) reason: Option<String>,
}

#[derive(Debug)]
struct SentContest {
    place: Place,
    code: Option<String>,
    title: String,
    unit: Option<String>,
    method: Option<String>,
    min: Option<u16>,
    max: Option<u16>,
    choices: Vec<(Place, WholeChoice)>,
}

#[derive(Debug)]
struct SentParty {
    place: Place,
    code: String,
    name: String,
}

/// Parties by their codes.
pub(super) type Parties = HashMap<Label, Party>;

const COLUMNS: [&str; 7] = ["contest", "title", "choice", "name", "unit", "party", "party_name"];

impl Sent {
    /// Contests and parties of a document.
    pub(super) fn new(contests: Vec<ContestBody>, parties: Vec<PartyBody>) -> Self {
        let contest = |(at, contest): (usize, ContestBody)| {
            let place = Place::Item("/contests".to_owned(), at);
            let choices = contest.choices.into_iter().enumerate();
            let choices = choices.map(|(at, choice)| (place.item("choices", at), choice.into())).collect();
            let ContestBody { code, title, unit, method, min, max, .. } = contest;
            SentContest { place, code, title, unit, method, min, max, choices }
        };
        let contests = contests.into_iter().enumerate().map(contest).collect();
        let place = |at| Place::Item("/parties".to_owned(), at);
        let party = |(at, PartyBody { code, name })| SentParty { place: place(at), code, name };
        let parties = parties.into_iter().enumerate().map(party).collect();
        Self { contests, parties, faults: Faults::new("invalid_contests"), reason: None }
    }

    /// One contest of all, from its choices alone.
    pub(super) fn simple(title: &str, choices: Vec<ChoiceBody>, parties: Vec<PartyBody>) -> Self {
        let place = |at| Place::Item("/choices".to_owned(), at);
        let choices = choices.into_iter().enumerate().map(|(at, choice)| (place(at), choice.into())).collect();
        let main = SentContest {
            place: Place::Item("/choices".to_owned(), 0),
            code: Some("main".to_owned()),
            title: title.to_owned(),
            unit: None,
            method: None,
            min: None,
            max: None,
            choices,
        };
        Self { contests: vec![main], ..Self::new(Vec::new(), parties) }
    }

    /// Reads contests from a JSON document.
    pub(super) fn json(reader: &mut dyn Read) -> Result<Self, Problem> {
        let ContestsBody { contests, parties, reason } = body::parse(&body::whole(reader)?)?;
        Ok(Self { reason, ..Self::new(contests, parties) })
    }

    /// Reads contests from CSV, one line for each choice; lines of one contest have the same code.
    pub(super) fn csv(reader: &mut dyn Read) -> Result<Self, Problem> {
        let mut sent = Self::new(Vec::new(), Vec::new());
        let mut by_code: HashMap<String, usize> = HashMap::new();
        let mut table = Table::open(reader, COLUMNS, 4)?;
        while let Some(Line { number, fields }) = table.next(&mut sent.faults)? {
            let [contest, title, code, name, unit, party, party_name] = fields.map(str::to_owned);
            let place = Place::Line(number);
            let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            let at = *by_code.entry(contest.clone()).or_insert(sent.contests.len());
            if at == sent.contests.len() {
                sent.contests.push(SentContest {
                    place: place.clone(),
                    code: some(&contest),
                    title: title.clone(),
                    unit: some(&unit),
                    method: None,
                    min: None,
                    max: None,
                    choices: Vec::new(),
                });
            }
            let known = &mut sent.contests[at];
            let differs = |said: &str, known: &str| !said.is_empty() && said != known;
            if differs(&title, &known.title) || differs(&unit, known.unit.as_deref().unwrap_or_default()) {
                let detail = format!("an earlier line gives the contest `{}` another title or unit", short(&contest));
                sent.faults.push(place.clone(), "", "contest_differs", detail);
            }
            known.choices.push((place.clone(), WholeChoice { code: some(&code), title: name, party: some(&party) }));
            if !party_name.is_empty() {
                sent.parties.push(SentParty { place, code: party, name: party_name });
            }
        }
        Ok(sent)
    }

    /// Reads parties from a JSON document.
    pub(super) fn parties_json(reader: &mut dyn Read) -> Result<Self, Problem> {
        let PartiesBody { parties } = body::parse(&body::whole(reader)?)?;
        Ok(Self { faults: Faults::new("invalid_parties"), ..Self::new(Vec::new(), parties) })
    }

    /// Reads parties from CSV.
    pub(super) fn parties_csv(reader: &mut dyn Read) -> Result<Self, Problem> {
        let mut sent = Self { faults: Faults::new("invalid_parties"), ..Self::new(Vec::new(), Vec::new()) };
        let mut table = Table::open(reader, ["code", "name"], 2)?;
        while let Some(Line { number, fields: [code, name] }) = table.next(&mut sent.faults)? {
            sent.parties.push(SentParty { place: Place::Line(number), code: code.to_owned(), name: name.to_owned() });
        }
        Ok(sent)
    }

    /// How many contests were sent.
    pub(super) fn count(&self) -> usize {
        self.contests.len()
    }

    /// Adds the parties that were sent to those that are known; a name that differs is a fault.
    pub(super) fn parties(&mut self, known: &mut Parties) -> Vec<Party> {
        let mut new = Vec::new();
        for SentParty { place, code, name } in std::mem::take(&mut self.parties) {
            let code = Label::parse(&code);
            let code =
                noted(code, |error| self.faults.push(place.clone(), "code", error.code(), format!("the code {error}")));
            let name = Text::parse(&name);
            let name =
                noted(name, |error| self.faults.push(place.clone(), "name", error.code(), format!("the name {error}")));
            let (Some(code), Some(name)) = (code, name) else { continue };
            match known.get(&code) {
                Some(party) if party.name != name => {
                    let detail = format!("the party `{code}` has another name already: {}", party.name);
                    self.faults.push(place, "name", "party_differs", detail);
                }
                Some(_) => {}
                None => {
                    let party = Party { code: code.clone(), name };
                    known.insert(code, party.clone());
                    new.push(party);
                }
            }
        }
        new
    }

    /// The contests, held in units of this tree, each with the place where it was sent; what is wrong is noted.
    pub(super) fn contests(
        &mut self,
        units: &Units,
        parties: &Parties,
        mut id: impl FnMut() -> Uuid,
    ) -> Vec<(Place, Contest)> {
        let given: HashSet<Label> = self.contests.iter().filter_map(|contest| code_of(contest.code.as_ref())).collect();
        let (mut taken, mut seen) = (given, HashSet::new());
        let mut made = Vec::with_capacity(self.contests.len());
        for sent in std::mem::take(&mut self.contests) {
            let place = sent.place.clone();
            let building = Building { units, parties, faults: &mut self.faults };
            if let Some(contest) = building.contest(sent, &mut taken, &mut seen, &mut id) {
                made.push((place, contest));
            }
        }
        made
    }
}

struct Building<'a> {
    units: &'a Units,
    parties: &'a Parties,
    faults: &'a mut Faults,
}

impl Building<'_> {
    fn contest(
        mut self,
        sent: SentContest,
        taken: &mut HashSet<Label>,
        seen: &mut HashSet<Label>,
        id: &mut impl FnMut() -> Uuid,
    ) -> Option<Contest> {
        let place = &sent.place;
        let title = self.text(place, "title", &sent.title);
        let code = self.code(place, sent.code.as_ref(), title.as_ref(), taken);
        if let Some(code) = code.as_ref().filter(|code| !seen.insert((*code).clone())) {
            self.faults.push(place.clone(), "code", "code_twice", format!("the contest `{code}` stands twice"));
        }
        let unit = sent.unit.as_deref().unwrap_or(Unit::ROOT_CODE);
        let unit = self.units.find(unit).or_else(|| {
            let detail = format!("there is no unit `{}` to hold a contest in", short(unit));
            self.faults.push(place.clone(), "unit", "unknown_unit", detail);
            None
        });
        let choices = self.choices(place, &sent.choices, id);
        let method = self.method(&sent, choices.len());
        Some(Contest {
            id: ContestId(id()),
            number: ContestNumber(0),
            method: method?,
            change: Change::Final,
            choices,
            race: Some(Race { code: code?, title: title?, unit: unit? }),
        })
    }

    fn text(&mut self, place: &Place, field: &str, text: &str) -> Option<Text> {
        noted(Text::parse(text), |error| {
            self.faults.push(place.clone(), field, error.code(), format!("the text {error}"));
        })
    }

    /// The code that was given, or one made of the title that nothing else has.
    fn code(
        &mut self,
        place: &Place,
        given: Option<&String>,
        title: Option<&Text>,
        taken: &mut HashSet<Label>,
    ) -> Option<Label> {
        if let Some(given) = given {
            return noted(Label::parse(given), |error| {
                self.faults.push(place.clone(), "code", error.code(), format!("the code {error}"));
            });
        }
        let title = title?;
        let mut code = Label::for_title(title, &[]);
        if taken.contains(&code) {
            code = Label::for_title(title, &taken.iter().collect::<Vec<_>>());
        }
        taken.insert(code.clone());
        Some(code)
    }

    fn choices(&mut self, place: &Place, sent: &[(Place, WholeChoice)], id: &mut impl FnMut() -> Uuid) -> Vec<Choice> {
        let max = Contest::REPORTED_CHOICES_MAX;
        if sent.is_empty() || sent.len() > max {
            let (code, detail) = match sent.len() {
                0 => ("too_few_choices", "a contest needs at least 1 choice".to_owned()),
                _ => ("too_many_choices", format!("a contest can have at most {max} choices")),
            };
            self.faults.push(place.clone(), "choices", code, detail);
            return Vec::new();
        }
        let mut taken: HashSet<Label> = sent.iter().filter_map(|(_, choice)| code_of(choice.code.as_ref())).collect();
        let (mut codes, mut titles) = (HashSet::new(), HashSet::new());
        let mut choices = Vec::with_capacity(sent.len());
        for (place, choice) in sent {
            let title = self.text(place, "title", &choice.title);
            let party = self.party(place, choice.party.as_ref());
            let is_new = title.clone().is_none_or(|title| titles.insert((title, choice.party.clone())));
            if !is_new && choice.code.is_none() {
                let detail = format!("the choice `{}` stands twice; give both a code", short(&choice.title));
                self.faults.push(place.clone(), "title", "repeated_choice", detail);
                continue;
            }
            let code = self.code(place, choice.code.as_ref(), title.as_ref(), &mut taken);
            let (Some(code), Some(title)) = (code, title) else { continue };
            if !codes.insert(code.clone()) {
                self.faults.push(place.clone(), "code", "code_twice", format!("the choice `{code}` stands twice"));
            }
            choices.push(Choice { id: ChoiceId(id()), code, title, party });
        }
        choices
    }

    fn party(&mut self, place: &Place, code: Option<&String>) -> Option<Party> {
        let code = code?;
        let found = code_of(Some(code)).and_then(|code| self.parties.get(&code)).cloned();
        if found.is_none() {
            let detail = format!("there is no party `{}`; send it in `parties`, or before", short(code));
            self.faults.push(place.clone(), "party", "unknown_party", detail);
        }
        found
    }

    fn method(&mut self, sent: &SentContest, choices: usize) -> Option<Method> {
        let all = u16::try_from(choices).unwrap_or(u16::MAX);
        let (field, code, detail) = match sent.method.as_deref() {
            None | Some("single") if sent.min.is_none() && sent.max.is_none() => return Some(Method::Single),
            None | Some("single") => {
                ("min", "invalid_bounds", "the method single takes no `min` and no `max`".to_owned())
            }
            Some("approval") => {
                let method = Method::Approval { min: sent.min.unwrap_or(1), max: sent.max.unwrap_or(all) };
                if method.is_possible(choices) {
                    return Some(method);
                }
                let detail = "`min` must be at most `max`, and `max` from 1 to the number of choices".to_owned();
                ("max", "invalid_bounds", detail)
            }
            Some(other) => {
                let detail = format!("boxes report contests of the method single or approval, not `{}`", short(other));
                ("method", "unknown_value", detail)
            }
        };
        self.faults.push(sent.place.clone(), field, code, detail);
        None
    }
}

impl From<ChoiceBody> for WholeChoice {
    fn from(choice: ChoiceBody) -> Self {
        match choice {
            ChoiceBody::Title(title) => Self { code: None, title, party: None },
            ChoiceBody::Whole(whole) => whole,
        }
    }
}

fn code_of(given: Option<&String>) -> Option<Label> {
    given.and_then(|code| Label::parse(code).ok())
}

fn noted<T, E>(parsed: Result<T, E>, note: impl FnOnce(E)) -> Option<T> {
    parsed.map_err(note).ok()
}
