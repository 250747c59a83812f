//! The suite of [`hustings::ledger::Reports`]; how reports are decided is in that of the ledger.

mod quarantine;
mod reads;
mod trees;

use quarantine::*;
use reads::*;
use trees::*;

super::on_every_store!({
    units:
        a_tree_is_as_new_as_was_asked_for,
        a_tree_that_is_kept_grows,
        a_large_tree_is_read_whole,
        each_life_of_a_ledger_has_its_own_tree;
    current_reports:
        the_reports_that_count_are_found;
    revisions:
        all_reports_of_a_box_are_found;
    last_before:
        the_last_entry_before_a_time_is_found;
    quarantine:
        a_contradiction_is_one_case;
    cases:
        cases_follow_each_other;
    case:
        a_case_is_found_by_its_digest;
    settle:
        a_case_is_settled_once,
        racing_to_settle_a_case_has_one_winner;
});
