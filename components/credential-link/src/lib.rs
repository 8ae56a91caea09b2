//! Trigger: shows a secret once.
