using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.Compression;

/// <summary>
/// Chooses those of many channels that restore a map best by a linear map. The method is simultaneous orthogonal
/// matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993; for many outputs at once Tropp, Gilbert and Strauss 2006,
/// "Algorithms for simultaneous sparse approximation") and needs only second moments. A candidate is ranked by how much
/// it lowers the squared error, as in orthogonal least squares (Chen, Billings and Luo 1989), and not by its angle to
/// the residual.
/// </summary>
internal static class ChannelPursuit
{
    /// <summary>
    /// A candidate with less than this share of its power left is, up to rounding, a linear combination of those
    /// chosen.
    /// </summary>
    private const double Dependent = 1e-5;

    /// <summary>
    /// Chooses channels one by one. Each choice is the one that lowers the squared error of the fit most.
    /// </summary>
    /// <param name="power">SᵀS of the candidates, (candidates, candidates).</param>
    /// <param name="cross">SᵀT of candidates and outputs, (candidates, outputs).</param>
    /// <param name="count">How many to choose. Fewer are chosen if all others are linear combinations of them.</param>
    /// <returns>The channels' indices, in the order of choice.</returns>
    public static int[] Choose(Matrix<double> power, Matrix<double> cross, int count)
    {
        (int candidates, int outputs) = (power.RowCount, cross.ColumnCount);
        double[][] left = power.ToRowArrays(), explains = cross.ToRowArrays();
        List<int> chosen = [];
        while (chosen.Count < count)
        {
            (int best, double most) = (-1, 0);
            for (int j = 0; j < candidates; j++)
            {
                if (left[j][j] <= Dependent * power[j, j] || chosen.Contains(j)) continue;
                double gain = 0;
                foreach (double value in explains[j]) gain += value * value;
                if (gain / left[j][j] > most) (best, most) = (j, gain / left[j][j]);
            }

            if (best < 0) break;
            chosen.Add(best);
            // Remove from every candidate its part along the chosen one: a step of a pivoted Cholesky factorisation.
            (double[] pivot, double[] explained) = ([.. left[best]], [.. explains[best]]);
            for (int j = 0; j < candidates; j++)
            {
                double along = pivot[j] / pivot[best];
                if (along == 0) continue;
                for (int k = 0; k < candidates; k++) left[j][k] -= along * pivot[k];
                for (int o = 0; o < outputs; o++) explains[j][o] -= along * explained[o];
            }
        }

        return [.. chosen];
    }
}
