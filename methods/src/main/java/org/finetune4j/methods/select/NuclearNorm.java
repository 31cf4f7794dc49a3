package org.finetune4j.methods.select;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The sum of a matrix's singular values, found from the eigenvalues of its Gram matrix. */
final class NuclearNorm {
    private NuclearNorm() {
    }

    /**
     * {@code sum_j sqrt(max(lambda_j, 0))}.
     *
     * @param gram {@code L L^T}, DOUBLE {@code [rows, rows]}; it is overwritten
     */
    static double ofGram(INDArray gram) {
        INDArray eigenvalues = Nd4j.createUninitialized(DataType.DOUBLE, gram.size(0));
        Nd4j.getBlasWrapper().lapack().syev('N', 'U', gram, eigenvalues);
        double sum = 0;
        for (long i = 0; i < eigenvalues.length(); i++) {
            sum += Math.sqrt(Math.max(eigenvalues.getDouble(i), 0));
        }
        return sum;
    }
}
