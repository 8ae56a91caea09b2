//! Trigger: the API for people.
