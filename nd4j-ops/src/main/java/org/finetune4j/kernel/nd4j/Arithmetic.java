package org.finetune4j.kernel.nd4j;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.Blas;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** What the portable kernels share: reading in the type of the arithmetic, writing in the type of the output. */
final class Arithmetic {
    /** Held while the number of BLAS threads, which is the process's, is not what it was. */
    private static final Object BLAS_THREADS = new Object();

    private Arithmetic() {
    }

    /** The type of the arithmetic: DOUBLE where any array is DOUBLE, FLOAT otherwise. */
    static DataType type(INDArray... arrays) {
        for (INDArray array : arrays) {
            if (array.dataType() == DataType.DOUBLE) {
                return DataType.DOUBLE;
            }
        }
        return DataType.FLOAT;
    }

    /** A copy of {@code x} in the type of the arithmetic, so that no kernel changes or reads through its inputs. */
    static INDArray read(INDArray x, DataType type) {
        return x.dataType() == type ? x.dup('c') : x.castTo(type);
    }

    /** Writes {@code result} to {@code out}, rounding to its type. */
    static void write(INDArray result, INDArray out) {
        out.assign(result);
    }

    /** Writes {@code result + addend} to {@code out}, or {@code result} where there is no addend. */
    static void writeSum(INDArray result, @Nullable INDArray addend, INDArray out) {
        write(addend == null ? result : result.add(read(addend, result.dataType())), out);
    }

    /** Adds {@code result} to {@code out}; the sum is formed in the type of {@code result} and rounded once. */
    static void accumulate(INDArray result, INDArray out) {
        out.assign(read(out, result.dataType()).add(result));
    }

    /**
     * The matrix product {@code a b}, on one BLAS thread: OpenBLAS parts a product among its threads, and the last bits
     * of its sums depend on where the parts end. ND4J's number of BLAS threads is restored. Setting it looks for files
     * each time, which takes longer than the products that OpenBLAS computes on one thread anyway.
     */
    static INDArray product(INDArray a, INDArray b) {
        if (isOnOneThread(a.rows(), a.columns(), b.columns())) {
            return a.mmul(b);
        }
        synchronized (BLAS_THREADS) {
            Blas blas = Nd4j.factory().blas();
            int threads = blas.getMaxThreads();
            blas.setMaxThreads(1);
            try {
                return a.mmul(b);
            } finally {
                blas.setMaxThreads(threads);
            }
        }
    }

    /** Whether OpenBLAS takes one thread by itself, as its gemm does below 2^18 multiplications and its gemv below 9216. */
    private static boolean isOnOneThread(long rows, long inner, long columns) {
        long multiplications = rows * inner * columns;
        return multiplications < (rows == 1 || columns == 1 ? 9216 : 1 << 18);
    }

    /**
     * Rows {@code begin..end} of a matrix, as a view. ND4J's own views of a view are empty where they begin further into
     * the memory of the whole than the first view is long.
     */
    static INDArray rows(INDArray matrix, long begin, long end) {
        DataBuffer whole = matrix.isEmpty() ? null : matrix.data().originalDataBuffer();
        if (whole == null || begin == end) {
            return matrix.get(NDArrayIndex.interval(begin, end), NDArrayIndex.all());
        }
        return Nd4j.create(whole, new long[] {end - begin, matrix.size(1)}, matrix.stride(),
                matrix.offset() + begin * matrix.stride(0), matrix.ordering());
    }

    /** A vector of n numbers as a matrix {@code [n, 1]}. */
    static INDArray column(INDArray vector) {
        return vector.reshape(vector.length(), 1);
    }

    /** A vector of n numbers as a matrix {@code [1, n]}. */
    static INDArray row(INDArray vector) {
        return vector.reshape(1, vector.length());
    }

    /** {@code 1 / (1 + exp(-x))}. */
    static INDArray sigmoid(INDArray x) {
        return Transforms.exp(x.neg(), true).add(1).rdiv(1);
    }

    /** {@code log sum exp} of each row of {@code x [rows, columns]}, as {@code [rows, 1]}, the maximum shifted out. */
    static INDArray logSumExp(INDArray x) {
        INDArray maximum = x.max(true, 1);
        INDArray sum = Transforms.exp(x.sub(maximum), true).sum(true, 1);
        return Transforms.log(sum, true).add(maximum);
    }

    /** {@code softmax} of each row of {@code x [rows, columns]}. */
    static INDArray softmax(INDArray x) {
        return Transforms.softmax(x, true);
    }
}
