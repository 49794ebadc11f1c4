//! One key-value head of one window: what a thread does at a time.

use super::strip::{STRIP, Span, outer_rows, scores, transpose, weighted_rows};
use super::{AttentionShape, Rotary};
use crate::vector::{Block, LANES, Simd, dot};

/// What the backward pass reads of one window (`out`, `d_out`, all heads) and of one task (`lse` `[group, time]`).
#[derive(Clone, Copy)]
pub(super) struct Saved<'a> {
    pub(super) out: &'a [f32],
    pub(super) d_out: &'a [f32],
    pub(super) lse: &'a [f32],
}

/// Working memory of a task, kept from one to the next.
#[derive(Default)]
pub(super) struct Scratch {
    /// Keys and values, transposed: `[key_blocks, head_width]` blocks of sixteen positions.
    keys_t: Vec<Block>,
    values_t: Vec<Block>,
    /// Keys, values, their gradients: `[16 key_blocks, head_blocks]`.
    keys: Vec<Block>,
    values: Vec<Block>,
    d_keys: Vec<Block>,
    d_values: Vec<Block>,
    /// Probabilities of a strip and the gradient of its scores: `[STRIP, blocks of the span]`.
    p: Vec<Block>,
    dp: Vec<Block>,
    /// Queries and output gradients of a strip: `[STRIP, head_blocks]`, and transposed: `[head_width]`.
    queries: Vec<Block>,
    queries_t: Vec<Block>,
    d_outs: Vec<Block>,
    d_outs_t: Vec<Block>,
}

impl Scratch {
    fn resize(&mut self, shape: AttentionShape) {
        let (blocks, width, keys) = (shape.head_blocks(), shape.head_width, shape.key_blocks());
        for x in [&mut self.keys_t, &mut self.values_t] {
            x.resize(keys * width, [0.0; LANES]);
        }
        for x in [&mut self.keys, &mut self.values] {
            x.resize(keys * LANES * blocks, [0.0; LANES]);
        }
        for x in [&mut self.queries, &mut self.d_outs] {
            x.resize(STRIP * blocks, [0.0; LANES]);
        }
        for x in [&mut self.queries_t, &mut self.d_outs_t] {
            x.resize(width, [0.0; LANES]);
        }
    }
}

/// One key-value head of one window, with what it reads.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    shape: AttentionShape,
    /// `qkv` and `starts` of the window.
    qkv: &'a [f32],
    starts: &'a [u32],
    rotary: &'a Rotary,
    kv_head: usize,
}

impl<'a> Task<'a> {
    pub(super) fn new(
        shape: AttentionShape,
        qkv: &'a [f32],
        starts: &'a [u32],
        rotary: &'a Rotary,
        window: usize,
        kv_head: usize,
    ) -> Self {
        let (time, width) = (shape.time, shape.qkv_width());
        let qkv = &qkv[window * time * width..][..time * width];
        Self { shape, qkv, starts: &starts[window * time..][..time], rotary, kv_head }
    }

    /// All of the window's projection, also the heads of other tasks.
    pub(super) fn qkv(&self) -> &'a [f32] {
        self.qkv
    }

    /// First column of a query head, of the key head, of the value head in `qkv`.
    fn query(&self, member: usize) -> usize {
        (self.kv_head * self.shape.group() + member) * self.shape.head_width
    }

    fn key(&self) -> usize {
        (self.shape.heads + self.kv_head) * self.shape.head_width
    }

    fn value(&self) -> usize {
        (self.shape.heads + self.shape.kv_heads + self.kv_head) * self.shape.head_width
    }

    /// Place of position `p` in its document.
    fn place(&self, p: usize) -> usize {
        p - self.starts[p] as usize
    }

    fn scale(&self) -> f32 {
        1.0 / (self.shape.head_width as f32).sqrt()
    }

    fn spans(self) -> impl Iterator<Item = Span> + 'a {
        (0..self.shape.time).step_by(STRIP).map(move |first| {
            let last = (first + STRIP).min(self.shape.time);
            let start = self.starts[first..last].iter().min().expect("a strip has a query");
            Span { first, last, low: *start as usize / LANES, high: (last - 1) / LANES + 1 }
        })
    }

    /// Which of the sixteen keys of block `block` the query at `p` sees.
    #[inline(always)]
    fn visible(&self, p: usize, block: usize) -> u16 {
        let below = |limit: usize| (1u32 << limit.saturating_sub(block * LANES).min(LANES)) - 1;
        (below(p + 1) & !below(self.starts[p] as usize)) as u16
    }

    /// Sixteen head vectors of `qkv`, from position `first` and column `column` on, turned to their places; zeros beyond the window.
    #[inline(always)]
    fn turned_strip<S: Simd>(&self, s: S, first: usize, column: usize, scale: f32, rows: &mut [Block]) {
        let (blocks, width) = (self.shape.head_blocks(), self.shape.qkv_width());
        let scale = s.splat(scale);
        for (r, row) in rows.chunks_exact_mut(blocks).enumerate() {
            for (b, block) in row.iter_mut().enumerate() {
                let at = first + r;
                let v = if at < self.shape.time {
                    s.mul(self.rotary.turn::<S, false>(s, self.qkv, at * width + column, self.place(at), b), scale)
                } else {
                    s.zero()
                };
                s.store(v, block);
            }
        }
    }

    /// The same of any matrix of the window, as they are.
    #[inline(always)]
    fn strip<S: Simd>(&self, s: S, matrix: &[f32], width: usize, first: usize, column: usize, rows: &mut [Block]) {
        for (r, row) in rows.chunks_exact_mut(self.shape.head_blocks()).enumerate() {
            for (b, block) in row.iter_mut().enumerate() {
                let at = first + r;
                let v = if at < self.shape.time { s.at(matrix, at * width + column + b * LANES) } else { s.zero() };
                s.store(v, block);
            }
        }
    }

    #[inline(always)]
    pub(super) fn forward<S: Simd>(&self, s: S, scratch: &mut Scratch, out: &mut [&mut [f32]], lse: &mut [f32]) {
        scratch.resize(self.shape);
        let Scratch { keys_t, values, p, queries, queries_t, .. } = scratch;
        let (shape, width, blocks) = (self.shape, self.shape.head_width, self.shape.head_blocks());
        let strips = keys_t.chunks_exact_mut(width).zip(values.chunks_exact_mut(LANES * blocks));
        for (i, (keys_t, values)) in strips.enumerate() {
            self.turned_strip(s, i * LANES, self.key(), 1.0, queries);
            transpose(s, queries, keys_t);
            self.strip(s, self.qkv, shape.qkv_width(), i * LANES, self.value(), values);
        }
        for member in 0..shape.group() {
            for span in self.spans() {
                self.turned_strip(s, span.first, self.query(member), self.scale(), queries);
                transpose(s, queries, queries_t);
                scores(s, queries_t, keys_t, span, p);
                let (largest, sums) = self.softmax(s, span, p);
                for at in span.first..span.last {
                    let r = at - span.first;
                    lse[member * shape.time + at] = largest[r] + sums[r].ln();
                }
                let inverse = sums.map(f32::recip);
                weighted_rows(
                    s,
                    p,
                    span,
                    values,
                    blocks,
                    #[inline(always)]
                    |r, block, v| {
                        if span.first + r < span.last {
                            let columns = &mut out[span.first + r][member * width..][..width];
                            s.put(s.mul(v, s.splat(inverse[r])), columns, block * LANES);
                        }
                    },
                );
            }
        }
    }

    /// Turns a strip of scores into `e^(score - largest of the row)`, zero where the key is not visible; returns the largest
    /// and the sum of each row. Rows beyond the window are left as they are.
    #[inline(always)]
    fn softmax<S: Simd>(&self, s: S, span: Span, p: &mut [Block]) -> (Block, Block) {
        let rows = span.last - span.first;
        let (mut tops, mut sums) = ([s.zero(); STRIP], [s.zero(); STRIP]);
        for (r, row) in p.chunks_exact(span.blocks()).take(rows).enumerate() {
            let lowest = s.splat(f32::NEG_INFINITY);
            let mut top = lowest;
            for (b, block) in row.iter().enumerate() {
                let visible = self.visible(span.first + r, span.low + b);
                top = s.max(s.select(visible, s.load(block), lowest), top);
            }
            tops[r] = top;
        }
        let mut largest = [0.0; STRIP];
        s.store(s.all_largest(tops), &mut largest);
        for (r, row) in p.chunks_exact_mut(span.blocks()).take(rows).enumerate() {
            let mut sum = s.zero();
            for (b, block) in row.iter_mut().enumerate() {
                let e = s.exp(s.sub(s.load(block), s.splat(largest[r])));
                let e = s.select(self.visible(span.first + r, span.low + b), e, s.zero());
                sum = s.add(sum, e);
                s.store(e, block);
            }
            sums[r] = sum;
        }
        let mut totals = [0.0; STRIP];
        s.store(s.totals(sums), &mut totals);
        (largest, totals)
    }

    #[inline(always)]
    pub(super) fn backward<S: Simd>(
        &self,
        s: S,
        scratch: &mut Scratch,
        saved: Saved<'_>,
        gradients: &mut [Vec<&mut [f32]>; 3],
    ) {
        let (shape, width, blocks) = (self.shape, self.shape.head_width, self.shape.head_blocks());
        self.gather(s, scratch);
        let [dq, dk, dv] = gradients;
        for member in 0..shape.group() {
            for span in self.spans() {
                self.strip_gradients(s, scratch, saved, member, span);
                let Scratch { keys, d_keys, d_values, p, dp, queries, d_outs, .. } = &mut *scratch;
                outer_rows(s, dp, span, queries, blocks, d_keys);
                outer_rows(s, p, span, d_outs, blocks, d_values);
                // The queries have done their work: their rows take the gradient, still turned and without the scale.
                weighted_rows(
                    s,
                    dp,
                    span,
                    keys,
                    blocks,
                    #[inline(always)]
                    |r, block, v| s.store(v, &mut queries[r * blocks + block]),
                );
                for at in span.first..span.last {
                    let columns = &mut dq[at][member * width..][..width];
                    self.turn_back(s, queries, at - span.first, at, self.scale(), columns);
                }
            }
        }
        for at in 0..shape.time {
            self.turn_back(s, &scratch.d_keys, at, at, 1.0, dk[at]);
            for b in 0..blocks {
                s.put(s.load(&scratch.d_values[at * blocks + b]), dv[at], b * LANES);
            }
        }
    }

    /// Row `row` of `rows`, turned back from the place of position `at`.
    #[inline(always)]
    fn turn_back<S: Simd>(&self, s: S, rows: &[Block], row: usize, at: usize, scale: f32, out: &mut [f32]) {
        let (blocks, scale) = (self.shape.head_blocks(), s.splat(scale));
        for b in 0..blocks {
            let v = self.rotary.turn::<S, true>(s, rows.as_flattened(), row * blocks * LANES, self.place(at), b);
            s.put(s.mul(v, scale), out, b * LANES);
        }
    }

    /// Keys and values as the backward pass reads them; their gradients start as zeros.
    #[inline(always)]
    fn gather<S: Simd>(&self, s: S, scratch: &mut Scratch) {
        scratch.resize(self.shape);
        let (shape, width, blocks) = (self.shape, self.shape.head_width, self.shape.head_blocks());
        let Scratch { keys_t, values_t, keys, values, d_keys, d_values, .. } = scratch;
        for i in 0..shape.key_blocks() {
            let rows = i * LANES * blocks..(i + 1) * LANES * blocks;
            self.turned_strip(s, i * LANES, self.key(), 1.0, &mut keys[rows.clone()]);
            transpose(s, &keys[rows.clone()], &mut keys_t[i * width..][..width]);
            self.strip(s, self.qkv, shape.qkv_width(), i * LANES, self.value(), &mut values[rows.clone()]);
            transpose(s, &values[rows], &mut values_t[i * width..][..width]);
        }
        for x in [d_keys, d_values] {
            x.clear();
            x.resize(shape.key_blocks() * LANES * blocks, [0.0; LANES]);
        }
    }

    /// Leaves the probabilities of a strip in `scratch.p` and the gradient of its scores in `scratch.dp`:
    /// `p (d_out · value - d_out · out)`.
    #[inline(always)]
    fn strip_gradients<S: Simd>(&self, s: S, scratch: &mut Scratch, saved: Saved<'_>, member: usize, span: Span) {
        let Scratch { keys_t, values_t, p, dp, queries, queries_t, d_outs, d_outs_t, .. } = scratch;
        let shape = self.shape;
        self.turned_strip(s, span.first, self.query(member), self.scale(), queries);
        transpose(s, queries, queries_t);
        self.strip(s, saved.d_out, shape.width(), span.first, self.query(member), d_outs);
        transpose(s, d_outs, d_outs_t);
        scores(s, queries_t, keys_t, span, p);
        scores(s, d_outs_t, values_t, span, dp);
        for r in 0..STRIP {
            let at = span.first + r;
            let strip = r * span.blocks()..(r + 1) * span.blocks();
            if at >= span.last {
                dp[strip.clone()].fill([0.0; LANES]);
                p[strip].fill([0.0; LANES]);
                continue;
            }
            let row =
                at * shape.width() + self.query(member)..at * shape.width() + self.query(member) + shape.head_width;
            let along = s.splat(dot(s, &saved.d_out[row.clone()], &saved.out[row]));
            let lse = s.splat(saved.lse[member * shape.time + at]);
            for (b, (p, dp)) in p[strip.clone()].iter_mut().zip(&mut dp[strip]).enumerate() {
                let e = s.exp(s.sub(s.load(p), lse));
                let e = s.select(self.visible(at, span.low + b), e, s.zero());
                s.store(s.mul(e, s.sub(s.load(dp), along)), dp);
                s.store(e, p);
            }
        }
    }
}
