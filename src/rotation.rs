//! The rotation of a master access key: its journal, where the key is kept, and whose it is.

pub mod interruption;
pub mod journal;
pub mod key_store;
pub mod place;
pub mod user;
