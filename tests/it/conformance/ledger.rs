//! The suite of [`hustings::ledger::Ledger`].

mod answers;
mod appends;
mod copies;
mod formats;
mod races;
mod reads;
mod report_races;
mod reports;
mod schedules;

use answers::*;
use appends::*;
use copies::*;
use formats::*;
use races::*;
use reads::*;
use report_races::*;
use reports::*;
use schedules::*;

super::on_every_store!({
    append:
        final_votes_stand,
        changeable_votes_change_until_the_close,
        an_id_stands_for_one_submission_for_ever,
        ids_that_repeated_a_vote_stand_for_it_too,
        acts_and_votes_are_decided_in_order,
        rounds_follow_each_other_within_a_batch,
        rules_refuse_what_they_forbid,
        voters_may_change_their_group,
        all_methods_are_stored,
        an_empty_batch_moves_nothing,
        one_bad_submission_never_fails_its_neighbours,
        many_elections_share_a_batch,
        advances_are_the_difference_of_folds,
        time_never_goes_back,
        scheduled_acts_happen_once,
        racing_voters_are_counted_once,
        racing_retries_get_one_receipt,
        racing_changes_replace_each_other_one_by_one,
        what_the_format_does_not_allow_is_refused,
        nothing_is_decided_under_a_later_format,
        a_report_has_a_standing_within_a_batch_and_across,
        an_entry_says_what_a_report_did,
        an_id_stands_for_one_report_for_ever,
        contests_and_units_come_with_entries,
        an_election_begins_with_its_units_and_contests,
        a_unit_that_counts_is_not_retired,
        reports_need_their_format,
        racing_reports_of_a_box_have_one_first,
        racing_corrections_replace_each_other_one_by_one,
        racing_adders_of_units_lose_nothing,
        a_box_that_is_retired_while_it_reports_does_one_of_both;
    heads:
        heads_are_where_ledgers_stand,
        a_later_format_is_noticed_where_heads_are_read;
    read:
        pages_follow_each_other,
        a_page_has_a_limit,
        a_page_has_a_limit_in_bytes;
    ballot:
        the_vote_that_counts_is_found;
    save_snapshot:
        a_fold_is_kept_once;
    snapshot:
        the_latest_fold_of_an_epoch_is_found;
    due:
        schedules_say_what_is_due_and_when,
        schedules_are_used_up_by_hand;
    renew_epochs:
        every_ledger_gets_another_epoch;
    backup:
        a_backup_is_a_whole_ledger_while_votes_go_on,
        a_backup_that_fails_leaves_nothing_behind;
});
