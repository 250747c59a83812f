//! Long tables as files: written page by page, as they are read.
//!
//! Invariant: a file that could not be written to its end breaks off, and is never taken for whole. Memory: a page.

use std::io::{self, Read, Seek};

use axum::body::{Body, Bytes};

use super::Problem;
use crate::export::sheets::{self, ROWS_MAX, Row, Sheet};

/// The rows of a file, as they are read.
pub(super) trait Pages: Send + 'static {
    /// What it is made of.
    type Row: Row + Send + 'static;

    /// The next rows, maybe none of a page; nothing at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<Self::Row>>, Problem>> + Send;
}

/// Comma-separated values.
pub(super) fn csv<P: Pages>(pages: P) -> Result<Body, Problem> {
    let head = sheets::csv_header::<P::Row>().map_err(|_| unwritable())?;
    Ok(lines(pages, head, |row, out| {
        out.extend(sheets::csv_line(row).map_err(io::Error::other)?);
        Ok(())
    }))
}

/// Lines below a first one.
pub(super) fn lines<P: Pages>(pages: P, head: Vec<u8>, write: fn(&P::Row, &mut Vec<u8>) -> io::Result<()>) -> Body {
    let rest = futures_util::stream::unfold((Some(head), Some(pages)), move |(head, pages)| async move {
        if let Some(head) = head {
            return Some((Ok(Bytes::from(head)), (None, pages)));
        }
        let mut pages = pages?;
        let bytes = match pages.next().await {
            Ok(None) => return None,
            Ok(Some(rows)) => {
                let mut out = Vec::new();
                rows.iter().try_for_each(|row| write(row, &mut out)).map(|()| Bytes::from(out))
            }
            Err(problem) => Err(io::Error::other(problem.detail().to_owned())),
        };
        // After an error there are no pages: the answer breaks off, and whoever reads it notices.
        let pages = bytes.is_ok().then_some(pages);
        Some((bytes, (None, pages)))
    });
    Body::from_stream(rest)
}

/// A book of Excel, written to a file of its own that is gone when it was sent; with what is to be said about the rows.
pub(super) async fn xlsx<P: Pages>(mut pages: P, about: &[(&'static str, String)]) -> Result<Body, Problem> {
    let mut sheet = blocking(|| Sheet::new::<P::Row>(ROWS_MAX)).await?;
    while let Some(rows) = pages.next().await? {
        let (back, fits) = blocking(move || {
            for row in &rows {
                if !sheet.write(row)? {
                    return Ok((sheet, false));
                }
            }
            Ok::<_, rust_xlsxwriter::XlsxError>((sheet, true))
        })
        .await?;
        sheet = back;
        if !fits {
            break;
        }
    }
    let about = about.to_vec();
    let file = blocking(move || {
        let mut file = tempfile::tempfile()?;
        sheet.finish(&about, &mut file).map_err(io::Error::other)?;
        file.rewind()?;
        Ok::<_, io::Error>(file)
    })
    .await?;
    let chunks = futures_util::stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; 64 * 1024];
            let length = file.read(&mut chunk)?;
            chunk.truncate(length);
            Ok::<_, io::Error>((chunk, file))
        });
        match read.await.map_err(io::Error::other).and_then(|read| read) {
            Ok((chunk, _)) if chunk.is_empty() => None,
            Ok((chunk, file)) => Some((Ok(Bytes::from(chunk)), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(Body::from_stream(chunks))
}

/// Work that would keep others waiting, on a thread of its own.
async fn blocking<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            tracing::warn!(%error, "an export could not be written");
            Err(unwritable())
        }
        Err(_) => Err(unwritable()),
    }
}

fn unwritable() -> Problem {
    Problem::unavailable(
        "export_failed",
        "the file could not be written; is there room in the folder for temporary files?",
    )
}
