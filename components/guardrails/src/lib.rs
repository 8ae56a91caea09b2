//! Stage: may this happen?
