//! A small simulated chain, seeded: what its operational systems would drop.
