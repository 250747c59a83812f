//! The commands beside `serve`: copies, recounts, exports, tokens, and what an operator looks at.

mod copies;
mod exports;
mod tools;
