//! Access codes that were just made, shown once: as cards to cut out, and as a CSV file.
//!
//! Invariant: what holds codes is cached nowhere. It must not know: how codes are made and kept.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hustings_core::AccessCode;

use super::page::{Page, render};
use super::qr::Qr;
use super::screen::{host, unreachable};
use crate::http::api::{MadeCode, codes_table};
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
    /// codes or roster: where they were made.
    pub(super) place: &'a str,
    /// How many there are.
    pub(super) count: String,
    /// The poll's address, as people type it.
    pub(super) address: String,
    /// Whether phones cannot reach the links.
    pub(super) unreachable: bool,
    pub(super) cards: Vec<Card>,
    /// The same codes, for the file.
    pub(super) lines: String,
}

/// What one voter gets.
pub(super) struct Card {
    pub(super) number: String,
    pub(super) name: Option<String>,
    pub(super) code: String,
    pub(super) qr: Option<Qr>,
}

/// Codes that were just made: the sheet where there are not too many, or the file.
pub(super) fn answer(
    services: &Services,
    page: &Page,
    found: &Registered,
    place: &str,
    made: &[MadeCode],
    as_file: bool,
) -> Result<Response, Problem> {
    if as_file || made.len() > CARDS_MAX {
        return file(found, place, made);
    }
    let card = |one: &MadeCode| Card {
        number: page.language.say_with("card-number", &[("number", &one.number.to_string())]),
        name: one.name.clone(),
        code: one.code.clone(),
        qr: Qr::of(&one.link),
    };
    let mut response = render(&SheetPage {
        page,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        place,
        count: page.language.count("sheet-title", made.len() as u64),
        address: format!("{}/{}", host(&services.settings.base_url()), found.election.code),
        unreachable: unreachable(&services.settings).is_some(),
        cards: made.iter().map(card).collect(),
        lines: lines(made),
    });
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The file of codes that a sheet has shown; it makes nothing, and what is no code is left out.
pub(super) fn again(services: &Services, found: &Registered, place: &str, lines: &str) -> Result<Response, Problem> {
    let page = format!("{}/{}", services.settings.base_url(), found.election.code);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines.as_bytes());
    let shown = reader.records().flatten().take(CARDS_MAX).filter_map(|record| {
        let text = |at| record.get(at).filter(|text| !text.is_empty()).map(str::to_owned);
        let code: AccessCode = record.get(1)?.parse().ok()?;
        let link = format!("{page}/c/{code}");
        let number = record.get(0)?.parse().ok()?;
        Some(MadeCode { number, name: text(2), email: text(3), code: code.to_string(), link })
    });
    file(found, place, &shown.collect::<Vec<_>>())
}

/// A line for each code: number, code, name, e-mail.
fn lines(made: &[MadeCode]) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for MadeCode { number, name, email, code, .. } in made {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        // Writing to memory does not fail.
        let _written = writer.write_record([&number.to_string(), code, &text(name), &text(email)]);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn file(found: &Registered, place: &str, made: &[MadeCode]) -> Result<Response, Problem> {
    let mut response = codes_table(made)?.into_response();
    let named = format!("attachment; filename=\"{place}-{}.csv\"", found.election.code);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(named) = HeaderValue::from_str(&named) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(response)
}
