//! The suite of [`hustings::ledger::Archive`].

mod imports;
mod lives;
mod nights;
mod pages;
mod people;
mod whole;

use std::sync::Arc;

use hustings::ledger::{
    Archive, Case, CohostLink, ElectionKey, HashedToken, Invitation, LinkId, Member, NewLink, NewPerson, NewSession,
    NewToken, Page, PasswordHash, Person, PersonId, Purpose, Registered, Scope, Scopes, Seat, Settled, Stored,
    Submitted, TokenId, copy,
};
use hustings_core::{ActKind, Change, LoginName, Revision, Role, Seq, Time, UnitNumber};

use super::Backend;
use super::support::*;
use imports::*;
use lives::*;
use nights::*;
use pages::*;
use people::*;
use whole::*;

super::on_every_store!({
    installation:
        a_store_says_how_much_of_an_installation_it_holds,
        an_installation_begins_with_the_newest_format;
    cuts:
        definition_and_head_are_of_one_instant,
        cuts_follow_each_other;
    submissions:
        ids_of_repeats_are_given_too;
    hashed_tokens:
        tokens_are_given_with_their_hashes;
    census:
        rows_are_counted;
    begin:
        only_a_store_that_holds_nothing_becomes_a_copy;
    import:
        the_same_page_twice_changes_nothing,
        a_page_of_before_takes_nothing_back,
        what_contradicts_is_named,
        only_what_follows_is_taken,
        keys_are_kept_and_not_given_again,
        a_copy_is_the_same_installation,
        a_copy_allows_what_its_source_allows,
        a_copy_goes_on_where_it_stopped,
        a_copy_follows_people_who_come_and_go,
        a_copy_follows_a_source_that_went_on,
        a_copy_made_while_votes_go_on_is_a_beginning,
        a_copy_of_a_night_is_the_same_night,
        a_case_that_was_filed_behind_the_cut_waits,
        a_copy_made_while_reports_go_on_is_a_beginning,
        what_stays_of_removed_elections_is_copied,
        a_copy_follows_removals_and_new_definitions;
    complete:
        only_an_unfinished_copy_is_written_to;
});

/// A ledger with two rounds, a changed vote, repeats by the same and by other ids, and one with final votes.
async fn eventful(backend: &dyn Backend) -> [ElectionKey; 2] {
    let [changing, standing] = [opened(backend, Change::UntilClose).await, opened(backend, Change::Final).await];
    let definition = elections(backend).await.swap_remove(0).election;
    let round = ActKind::StartRound(Box::new(next_round(&definition)));
    let batch = vec![
        vote(ANN, TEA).id(1).to(changing),
        vote(ANN, TEA).id(2).to(changing),
        vote(BOB, TEA).to(changing),
        vote(ANN, MILK).id(3).to(changing),
        vote(ANN, MILK).id(4).to(changing),
        to(changing, act(CLOSE)),
        to(changing, act(round)),
        to(changing, hustings_core::Submission::Act(act_on(SECOND, OPEN))),
        vote(ANN, COFFEE).round(SECOND).id(5).to(changing),
        vote(ANN, TEA).id(9).to(standing),
        vote(ANN, TEA).id(1).to(standing),
        vote(BOB, MILK).id(8).to(standing),
    ];
    append(backend, batch).await;
    for (digest, existing) in [(7, 2), (3, 5), (200, 8)] {
        backend.reports().quarantine(case(changing, digest, existing)).await.expect("a case");
    }
    assert!(backend.reports().settle(changing, [3; 32], settled()).await.expect("a decision"));
    for number in [1, 2] {
        make_token(backend, number).await;
    }
    assert!(backend.registry().revoke_token(TokenId(2), Time(50)).await.expect("a revocation"));
    eventful_people(backend, changing, standing).await;
    [changing, standing]
}

/// Three persons of whom one was removed, their parts, a co-host link and a revoked one, one-time links, and a session.
async fn eventful_people(backend: &dyn Backend, one: ElectionKey, other: ElectionKey) {
    let people = backend.archive();
    let mut ids = Vec::new();
    for raw in ["ann", "Bob", "cat"] {
        ids.push(add_person(backend, raw).await);
    }
    for (key, person, role) in [
        (one, ids[0], Role::Owner),
        (one, ids[1], Role::CoHost),
        (one, ids[2], Role::Viewer),
        (other, ids[1], Role::Owner),
    ] {
        people.set_member(key, person, Some(role)).await.expect("a part");
    }
    for (number, purpose) in [(1, Purpose::Found), (2, Purpose::Join), (3, Purpose::Reset(ids[1]))] {
        let link = Invitation {
            hash: [number; 32],
            purpose,
            by: Some(ids[0]),
            created: Time(u64::from(number)),
            expires: Time(90),
        };
        people.invite(link).await.expect("a link");
    }
    for number in [1, 2] {
        let by = (number == 2).then_some(ids[0]);
        let new = NewLink { election: one, hash: [number; 32], role: Role::CoHost, by, created: Time(4) };
        people.add_link(new).await.expect("a link");
    }
    assert!(people.revoke_link(one, LinkId(1), Time(60)).await.expect("a revocation"));
    assert!(people.remove_person(ids[2]).await.expect("removed"));
    let new = NewSession { hash: [1; 32], seat: Seat::Person(ids[0]), agent: String::new(), created: Time(5) };
    people.begin_session(new).await.expect("a session");
}

async fn add_person(backend: &dyn Backend, raw: &str) -> PersonId {
    let name = LoginName::parse(raw).expect("a name");
    let new =
        NewPerson { name, password: PasswordHash("$argon2id$".to_owned()), is_admin: raw == "ann", created: Time(3) };
    backend.archive().add_person(new).await.expect("a person").expect("a free name")
}

/// A report in quarantine that contradicts an entry.
fn case(election: ElectionKey, digest: u8, existing: u64) -> Case {
    Case {
        election,
        digest: [digest; 32],
        contest: FIRST,
        ballot_box: UnitNumber(5),
        revision: Revision(1),
        existing: Seq(existing),
        request: vec![digest, 0, 255],
        by: text("clerk"),
        time: Time(70),
        settled: None,
    }
}

fn settled() -> Settled {
    Settled { filed: None, by: text("host"), reason: Some(text("a typing error")), time: Time(80) }
}

async fn make_token(backend: &dyn Backend, number: u8) {
    let token = NewToken {
        name: format!("gateway {number}"),
        hash: [number; 32],
        scopes: Scopes(vec![Scope::Manage, Scope::Vote]),
        per_minute: number.is_multiple_of(2).then_some(100),
        created: Time(u64::from(number)),
        election: None,
        unit: None,
    };
    backend.registry().create_token(token).await.expect("a token");
}

async fn elections(backend: &dyn Backend) -> Vec<Registered> {
    backend.registry().elections(None, 100).await.expect("the elections")
}

/// All of an installation that must survive, and nothing else.
#[derive(Debug, PartialEq)]
struct Everything {
    elections: Vec<(Registered, Vec<Stored>, Vec<Submitted>)>,
    cases: Vec<Case>,
    tokens: Vec<HashedToken>,
    persons: Vec<Person>,
    parts: Vec<(ElectionKey, Vec<Member>, Vec<CohostLink>)>,
    invitations: Vec<Invitation>,
}

async fn everything(archive: &dyn Archive) -> Everything {
    let (mut elections, mut cases, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for cut in archive.cuts(None, 100).await.expect("the cuts") {
        let key = cut.registered.key;
        let entries = archive.read(key, Seq(0), 50_000).await.expect("a page");
        let submissions = archive.submissions(key, None, Seq(50_000), 50_000).await.expect("the submissions");
        elections.push((cut.registered, entries, submissions));
        cases.extend(archive.cases(key, None, false, 1_000).await.expect("the cases"));
        parts.push((key, archive.members(key).await.expect("members"), archive.links(key).await.expect("links")));
    }
    let tokens = archive.hashed_tokens(None, 100).await.expect("the tokens");
    let persons = archive.persons(None, 100).await.expect("the persons");
    let invitations = archive.invitations(Time(0)).await.expect("the one-time links");
    Everything { elections, cases, tokens, persons, parts, invitations }
}

/// The installation in pages of at most so many rows, in an order in which they can be written.
fn paged(everything: &Everything, limit: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut after = None;
    for persons in everything.persons.chunks(limit) {
        let up_to = persons.last().map(|last| last.id);
        pages.push(Page::Persons { after, up_to, persons: persons.to_vec() });
        after = up_to;
    }
    for (registered, entries, submissions) in &everything.elections {
        pages.push(Page::Elections(vec![registered.clone()]));
        pages.extend(entries.chunks(limit).map(|page| Page::Entries(registered.key, page.to_vec())));
        pages.extend(submissions.chunks(limit).map(|page| Page::Submissions(registered.key, page.to_vec())));
    }
    for of_one in everything.cases.chunk_by(|one, other| one.election == other.election) {
        pages.extend(of_one.chunks(limit).map(|page| Page::Cases(page[0].election, page.to_vec())));
    }
    let parts = everything.parts.iter().filter(|(_, members, links)| !members.is_empty() || !links.is_empty());
    pages.extend(parts.map(|(key, members, links)| Page::Members(*key, members.clone(), links.clone())));
    pages.extend(everything.tokens.chunks(limit).map(|page| Page::Tokens(page.to_vec())));
    if !everything.invitations.is_empty() {
        pages.push(Page::Invitations(everything.invitations.clone()));
    }
    pages
}

const CHECK: [u8; 16] = super::Sqlite::SECRET_CHECK;

/// Another store that was begun as a copy.
async fn begun(backend: &dyn Backend) -> Box<dyn Backend> {
    let target = backend.another().await;
    target.archive().begin(CHECK).await.expect("a store that holds nothing");
    target
}

/// Copies to the end, and lets the copy be served.
async fn copied(from: &Arc<dyn Archive>, to: &Arc<dyn Archive>) {
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("a copy");
    to.complete().await.expect("a complete copy");
}
