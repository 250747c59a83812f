//! The commands beside `serve`: copies, moves, recounts, exports, tokens, and what an operator looks at.

mod copies;
mod exports;
mod https;
mod migrate;
mod migrate_killed;
mod output;
mod report;
mod tampered;
mod tools;
