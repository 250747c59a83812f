//! From a report as it was sent to one that the ledger can decide: codes become numbers, texts become values.
//!
//! Invariant: what is refused here names no box, contest or choice that there is, or holds a number that no report can hold;
//! so it cannot have been accepted before, and no sender is kept from a receipt.

use axum::body::Bytes;
use hustings_core::{
    ChoiceNumber, Content, Contest, Counts, Label, Method, Rejection, Report, ReportStatus, Revision, SubmissionId,
    Text, Time, UnitKind, UnitNumber, Units,
};

use super::book::{Book, short};
use super::sent::Sent;
use crate::clock::parse_rfc3339;
use crate::export::unhex;
use crate::http::body::Pairs;
use crate::http::error::{Fault, Problem};

/// A report as it was sent: what it says, and its bytes.
pub(super) struct Slip {
    pub(super) sent: Sent,
    pub(super) request: Bytes,
}

/// Why a report cannot be given to the ledger.
pub(super) enum Unresolved {
    /// It is wrong, whatever there is.
    Wrong(Problem),
    /// It names what is not known here; another node may know it, or it may be added.
    Unknown(Problem, Option<Box<Unlisted>>),
}

/// A box that nobody listed, where such boxes are added.
pub(super) struct Unlisted {
    pub(super) code: Label,
    pub(super) channel: hustings_core::Channel,
    pub(super) contest: hustings_core::ContestNumber,
    /// The unit that it stands in.
    pub(super) parent: Parent,
}

/// What an unlisted box stands in.
pub(super) enum Parent {
    /// A unit that is there.
    Unit(UnitNumber, Label),
    /// A city that nobody listed either, by its code and its name.
    City(Label, Text),
}

impl Parent {
    pub(super) fn code(&self) -> &Label {
        match self {
            Self::Unit(_, code) | Self::City(code, _) => code,
        }
    }
}

impl From<Problem> for Unresolved {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem)
    }
}

impl Unresolved {
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Wrong(problem) | Self::Unknown(problem, _) => problem,
        }
    }
}

/// The report that a sender means; who may send it is asked apart.
pub(super) fn resolve(book: &Book, units: &Units, slip: &Slip, by: &Text) -> Result<Report, Unresolved> {
    let sent = &slip.sent;
    let (named, field) = sent.named_box();
    if sent.ballot_box.is_some() && sent.ballot_box_id.is_some() {
        return Err(Problem::invalid("wrong_form", "/ballot_box_id", "send `box` or `ballot_box_id`, not both").into());
    }
    let Some(named) = named else {
        return Err(Problem::invalid("missing_field", field, "name the box in `box`").into());
    };
    let contest = book.contest(sent.contest.as_deref()).map_err(|problem| Unresolved::Unknown(problem, None))?;
    let mut faults = Faults::default();
    let content = content(book, contest, sent, &mut faults);
    let revision = revision(sent, &mut faults);
    let reported_at = reported_at(sent, &mut faults);
    let definition = definition(sent, &mut faults).filter(|sent| *sent != book.digest(contest));
    let reason = reason(sent, &mut faults);
    faults.check()?;
    let Some(ballot_box) = find_unit(units, named) else {
        let fits = match definition {
            Some(_) => Err(Rejection::StaleDefinition),
            None => content.counts().map_or(Ok(()), |counts| counts.check(contest)),
        };
        return Err(match (unknown_box(book, units, contest, sent, (named, field)), fits) {
            // No box is added for a report that would be refused.
            (Unresolved::Unknown(_, Some(_)), Err(rejection)) => super::answer::refused(rejection).into(),
            (unknown, _) => unknown,
        });
    };
    Ok(Report {
        contest: contest.number,
        ballot_box,
        revision,
        id: sent.id.map(SubmissionId),
        content,
        reported_at,
        // One that is the contest's own is right for ever; only another one is left to the ledger to refuse.
        definition,
        within: within(book, units, sent.city.as_deref())?,
        channel: sent.channel,
        by: by.clone(),
        reason,
        request: slip.request.to_vec(),
    })
}

/// A unit by its code as it was sent, or in the form that codes are kept in.
pub(super) fn find_unit(units: &Units, named: &str) -> Option<UnitNumber> {
    units.find(named).or_else(|| Label::parse(named).ok().and_then(|code| units.find(code.as_str())))
}

/// A unit by its code, or by the name that a code is made of.
fn find_city(units: &Units, named: &str) -> Option<UnitNumber> {
    find_unit(units, named).or_else(|| units.named(named))
}

/// The unit that the sender believes the box to stand in.
fn within(book: &Book, units: &Units, city: Option<&str>) -> Result<Option<UnitNumber>, Unresolved> {
    let Some(city) = city else { return Ok(None) };
    match find_city(units, city) {
        Some(unit) => Ok(Some(unit)),
        // A city that could be added is none that this box stands in.
        None if adds_cities(book) => {
            let elsewhere = Problem::from(Rejection::BoxBelongsElsewhere).pointing_to("/city");
            Err(Unresolved::Unknown(elsewhere, None))
        }
        None => Err(unknown_city(city)),
    }
}

fn unknown_city(city: &str) -> Unresolved {
    let detail = format!("there is no city or other unit `{}` in this election", short(city));
    Unresolved::Unknown(Problem::invalid("unknown_unit", "/city", detail), None)
}

fn adds_cities(book: &Book) -> bool {
    book.found.election.reporting.as_ref().is_some_and(|reporting| reporting.adds_cities)
}

/// What becomes of a box that is not known: added where that is so arranged and the report says where it stands.
fn unknown_box(
    book: &Book,
    units: &Units,
    contest: &Contest,
    sent: &Sent,
    (named, field): (&str, &'static str),
) -> Unresolved {
    let adds = book.found.election.reporting.as_ref().is_some_and(|reporting| reporting.adds_boxes);
    let unknown = |advice: &str| {
        let detail = format!("there is no box `{}` in this election{advice}", short(named));
        Problem::invalid("unknown_box", field, detail)
    };
    let city = match sent.city.as_deref() {
        Some(city) if adds && !sent.withdrawn => city,
        None if adds && !sent.withdrawn => return Unresolved::Unknown(unknown("; name its `city` to add it"), None),
        _ => return Unresolved::Unknown(unknown(""), None),
    };
    let code = match Label::parse(named) {
        Ok(code) => code,
        Err(error) => return Unresolved::Wrong(Problem::text(field, error)),
    };
    let parent = match find_city(units, city) {
        Some(unit) => match units.get(unit) {
            Some(above) if UnitKind::Box.may_stand_in(above.kind) && !above.is_retired => {
                Parent::Unit(unit, above.code.clone())
            }
            _ => {
                let detail = format!("no box can stand in `{}`", short(city));
                return Unresolved::Wrong(Problem::invalid("wrong_kind", "/city", detail));
            }
        },
        None if adds_cities(book) => match new_city(city) {
            Ok((code, name)) => Parent::City(code, name),
            Err(problem) => return Unresolved::Wrong(problem),
        },
        None => return unknown_city(city),
    };
    let top = match &parent {
        Parent::Unit(unit, _) => *unit,
        Parent::City(..) => hustings_core::Unit::ROOT,
    };
    if !units.is_within(top, contest.unit()) {
        return Unresolved::Wrong(Problem::from(Rejection::BoxOutsideContest).pointing_to("/city"));
    }
    let channel = sent.channel.unwrap_or_default();
    let unlisted = Unlisted { code, channel, contest: contest.number, parent };
    Unresolved::Unknown(unknown(""), Some(Box::new(unlisted)))
}

/// The code and the name of a city that nobody listed.
fn new_city(city: &str) -> Result<(Label, Text), Problem> {
    let wrong = |error| Problem::text("/city", error);
    let name = Text::parse(city).map_err(wrong)?;
    Ok((Label::for_name(&name).map_err(wrong)?, name))
}

/// What the report says, or nothing where it has faults.
fn content(book: &Book, contest: &Contest, sent: &Sent, faults: &mut Faults) -> Content {
    if sent.withdrawn {
        let numbers = [("/votes", sent.votes.is_some()), ("/blank", sent.blank.is_some())];
        let others = [("/invalid", sent.invalid.is_some()), ("/cast", sent.cast.is_some())];
        for (field, _) in numbers.into_iter().chain(others).filter(|(_, is_sent)| *is_sent) {
            faults.push("wrong_form", field, "a withdrawal has no numbers");
        }
        return Content::Withdrawn;
    }
    let Some(Pairs(votes)) = &sent.votes else {
        faults.push(
            "missing_field",
            "/votes",
            "send `votes`, a number for each choice, or `withdrawn` with a `reason`",
        );
        return Content::Withdrawn;
    };
    let mut numbers: Vec<(ChoiceNumber, u32)> = Vec::with_capacity(votes.len());
    for (name, number) in votes {
        let field = || format!("/votes/{}", name.replace('~', "~0").replace('/', "~1"));
        let number = faults.number(field, Some(*number)).unwrap_or_default();
        match book.choice(contest, name) {
            Some(choice) => numbers.push((choice, number)),
            None => faults.push("unknown_choice", field(), format!("there is no choice `{}`", short(name))),
        }
    }
    let blank = faults.number(|| "/blank".to_owned(), sent.blank).unwrap_or_default();
    let invalid = faults.number(|| "/invalid".to_owned(), sent.invalid).unwrap_or_default();
    let cast = faults.number(|| "/cast".to_owned(), sent.cast);
    if sent.cast.is_none() && matches!(contest.method, Method::Approval { max, .. } if max > 1) {
        let detail = "a ballot of this contest can name several choices, so say how many ballots were cast";
        faults.push("missing_field", "/cast", detail);
    }
    let status = sent.status.unwrap_or(ReportStatus::Final);
    match Counts::new(status, numbers, blank, invalid, cast) {
        Ok(counts) => Content::Filed(counts),
        Err(rejection) => {
            faults.push(rejection.code(), "/votes", rejection.to_string());
            Content::Withdrawn
        }
    }
}

/// The highest revision that a sender can give.
const REVISION_MAX: u32 = 1_000_000;

fn revision(sent: &Sent, faults: &mut Faults) -> Option<Revision> {
    if sent.revision == Some(0) {
        faults.push("invalid_revision", "/revision", "revisions begin with 1");
    }
    if sent.revision.is_some_and(|revision| revision > REVISION_MAX) {
        // A slip of the finger must leave room for the corrections of it.
        let detail = format!("a revision can be at most {REVISION_MAX}");
        faults.push("invalid_revision", "/revision", detail);
    }
    let default = if sent.withdrawn { None } else { Some(1) };
    sent.revision.or(default).map(Revision)
}

fn reported_at(sent: &Sent, faults: &mut Faults) -> Option<Time> {
    let text = sent.reported_at.as_deref()?;
    let time = parse_rfc3339(text);
    if time.is_none() {
        faults.push("invalid_time", "/reported_at", "a time looks like 2026-11-22T18:00:00Z");
    }
    time
}

fn definition(sent: &Sent, faults: &mut Faults) -> Option<[u8; 32]> {
    let text = sent.definition.as_deref()?;
    let digest = unhex(text).and_then(|bytes| bytes.try_into().ok());
    if digest.is_none() {
        faults.push("invalid_definition", "/definition", "send the contest's `definition`, 64 hexadecimal digits");
    }
    digest
}

fn reason(sent: &Sent, faults: &mut Faults) -> Option<Text> {
    let Some(reason) = sent.reason.as_deref() else {
        if sent.withdrawn {
            faults.push("missing_field", "/reason", "say in `reason` why the report is withdrawn");
        }
        return None;
    };
    Text::parse(reason).map_err(|error| faults.push(error.code(), "/reason", format!("the text {error}"))).ok()
}

/// Everything that is wrong with one report.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn push(&mut self, code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { line: None, pointer: Some(pointer.into()), code, detail: detail.into() });
    }

    fn number(&mut self, field: impl Fn() -> String, sent: Option<u64>) -> Option<u32> {
        let number = u32::try_from(sent?).ok().filter(|number| *number <= Counts::NUMBER_MAX);
        if number.is_none() {
            let rejection = Rejection::NumberTooLarge { max: Counts::NUMBER_MAX };
            self.push(rejection.code(), field(), rejection.to_string());
        }
        number
    }

    fn check(self) -> Result<(), Problem> {
        Problem::fields(self.0).map_or(Ok(()), Err)
    }
}
