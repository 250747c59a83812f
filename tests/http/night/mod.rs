//! Election night: setting up, reporting, and what is shown, on every store of the run.

mod audit;
mod bulk;
mod desk;
mod desk_manual;
mod desk_races;
mod desk_tokens;
mod history;
mod quarantine;
mod results;
mod results_book;
mod results_known;
mod results_questions;
mod results_sql;
mod setup;
mod setup_contests;
mod setup_manual;
mod setup_tokens;
mod setup_units;
mod stream;
mod support;
mod table;
