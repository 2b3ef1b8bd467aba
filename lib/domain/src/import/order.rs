//! In what order rows are carried out: components before what consists of them, wherever they stand in the file.

use std::collections::HashMap;

use super::{Line, RowFault};

/// Rows that are carried out together: none of them names another one as a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Indices of lines.
    pub lines: Vec<usize>,
    /// True if they have components: then they may be parts of the same bills of materials as others.
    pub composed: bool,
}

/// Every line in one batch of `most` at most: refused ones among the first, rows without components next, then level by level. Rows that consist of each
/// other in a circle are refused here. The same lines give the same batches.
pub fn batches(lines: &mut [Line], most: usize) -> Vec<Batch> {
    let levels = levels(lines);
    for (line, level) in lines.iter_mut().zip(&levels) {
        if level.is_none() {
            let message = "Its components lead in a circle through other rows of this file.";
            line.row = Err(RowFault::new("components", "cycle", message));
        }
    }
    let mut by_level: Vec<Vec<usize>> = Vec::new();
    for (index, level) in levels.into_iter().enumerate() {
        let level = level.unwrap_or_default();
        if by_level.len() <= level {
            by_level.resize(level + 1, Vec::new());
        }
        if let Some(rows) = by_level.get_mut(level) {
            rows.push(index);
        }
    }
    let batch = |(level, rows): (usize, Vec<usize>)| {
        rows.chunks(most.max(1)).map(|lines| Batch { lines: lines.to_vec(), composed: level > 0 }).collect::<Vec<_>>()
    };
    by_level.into_iter().enumerate().flat_map(batch).collect()
}

/// The level of each line: 0 without components, else one above its highest component of this file. None for those of a circle and above one.
fn levels(lines: &[Line]) -> Vec<Option<usize>> {
    let rows = lines.iter().enumerate().filter_map(|(index, line)| Some((index, line.row.as_ref().ok()?)));
    let by_sku: HashMap<&str, usize> = rows.clone().map(|(index, row)| (row.sku.as_str(), index)).collect();
    // Kahn's way: a row is ready once all of its components are.
    let mut levels = vec![None; lines.len()];
    let mut waiting = vec![0_usize; lines.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); lines.len()];
    for (index, row) in rows {
        for part in row.components.iter().flatten() {
            if let Some(users) = by_sku.get(part.sku.as_str()).and_then(|part| users.get_mut(*part)) {
                users.push(index);
                if let Some(waiting) = waiting.get_mut(index) {
                    *waiting += 1;
                }
            }
        }
    }
    let mut ready = Vec::new();
    for (index, (line, waiting)) in lines.iter().zip(&waiting).enumerate() {
        if *waiting == 0 {
            let composed = line.row.as_ref().is_ok_and(|row| row.components.as_ref().is_some_and(|parts| !parts.is_empty()));
            if let Some(level) = levels.get_mut(index) {
                *level = Some(usize::from(composed));
            }
            ready.push(index);
        }
    }
    let mut least = vec![1_usize; lines.len()];
    while let Some(index) = ready.pop() {
        let own = levels.get(index).copied().flatten().unwrap_or_default();
        for user in users.get(index).into_iter().flatten() {
            let (Some(waiting), Some(least), Some(level)) = (waiting.get_mut(*user), least.get_mut(*user), levels.get_mut(*user)) else {
                continue;
            };
            *waiting -= 1;
            *least = (*least).max(own + 1);
            if *waiting == 0 {
                *level = Some(*least);
                ready.push(*user);
            }
        }
    }
    levels
}
