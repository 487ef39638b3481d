//! jostle-lab
