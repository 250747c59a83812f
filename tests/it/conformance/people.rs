//! The suite of [`hustings::ledger::People`].

mod parts;
mod persons;
mod sessions;

use std::sync::Arc;

use hustings::ledger::{Archive, Invitation, NewPerson, NewSession, PasswordHash, PersonId, Purpose, SESSION_MS, Seat};
use hustings_core::{LoginName, Time};

use parts::*;
use persons::*;
use sessions::*;

super::on_every_store!({
    add_person:
        a_name_is_given_once_in_any_case,
        racing_for_a_name_has_one_winner;
    accept:
        a_link_makes_one_person,
        racing_for_a_link_makes_one_person,
        an_installation_is_founded_once;
    has_admin:
        only_the_founder_may_do_everything;
    person:
        persons_are_found_by_number_and_name;
    person_named:
        persons_are_found_in_any_case;
    persons:
        persons_are_listed_page_by_page;
    set_password:
        a_new_password_ends_other_sessions;
    reset_password:
        a_lost_password_is_replaced_once;
    remove_person:
        who_is_removed_leaves_nothing;
    begin_session:
        the_first_of_too_many_sessions_end;
    session:
        a_session_slides_and_runs_out,
        a_session_says_whom_it_stands_for;
    sessions:
        sessions_are_listed_by_seat;
    end_session:
        only_its_own_seat_ends_a_session;
    end_sessions:
        all_sessions_but_one_end;
    note_seen:
        the_last_use_of_a_session_is_noted;
    invite:
        links_that_have_run_out_are_forgotten;
    invitation:
        a_link_is_good_until_it_runs_out;
    invitations:
        links_are_listed_the_latest_first;
    withdraw:
        a_link_taken_back_opens_nothing;
    membership:
        a_part_is_in_one_election;
    members:
        members_are_listed_by_number,
        parts_go_with_a_definition_and_end_with_an_election;
    set_member:
        parts_are_given_changed_and_taken,
        an_election_keeps_an_owner,
        racing_owners_leave_one;
    elections_before:
        who_creates_an_election_owns_it,
        elections_of_a_person_come_page_by_page;
    elections_of:
        elections_are_found_by_title_and_code;
    add_link:
        cohost_links_are_numbered_and_limited;
    link:
        a_cohost_link_opens_until_it_is_revoked;
    links:
        cohost_links_are_listed_by_election;
    revoke_link:
        a_revoked_link_ends_its_sessions;
});

pub(super) const NOW: Time = Time(10 * SESSION_MS);

pub(super) fn name(raw: &str) -> LoginName {
    LoginName::parse(raw).expect("a name")
}

pub(super) fn new_person(raw: &str) -> NewPerson {
    NewPerson { name: name(raw), password: PasswordHash(format!("$argon2id${raw}")), is_admin: false, created: NOW }
}

pub(super) async fn add(people: &Arc<dyn Archive>, raw: &str) -> PersonId {
    people.add_person(new_person(raw)).await.expect("a person").expect("a name that is free")
}

pub(super) fn invitation(number: u8, purpose: Purpose) -> Invitation {
    Invitation { hash: [number; 32], purpose, by: None, created: NOW, expires: Time(NOW.0 + 1_000) }
}

pub(super) fn new_session(number: u8, seat: Seat, at: Time) -> NewSession {
    NewSession { hash: [number; 32], seat, agent: format!("browser {number}"), created: at }
}

pub(super) fn later(ms: u64) -> Time {
    Time(NOW.0 + ms)
}
