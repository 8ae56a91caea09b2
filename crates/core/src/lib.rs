//! Cases, journal, records, keys, signatures, sealing, redaction: no Spin, no WIT, no I/O.
