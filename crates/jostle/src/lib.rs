//! jostle
