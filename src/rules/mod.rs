//! What a leak looks like: rules as data (law L7).
