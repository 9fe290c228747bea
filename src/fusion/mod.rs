//! Fusing arms: which of many treatments share one outcome model.

pub mod partition;
