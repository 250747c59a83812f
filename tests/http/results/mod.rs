//! The results page, what can be taken away from it, and the frame for other pages.

mod ballots;
mod files;
mod frames;
mod late;
mod page;
