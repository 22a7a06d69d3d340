//! fibonacci
