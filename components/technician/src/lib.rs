//! Trigger: the reference monitor; drives cases and sends every request.
