//! Access codes as who made them sees them: as cards to cut out, and as a CSV file in a second step.
//!
//! Invariant: what holds codes is cached nowhere, and a file is asked for on a page that says what it is: a form that is sent again
//! gives the same codes, and only a page can tell that they are no new ones. It must not know: how codes are made and kept.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::page::{Page, render, uncached};
use super::qr::Qr;
use super::screen::{host, unreachable};
use crate::http::api::{Made, MadeCode, codes_of, codes_table, replaced_by};
use crate::http::once::Once;
use crate::http::{Problem, Services};
use crate::ledger::Registered;

/// The most cards of a sheet; more codes come as a file only.
pub(super) const CARDS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "sheet.html")]
pub(super) struct SheetPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    /// codes or roster: where they are made.
    pub(super) place: &'a str,
    /// How many there are.
    pub(super) count: String,
    /// That they were made before, and that some of them are good no more.
    pub(super) notes: Vec<String>,
    /// The poll's address, as people type it.
    pub(super) address: String,
    /// Whether phones cannot reach the links.
    pub(super) unreachable: bool,
    /// None where they come as a file only.
    pub(super) cards: Vec<Card>,
    /// Whether all that were made are good no more.
    pub(super) is_empty: bool,
    /// The name of the request that made them.
    pub(super) made: String,
    /// The number of the place whose code was replaced.
    pub(super) replaced: Option<u32>,
}

/// What one voter gets.
pub(super) struct Card {
    pub(super) number: String,
    pub(super) name: Option<String>,
    pub(super) code: String,
    pub(super) qr: Option<Qr>,
}

/// The codes of a request: the sheet, with cards where there are not too many.
pub(super) fn answer(
    services: &Services,
    page: &Page,
    found: &Registered,
    place: &str,
    made: &Made,
    as_file: bool,
) -> Response {
    let shown = if as_file || made.codes.len() > CARDS_MAX { &[][..] } else { &made.codes };
    let card = |one: &MadeCode| Card {
        number: page.language.say_with("card-number", &[("number", &one.number.to_string())]),
        name: one.name.clone(),
        code: one.code.clone(),
        qr: Qr::of(&one.link),
    };
    let title = if made.is_again { "sheet-title-again" } else { "sheet-title" };
    let is_empty = made.codes.is_empty();
    let again = (made.is_again && !is_empty).then(|| page.say("sheet-again"));
    let many = (!as_file && made.codes.len() > CARDS_MAX).then(|| page.language.count("sheet-many", CARDS_MAX as u64));
    let gone = (made.gone > 0).then(|| page.language.count("sheet-gone", made.gone as u64));
    uncached(render(&SheetPage {
        page,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        place,
        count: if is_empty { page.say("sheet-none") } else { page.language.count(title, made.codes.len() as u64) },
        notes: again.into_iter().chain(gone).chain(many).collect(),
        address: format!("{}/{}", host(&services.settings.base_url()), found.election.code),
        unreachable: unreachable(&services.settings).is_some(),
        cards: shown.iter().map(card).collect(),
        is_empty,
        made: made.name.clone(),
        replaced: made.replaced.map(|number| number.0),
    }))
}

/// The file of the codes that a request has made and that are good; none where it has made none. It makes nothing.
pub(super) async fn file(
    services: &Services,
    found: &Registered,
    place: &str,
    made: &str,
    replaced: &str,
) -> Result<Option<Response>, Problem> {
    let Some(once) = Once::of_shown(made) else { return Ok(None) };
    let made = match replaced {
        "" => Some(codes_of(services, found, &once).await?),
        number => replaced_by(services, found, &once, number).await?,
    };
    let Some(made) = made.filter(|made| !made.codes.is_empty()) else { return Ok(None) };
    // Spreadsheets take a table without the mark for one in an older encoding, and spoil every name with an accent.
    let table = ["\u{feff}".as_bytes(), &codes_table(&made.codes)?].concat();
    let mut response = uncached(table.into_response());
    let named = format!("attachment; filename=\"{place}-{}.csv\"", found.election.code);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(named) = HeaderValue::from_str(&named) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(Some(response))
}
