package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sums of matrix products of whole arrays, cut into tiles of the output that each fit a core's cache and are computed by
 * one thread, term after term.
 *
 * <p>The number of tokens differs from batch to batch, and oneDNN compiles code for every new shape, which takes a
 * millisecond. So the dimension that counts tokens (the rows, or in a weight's gradient the summed dimension) is cut into
 * pieces of a few fixed sizes, which are soon all compiled.
 */
final class MatrixProduct implements AutoCloseable {
    private static final int ROWS = 256;
    /** Rows where a multiplication costs so little that bringing a tile's matrices into blocks for it counts: an eighth less. */
    private static final int ROWS_WITH_AMX = 512;
    private static final int COLUMNS = 512;
    private static final int SMALL = 16;
    /** Tiles are a multiple of this wide, since oneDNN computes vectors side by side and is slow at the odd ones. */
    private static final int WIDTH = 32;
    /** Tiles that first turn bytes into numbers are taller, to do so less often, and narrower, to keep them in the cache. */
    private static final int UNPACKED_ROWS = 512;
    private static final int UNPACKED_COLUMNS = 128;
    private static final int UNPACKED = 11;
    /** Multiplications that are worth a chunk of their own: some tens of microseconds. */
    private static final long CHUNK = 4_000_000;
    private static final String NAME = "matmul";
    private final Workers workers;
    private final FewRows few;
    private final HeldCopies gradientCopies;
    private final LongProduct longProducts;
    private final SharedFloats floats;

    /**
     * Products by weights of which there may be copies.
     *
     * @param few            takes over products of few rows
     * @param gradientCopies of weights that are multiplied as they lie
     */
    MatrixProduct(Workers workers, FewRows few, HeldCopies gradientCopies) {
        this.workers = workers;
        longProducts = new LongProduct(workers);
        floats = new SharedFloats(workers);
        this.few = few;
        this.gradientCopies = gradientCopies;
    }

    /** Computes sums that do not depend on each other, all their tiles in one go. */
    synchronized void run(List<ProductSum> sums) {
        few.begin();
        List<Sum> work = new ArrayList<>(sums.size());
        for (ProductSum sum : sums) {
            if (LongProduct.suits(sum)) {
                longProducts.run(sum.products().get(0), sum.out());
            } else if (sum.out().length() > 0) {
                work.add(new Sum(sum, few, gradientCopies, workers));
            }
        }
        floats.begin();
        work.forEach(sum -> sum.shareFloats(floats));
        // The largest tiles first, so that the threads end at about the same time.
        work.sort(Comparator.comparingLong(Sum::workPerTile).reversed());
        int[] begins = new int[work.size() + 1];
        for (int i = 0; i < work.size(); i++) {
            begins[i + 1] = begins[i] + work.get(i).tiles();
        }
        workers.run(begins[work.size()], (worker, chunk) -> {
            int index = 0;
            while (chunk >= begins[index + 1]) {
                index++;
            }
            work.get(index).tile(worker, chunk - begins[index]);
        });
    }

    @Override
    public void close() {
        longProducts.close();
        floats.close();
    }

    /**
     * The next piece of a dimension of which {@code left} remain: the longest, 256, 192, 128, 64, 48, 32, 16, or what is
     * left.
     */
    private static int piece(int left, int longest) {
        if (left >= ROWS) {
            return left >= longest ? longest : ROWS;
        }
        if (left >= 64) {
            return left / 64 * 64;
        }
        return left >= SMALL ? left / SMALL * SMALL : left;
    }

    /** Where block {@code index} of {@code blocks} begins, at a multiple of 16 so that vectors are whole. */
    static int boundary(int index, int blocks, int size) {
        return index == blocks ? size : (int) ((long) size * index / blocks) / 16 * 16;
    }

    /** One output with the terms that make it. */
    private static final class Sum {
        private final int m;
        private final int n;
        private final long out;
        private final boolean outBfloat16;
        private final long addend;
        private final boolean accumulate;
        private final Term[] terms;
        private final boolean rowsAreTokens;
        private final long inner;
        private final int tileRows;
        private final int longestPiece;
        private final int rowBlocks;
        private final int columnBlocks;
        private final boolean fewRows;
        private final int tileWidth;

        Sum(ProductSum sum, FewRows few, HeldCopies gradientCopies, Workers workers) {
            INDArray target = sum.out();
            Operands.matrix(NAME, target);
            m = Math.toIntExact(target.size(0));
            n = Math.toIntExact(target.size(1));
            out = Operands.address(NAME, target);
            outBfloat16 = Operands.isBfloat16(NAME, target);
            INDArray start = sum.addend();
            if (start != null) {
                Operands.sameShape(NAME, start, target);
                Operands.sameType(NAME, start, target);
            }
            addend = start == null ? 0 : Operands.address(NAME, start);
            accumulate = sum.accumulate() || addend != 0;
            terms = new Term[sum.products().size()];
            boolean copied = false;
            boolean tokens = false;
            boolean unpacked = false;
            boolean weights = true;
            long depth = 0;
            for (int i = 0; i < terms.length; i++) {
                terms[i] = new Term(sum.products().get(i), target, gradientCopies, workers.bfloat16());
                copied |= terms[i].copy != null;
                tokens |= !terms[i].transposeA;
                unpacked |= terms[i].isUnpacked();
                depth += terms[i].k;
                weights &= terms[i].isWeight(few, m, n);
            }
            fewRows = weights;
            if (fewRows) {
                for (Term term : terms) {
                    term.prepare(few, m, n);
                }
            }
            rowsAreTokens = tokens;
            inner = depth;
            longestPiece = terms[0].bfloat16 && workers.amx() ? ROWS_WITH_AMX : ROWS;
            tileRows = unpacked ? UNPACKED_ROWS : longestPiece;
            rowBlocks = (m + tileRows - 1) / tileRows;
            tileWidth = tileWidth(unpacked ? UNPACKED_COLUMNS : COLUMNS, copied ? PackedWeight.COLUMNS : WIDTH);
            columnBlocks = fewRows ? FewRows.chunks(n, inner * Lanes.width(terms[0].bfloat16)) : (n + tileWidth - 1) / tileWidth;
        }

        void shareFloats(SharedFloats floats) {
            for (Term term : terms) {
                if (term.widened && !fewRows && columnBlocks > 1) {
                    term.aFloats = floats.of(term.a, (long) m * term.k);
                }
            }
        }

        private int tileWidth(int most, int multiple) {
            int blocks = (n + most - 1) / most;
            // Few rows are bound by reading the weights, so that they count as more than they are.
            long work = (long) Math.max(m, SMALL) * n * inner;
            long wanted = Math.min(8 / rowBlocks, work / rowBlocks / CHUNK);
            blocks = (int) Math.max(blocks, Math.min(wanted, n / 64));
            int width = (n + blocks - 1) / blocks;
            return (width + multiple - 1) / multiple * multiple;
        }

        int tiles() {
            return rowBlocks * columnBlocks;
        }

        long workPerTile() {
            return (long) m * n * inner / tiles();
        }

        void tile(Worker worker, int index) {
            // One column of tiles after another, so that threads at different rows read the same part of a weight at a time.
            int row = index % rowBlocks;
            int firstRow = rowsAreTokens ? row * tileRows : boundary(row, rowBlocks, m);
            int endRow = rowsAreTokens ? Math.min(m, firstRow + tileRows) : boundary(row + 1, rowBlocks, m);
            int column = index / rowBlocks;
            int firstColumn = columnBoundary(column);
            int columns = columnBoundary(column + 1) - firstColumn;
            if (addend != 0 && addend != out) {
                copyTile(firstRow, endRow, firstColumn, columns);
            }
            boolean add = accumulate;
            for (Term term : terms) {
                if (term.k > 0) {
                    multiply(worker, term, firstRow, endRow, firstColumn, columns, add);
                    add = true;
                }
            }
            if (!add) {
                zeroTile(firstRow, endRow, firstColumn, columns);
            }
        }

        private int columnBoundary(int block) {
            return fewRows ? FewRows.boundary(block, columnBlocks, n) : Math.min(n, block * tileWidth);
        }

        private void multiply(Worker worker, Term term, int firstRow, int endRow, int column, int columns, boolean add) {
            if (term.fewRows != null) {
                term.fewRows.multiply(worker, column, columns, out + place(0, column), n, outBfloat16, term.factor, add);
                return;
            }
            if (term.isUnpacked()) {
                term.unpack(worker, column, columns);
            }
            if (!term.transposeA) {
                int rows;
                for (int first = firstRow; first < endRow; first += rows) {
                    rows = piece(endRow - first, longestPiece);
                    term.run(worker, first, rows, column, columns, 0, term.k, this, add);
                }
                return;
            }
            // A sum in BFLOAT16 is taken in one go, because it would be rounded after every piece.
            int depth;
            for (int first = 0; first < term.k; first += depth) {
                depth = outBfloat16 ? term.k : piece(term.k - first, longestPiece);
                term.run(worker, firstRow, endRow - firstRow, column, columns, first, depth, this, add || first > 0);
            }
        }

        private long place(int row, int column) {
            return Lanes.width(outBfloat16) * ((long) row * n + column);
        }

        private void copyTile(int firstRow, int endRow, int column, int columns) {
            for (int row = firstRow; row < endRow; row++) {
                Memory.copy(addend + place(row, column), out + place(row, column),
                        (long) columns * Lanes.width(outBfloat16));
            }
        }

        private void zeroTile(int firstRow, int endRow, int column, int columns) {
            for (int row = firstRow; row < endRow; row++) {
                Memory.zero(out + place(row, column), (long) columns * Lanes.width(outBfloat16));
            }
        }
    }

    /** One product of a sum, with the distances from row to row and column to column of its matrices. */
    private static final class Term {
        private final boolean transposeA;
        private final int k;
        private final long a;
        private final long b;
        private final long aRow;
        private final long aColumn;
        private final long bRow;
        private final long bColumn;
        private final boolean transposeB;
        private final long bWidth;
        private final long scales;
        private final boolean bfloat16;
        private final boolean widened;
        private final float factor;
        private final @Nullable PackedWeight copy;
        private FewRows.@Nullable Term fewRows;
        /** Address of {@code a} as FLOAT, 0 if there is no such copy. */
        private long aFloats;

        Term(Product product, INDArray out, HeldCopies gradientCopies, boolean multipliesBfloat16) {
            INDArray left = product.a();
            INDArray right = product.b();
            Operands.matrix(NAME, left);
            Operands.matrix(NAME, right);
            bfloat16 = Operands.isBfloat16(NAME, left);
            widened = bfloat16 && !multipliesBfloat16;
            INDArray rowScales = product.scales();
            if (rowScales == null) {
                Operands.sameType(NAME, left, right);
            } else {
                Operands.isFloat(NAME, rowScales);
            }
            scales = rowScales == null ? 0 : Operands.address(NAME, rowScales);
            bWidth = right.dataType().width();
            if (out.dataType() != DataType.FLOAT) {
                Operands.sameType(NAME, left, out);
            }
            transposeA = product.transposeA();
            transposeB = product.transposeB();
            int m = Math.toIntExact(left.size(transposeA ? 1 : 0));
            k = Math.toIntExact(left.size(transposeA ? 0 : 1));
            int n = Math.toIntExact(right.size(transposeB ? 0 : 1));
            if (right.size(transposeB ? 1 : 0) != k) {
                throw Operands.mismatch(NAME + (transposeA ? " of transposed" : " of") + " a and"
                        + (transposeB ? " transposed" : "") + " b", left, right, "the inner sizes must be equal");
            }
            Operands.shape(NAME, out, left, m, n);
            boolean empty = left.length() == 0 || right.length() == 0;
            a = empty ? 0 : Operands.address(NAME, left);
            b = empty ? 0 : Operands.address(NAME, right);
            aRow = transposeA ? 1 : k;
            aColumn = transposeA ? m : 1;
            bRow = transposeB ? 1 : n;
            bColumn = transposeB ? k : 1;
            factor = (float) product.factor();
            copy = transposeA || transposeB || scales != 0 ? null : gradientCopies.find(b, n, k, bfloat16);
        }

        /** Whether {@code b} is of bytes that have to become numbers before they are multiplied. */
        boolean isUnpacked() {
            return scales != 0 && !(bfloat16 && transposeB);
        }

        private boolean unpacksToBfloat16() {
            return bfloat16 && !widened;
        }

        /** Turns the bytes of these columns of {@code op(b)} into numbers in the worker's memory. */
        void unpack(Worker worker, int column, int columns) {
            int type = Primitive.type(unpacksToBfloat16());
            long numbers = worker.buffer(UNPACKED, (long) k * columns * Lanes.width(unpacksToBfloat16()));
            if (transposeB) {
                new Dequantization(columns, k, k, type).run(worker, b + (long) column * k, scales + 4L * column, numbers);
            } else {
                new Dequantization(k, columns, bRow, type).run(worker, b + column, scales, numbers);
            }
        }

        /** Whether so few rows are multiplied by the transpose of a matrix that reading this matters most. */
        boolean isWeight(FewRows few, int rows, int outputs) {
            return !transposeA && transposeB && scales == 0 && k > 0 && few.suits(rows, b, outputs, k, bfloat16);
        }

        void prepare(FewRows few, int rows, int outputs) {
            fewRows = few.term(a, b, rows, outputs, k, bfloat16);
        }

        void run(Worker worker, int row, int rows, int column, int columns, int inner, int depth, Sum sum,
                 boolean accumulate) {
            boolean floats = aFloats != 0;
            int type = Primitive.type(bfloat16 && !floats);
            int outType = Primitive.type(sum.outBfloat16);
            long left = (floats ? aFloats : a) + Lanes.width(bfloat16 && !floats) * (row * aRow + inner * aColumn);
            long target = sum.out + sum.place(row, column);
            if (copy != null) {
                copy.multiply(worker, left, rows, column, columns, target, sum.n, outType, factor, accumulate);
                return;
            }
            if (isUnpacked()) {
                new Matmul(rows, columns, k, aRow, aColumn, transposeB ? 1 : columns, transposeB ? k : 1, sum.n, type,
                        Primitive.type(unpacksToBfloat16()), outType, factor, accumulate)
                        .run(worker, left, worker.buffer(UNPACKED, 0), target);
                return;
            }
            new Matmul(rows, columns, depth, aRow, aColumn, bRow, bColumn, sum.n, type,
                    scales == 0 ? Primitive.type(bfloat16) : dnnl.dnnl_s8, outType, factor, accumulate)
                    .run(worker, left, b + bWidth * (inner * bRow + column * bColumn), scales + 4L * column, target);
        }
    }
}
