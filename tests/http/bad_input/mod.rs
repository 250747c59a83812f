//! Whatever is sent: a status that says what is wrong, a code, a pointer to the field; never a 500 and never a panic.

mod bodies;
mod random;
mod wire;
