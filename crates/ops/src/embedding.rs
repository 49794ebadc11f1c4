use crate::fused;
use burn::tensor::{Int, Tensor, TensorData};

/// Rows of a table.
///
/// # Shapes
/// - `table`: `[vocabulary, width]`
/// - `ids`: `[tokens]`, each below the vocabulary
/// - result: `[tokens, width]`
pub fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    if fused::has_kernels(&table.device()) {
        return fused::embedding(table, ids);
    }
    reference(table, ids)
}

/// [`embedding()`] of Burn's own operations.
pub fn reference(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    let ids = Tensor::<1, Int>::from_data(TensorData::from(ids.as_slice()), &table.device());
    table.select(0, ids)
}
