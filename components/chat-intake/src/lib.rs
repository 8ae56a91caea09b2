//! Trigger: takes chat webhooks in.
