//! Strict, stateful emulators of the vendors.
