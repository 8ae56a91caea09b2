//! Stage: keeps the ticket in the PSA (ConnectWise).
