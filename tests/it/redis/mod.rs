//! Counters in Redis: whatever happens to it, what is shown is the fold of the ledger at some place, on each node never
//! an older one, and in the end Redis holds the fold of the whole ledger.

mod bench;
mod cluster;
mod damage;
mod nodes;
mod outage;
mod rig;
mod start;
mod writes;
