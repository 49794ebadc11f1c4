use super::*;
use crate::testing::{close, device, download, numbers, upload};

/// `Σ_l a(i, l) b(l, j)` in `f64`.
fn reference(product: Product, a: &[f32], b: &[f32]) -> Vec<f32> {
    let Product { m, n, k, a_deep, b_deep } = product;
    let term = |i: usize, j: usize, l: usize| {
        let a = if a_deep { a[i * k + l] } else { a[l * m + i] };
        let b = if b_deep { b[j * k + l] } else { b[l * n + j] };
        f64::from(a) * f64::from(b)
    };
    (0..m * n).map(|e| (0..k).map(|l| term(e / n, e % n, l)).sum::<f64>() as f32).collect()
}

const TINY: Tiling = Tiling { tile: [64, 32], depth: 32, planes: [2, 1], buffers: 1, cubes: 4 };

/// All orders of both matrices, in all three ways of treating the target.
fn check(way: Way, tiling: Tiling, [m, n, k]: [usize; 3]) {
    let Some(client) = device() else { return };
    for orders in 0..4 {
        let product = Product { m, n, k, a_deep: orders & 1 == 0, b_deep: orders & 2 == 0 };
        let (a, b, r) = (numbers(1, m * k), numbers(2, k * n), numbers(3, m * n));
        let want = reference(product, &a, &b);
        let sum: Vec<f32> = want.iter().zip(&r).map(|(x, r)| x + r).collect();
        let [a, b, r] = [&a, &b, &r].map(|it| upload(&client, it));
        let run = |target| {
            let out = multiply_by(&client, Precision::Float32, product, (&a).into(), (&b).into(), target, tiling, way);
            download(&client, &out)
        };
        close("new", &run(Target::New), &want, 2e-6);
        close("plus", &run(Target::Plus(&r)), &sum, 2e-6);
        let over = client.empty(m * n * 4);
        close("over", &run(Target::Over(&over)), &want, 2e-6);
        close("onto", &run(Target::Onto(&r)), &sum, 2e-6);
    }
}

#[test]
fn plain_tiles() {
    let tiling = Tiling { tile: [64, 64], ..TINY };
    for sizes in [[64, 128, 32], [70, 4, 68], [9, 130, 33], [16, 12, 2000]] {
        check(Way::Plain, tiling, sizes);
    }
    check(Way::Plain, Tiling { tile: [128, 64], ..TINY }, [128, 64, 64]);
    check(Way::Plain, Tiling { tile: [64, 128], ..TINY }, [64, 130, 40]);
}

/// The steps of the tensor cores' kernel around the product of fragments.
#[test]
fn cooperative_tiles_with_emulated_fragments() {
    for sizes in [[64, 32, 32], [128, 64, 96], [68, 44, 36], [16, 12, 2000]] {
        check(Way::Emulated, TINY, sizes);
    }
    check(Way::Emulated, Tiling { planes: [2, 2], buffers: 2, depth: 16, tile: [32, 64], cubes: 1 }, [64, 68, 80]);
}

/// Each number to the nearest of the lower precision, at ties the even one, as `half` rounds; also special numbers.
#[test]
fn rounding() {
    let Some(client) = device() else { return };
    let bits = |x: u32| f32::from_bits(x);
    let ulp = 2f32.powi(-7);
    let x = [1.0, 1.0 + 0.5 * ulp, 1.0 + 1.5 * ulp, -1.0 - 0.51 * ulp, f32::MAX, f32::INFINITY, bits(0x7fff_ffff)];
    let want = [1.0, 1.0, 1.0 + 2.0 * ulp, -1.0 - ulp, f32::INFINITY, f32::INFINITY, f32::NAN];
    same(&rounded_by(&client, Precision::Bfloat16, &x), &want);
    let step = 2f32.powi(-24);
    let x = [
        1.0 + 2f32.powi(-11),
        -1.0 - 3.0 * 2f32.powi(-11),
        65519.0,
        65520.0,
        1.5 * step,
        0.4 * step,
        bits(0xffc0_0000),
    ];
    let want = [1.0, -1.0 - 2f32.powi(-9), 65504.0, f32::INFINITY, 2.0 * step, 0.0, f32::NAN];
    same(&rounded_by(&client, Precision::Float16, &x), &want);
}

/// Each number times 1, alone in its row.
fn rounded_by(client: &Client, precision: Precision, x: &[f32]) -> Vec<f32> {
    let product = Product { m: x.len(), n: 1, k: 1, a_deep: true, b_deep: true };
    let (a, b) = (upload(client, x), upload(client, &[1.0]));
    let tiling = Tiling { tile: [64, 64], ..TINY };
    let c = multiply_by(client, precision, product, (&a).into(), (&b).into(), Target::New, tiling, Way::Plain);
    download(client, &c)
}

#[track_caller]
fn same(got: &[f32], want: &[f32]) {
    for (got, want) in got.iter().zip(want) {
        assert!(got == want || got.is_nan() && want.is_nan(), "{got:e} for {want:e}");
    }
}
