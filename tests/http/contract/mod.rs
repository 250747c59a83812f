//! The contract, address by address: what is asked, and the whole answer.

mod live;
mod ops;
mod polls;
mod results;
mod votes;
