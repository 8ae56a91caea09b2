//! Stage: understands what a person wants.
