//! Pages: server-rendered, small, useful without JavaScript. Only these addresses mint device cookies.
//!
//! Job: one file for each page; `page` is the frame of all, `texts` their words, `assets` what they load.
//! Invariant: text from users is only ever text. It must not know: SQL, how totals are made.

mod accent;
mod access;
mod account;
mod assets;
mod bars;
mod chart;
mod codes;
mod cohost;
mod compose;
mod device;
mod draft;
mod embed;
mod form;
mod home;
mod host;
mod join;
mod keys;
mod notice;
mod page;
mod paper;
mod people;
mod qr;
mod reference;
mod results;
mod roster;
mod screen;
mod sheet;
mod sign_in;
#[cfg(debug_assertions)]
mod styleguide;
mod texts;
mod visitor;
mod vote;

#[cfg(test)]
mod samples_tests;
#[cfg(test)]
mod texts_tests;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};

use super::Shared;

pub(super) use bars::status;
pub(super) use notice::{not_found_page, problem_page};
pub(super) use page::{Page, render};
pub(super) use texts::Language;

/// A page's request without its token, which means nothing: pages are for people.
pub(super) fn without_token(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(header::AUTHORIZATION);
    headers
}

pub(super) fn routes(services: &Shared) -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(home::home))
        .route("/api", get(reference::reference))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/sign-up", get(join::sign_up_form).post(join::sign_up))
        .route("/welcome/{secret}", get(join::form).post(join::accept))
        .route("/join/{secret}", get(join::form).post(join::accept))
        .route("/reset/{secret}", get(join::form).post(join::accept))
        .route("/account", get(account::account).post(account::change))
        .route("/account/tokens", get(keys::tokens).post(keys::change_tokens))
        .route("/account/invitations", get(keys::invitations).post(keys::change_invitations))
        .route("/new", get(compose::new).post(compose::create))
        .route("/{code}/edit", get(compose::edit).post(compose::redefine))
        .route("/{code}/people", get(people::people).post(people::change))
        .route("/{code}/cohost/{secret}", get(cohost::form).post(cohost::accept))
        .route("/{code}/codes", get(codes::codes).post(codes::change))
        .route("/{code}/roster", get(roster::roster).post(roster::change))
        .route("/{code}/c", get(access::form).post(access::enter))
        .route("/{code}/c/{access}", get(access::open))
        .route("/{code}", get(vote::show).post(vote::cast))
        .route("/{code}/results", get(results::results))
        .route("/{code}/screen", get(screen::screen))
        .route("/{code}/host", get(host::host).post(host::act))
        .route("/{code}/host/health", get(host::health));
    #[cfg(debug_assertions)]
    let pages = pages.route("/styleguide", get(styleguide::styleguide));
    pages
        .layer(axum::middleware::from_fn_with_state(Shared::clone(services), page::send))
        // Framed by others: it keeps nothing in the browsers of their readers.
        .route("/{code}/embed", get(embed::embed).layer(axum::middleware::from_fn(page::pack)))
        .route("/{code}/screen/stream", get(screen::stream))
        .route("/{code}/screen/joined", get(screen::joined))
        .route("/{code}/qr.svg", get(qr::qr))
        .route("/assets/{hash}/{name}", get(assets::asset))
        .route("/assets/{hash}/accent/{name}", get(assets::accent_sheet))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
}
