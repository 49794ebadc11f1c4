//! Working memory that stays with its thread: fresh pages for each product would cost more than laying it out.

use std::cell::RefCell;

use super::Line;

thread_local! {
    /// Buffers that are not in use; a product inside another takes the next one.
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `lines` lines of any contents.
pub(crate) fn scratch<R>(lines: usize, f: impl FnOnce(&mut [Line]) -> R) -> R {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < lines {
        buffer = vec![Line::ZERO; lines];
    }
    let result = f(&mut buffer[..lines]);
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}
