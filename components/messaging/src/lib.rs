//! Stage: chat wire formats, read and written (Slack).
