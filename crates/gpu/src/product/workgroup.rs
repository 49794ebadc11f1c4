//! The product by matrices of a whole cube, which the driver lays out, loads and multiplies (VK_NV_cooperative_matrix2).

use cubecl::cmma::{self, Cube, MatrixIdent, MatrixLayout};
use cubecl::prelude::*;

/// What the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// Rows, columns and terms of a step.
    pub tile: [usize; 3],
    pub a_deep: bool,
    pub b_deep: bool,
}

/// `c = a b`; both inputs are stored in the precision of the product. A part's result follows that of the part before it.
#[cube(launch_unchecked)]
pub(super) fn workgroup_kernel<E: Float>(
    a: &[E],
    b: &[E],
    c: &mut [f32],
    m: u32,
    n: u32,
    k: u32,
    part: u32,
    parts: u32,
    #[comptime] shape: Shape,
    #[define(E)] _element: ElemType,
) {
    let Shape { tile, a_deep, b_deep } = comptime!(shape);
    let [rows, columns, depth] = comptime!(tile);
    let (tile_rows, tile_columns, tile_depth) = comptime!((rows as u32, columns as u32, depth as u32));
    // Rows of a multiple of eight numbers: said so that the driver knows how a load is aligned.
    let (m8, n8, k8) = (m & 0xffff_fff8u32, n & 0xffff_fff8u32, k & 0xffff_fff8u32);
    let a_view = if comptime!(a_deep) {
        TensorView::new(a, seq![m, k]).with_strides(seq![k8, 1u32]).finish()
    } else {
        TensorView::new(a, seq![k, m]).with_strides(seq![m8, 1u32]).finish()
    };
    let b_view = if comptime!(b_deep) {
        TensorView::new(b, seq![n, k]).with_strides(seq![k8, 1u32]).finish()
    } else {
        TensorView::new(b, seq![k, n]).with_strides(seq![n8, 1u32]).finish()
    };
    let c_view = TensorView::new(&*c, seq![parts * m, n]).with_strides(seq![n8, 1u32]).finish();
    let row = CUBE_POS_Y * tile_rows;
    let column = CUBE_POS_X * tile_columns;
    let begin = CUBE_POS_Z * part;
    let end = k.min(begin + part);

    // SAFETY: loaded whole before it is read.
    let mut left = unsafe {
        cmma::Matrix::<E, Cube>::uninitialized(MatrixIdent::A, rows, columns, depth, MatrixLayout::Undefined)
    };
    // SAFETY: loaded whole before it is read.
    let mut right = unsafe {
        cmma::Matrix::<E, Cube>::uninitialized(MatrixIdent::B, rows, columns, depth, MatrixLayout::Undefined)
    };
    let sum = cmma::Matrix::<f32, Cube>::from_value(
        MatrixIdent::Accumulator,
        rows,
        columns,
        depth,
        MatrixLayout::Undefined,
        0.0,
    );
    for term in range_stepped(begin, end, tile_depth) {
        if comptime!(a_deep) {
            cmma::load_tensor(&mut left, &a_view.slice(seq![row, term], seq![tile_rows, tile_depth]));
        } else {
            let slice = a_view.slice(seq![term, row], seq![tile_depth, tile_rows]);
            cmma::load_tensor(&mut left, &slice.permuted(seq![1, 0]));
        }
        if comptime!(b_deep) {
            let slice = b_view.slice(seq![column, term], seq![tile_columns, tile_depth]);
            cmma::load_tensor(&mut right, &slice.permuted(seq![1, 0]));
        } else {
            cmma::load_tensor(&mut right, &b_view.slice(seq![term, column], seq![tile_depth, tile_columns]));
        }
        cmma::execute(&left, &right, &sum, &sum);
    }
    let mut to = c_view.slice(seq![CUBE_POS_Z * m + row, column], seq![tile_rows, tile_columns]);
    cmma::store_tensor(&mut to, &sum);
}
