using System.Globalization;
using System.Net;
using System.Text;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;

namespace NativeStyle.Jobs.Pages;

/// <summary>
/// Explains a transfer on one self-contained page. It includes its pictures and scripts and fetches nothing.
/// </summary>
internal static class ExplainPage
{
    private const int GramCell = 6, PictureSide = 640;

    private static readonly string[] s_colors = ["red", "green", "blue"];

    private const string Css = """
        :root { color-scheme: light; } * { box-sizing: border-box; }
        body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; color: #1d1d1f; }
        p, figcaption { overflow-wrap: anywhere; } h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; } img { max-width: 100%; height: auto; } svg { width: 100%; height: auto; }
        figure { margin: 0.5rem 0; } figcaption { font-size: 0.85rem; color: #555; } .row { display: flex; flex-wrap: wrap; gap: 1rem; } .row > figure { flex: 1 1 9rem; max-width: 19rem; margin: 0; }
        .gram img, .gradient img { image-rendering: pixelated; width: 100%; border: 1px solid #ccc; }
        .equation { background: #f4f6f8; border-left: 4px solid #1b7fbd; padding: 0.6rem 1rem; font-family: 'Cambria Math', 'STIX Two Math', Georgia, serif; font-size: 1.05rem; overflow-x: auto; white-space: pre-wrap; }
        table { border-collapse: collapse; font-size: 0.9rem; } th, td { text-align: right; padding: 0.2rem 0.6rem; border-bottom: 1px solid #e3e3e3; } th:first-child, td:first-child { text-align: left; }
        .wide { overflow-x: auto; } input[type=range] { width: 100%; } .pixel { display: inline-block; width: 1em; height: 1em; border: 1px solid #999; vertical-align: -0.15em; }
        #stage { width: 100%; max-width: 640px; image-rendering: auto; } .tape svg { min-width: 52rem; }
        .print { display: none; flex-wrap: wrap; gap: 0.5rem; } .print img { width: 8rem; }
        @media print {
            body { padding: 0; font-size: 12px; } input[type=range] { display: none; } .print { display: flex; } h2 { margin-top: 1.5rem; } h2, h3 { break-after: avoid; }
            figure, svg, table { break-inside: avoid; } .row > figure { flex-basis: 6rem; } .tape svg { min-width: 0; } #stage { max-width: 420px; } svg { max-height: 10cm; } .tape svg { max-height: none; }
        }
        """;

    private const string Script = """
        const slider = document.getElementById('slider'), stage = document.getElementById('stage'), label = document.getElementById('label');
        const frames = JSON.parse(document.getElementById('frames').textContent);
        function show() { const frame = frames[slider.value]; stage.src = frame.src; stage.alt = label.textContent = frame.label; }
        slider.addEventListener('input', show); show();
        """;

    public static string Html(TransferJob job, TransferExplanation explanation, string device)
    {
        TransferOptions options = job.Options;
        IReadOnlyList<IterationReport> reports = explanation.Result.Reports;
        var page = new StringBuilder();
        page.Append(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width, initial-scale=1\"><title>A style transfer, explained</title><style>{Css}" +
            "</style></head><body>\n");
        page.Append("<h1>A style transfer, explained</h1>\n");
        page.Append(
            $"<p>{Text(Path.GetFileName(job.Content ?? ""))} in the style of " +
            $"{Text(string.Join(", ", job.Styles.Select(style => Path.GetFileName(style.Path))))}; preset " +
            $"{Text(options.Name)} ({Text(options.Source)}); " +
            $"{Text(Path.GetFileName(job.Weights) ?? $"random {options.Architecture}, seed {options.Seed}")}; " +
            $"{reports.Count} iterations on {Text(device)}.</p>\n");
        Section(
            "Watch",
            "The optimiser changes the picture itself. The network's weights never change.",
            () => Frames(explanation));
        Section(
            "What is made small",
            "Content is where features are, style is which features come together, and neighbours should agree a " +
            "little. F and P are the feature maps of the picture and of the content, and G and A are the Gram " +
            "matrices of the picture and of the style.",
            () =>
            {
                page.Append($"<div class=\"equation\">{Equations(options)}</div>\n");
                page.Append("<h3>The losses</h3>\n" + LossPlot.Svg(reports));
                page.Append("<h3>Each layer's share</h3>\n" + LayerPlot(reports));
            });
        if (explanation.Grams.Count > 0)
        {
            Section(
                "The style, as numbers",
                "A Gram matrix tells how strongly each two channels are active together anywhere in the picture. " +
                "Here are the channels that matter most to the style. Darker cells are larger. On the right are the " +
                "differences of start and result from the style (red: too much, blue: too little, on one scale).",
                () =>
                {
                    page.Append(
                        "<div class=\"equation\">G = Fᵀ F / (H W)        dL/dF = 2 F (dL/dG) / (H W)</div>\n");
                    foreach (GramComparison gram in explanation.Grams) Gram(gram);
                });
        }

        Section(
            "What pulls at which pixel",
            "Each picture shows the length of a term's gradient over red, green and blue, at the result's pixels. It " +
            "is bright where a change would lower that term most. At the end, the terms pull against each other, and " +
            "only their sum is left.",
            () =>
            {
                page.Append("<div class=\"row gradient\">\n");
                foreach (TermGradient term in explanation.Terms)
                {
                    double norm = Math.Sqrt(term.Gradient.Sum(g => (double)g * g));
                    Picture picture = GradientPicture(term.Gradient, explanation.Height, explanation.Width);
                    page.Append(
                        $"<figure><img alt=\"gradient of {Text(term.Name)}\" src=\"{Data(picture)}\">" +
                        $"<figcaption>{Text(term.Name)}: loss {Short(term.Value)}, " +
                        $"‖gradient‖ {Short(norm)}</figcaption></figure>\n");
                }

                page.Append("</div>\n");
            });
        Section(
            "One pixel, from its change back to the losses",
            $"Row {explanation.Pixel.Row}, column {explanation.Pixel.Column} of {explanation.Height} x " +
            $"{explanation.Width}.",
            () => Pixel(options, explanation));
        Section(
            "The tape",
            "The tape recorded every operator of one pass over the last picture. Each box has the map's shape, the " +
            "operations, the times forward and backward, and the 2-norm of the gradient that arrived at the output. " +
            "The backward pass reads the tape from its end.",
            () =>
            {
                page.Append(
                    "<div class=\"equation\">dL/dx += (∂f/∂x)ᵀ dL/dy        " +
                    "for each operator y = f(x), from the last to the first</div>\n");
                page.Append("<div class=\"wide tape\">" + TapeGraph.Svg(explanation.Tape) + "</div>\n");
            });
        page.Append(
            "<p><small>Made by NativeStyle. Formulas: Gatys, Ecker and Bethge 2016; Kingma and Ba 2015.</small></p>\n");
        return page.Append($"<script>{Script}</script></body></html>\n").ToString();

        void Section(string title, string words, Action content)
        {
            page.Append($"<section><h2>{title}</h2>\n<p>{words}</p>\n");
            content();
            page.Append("</section>\n");
        }

        void Frames(TransferExplanation of)
        {
            (string Label, string Source)[] frames = [.. of.Pictures.Select(each => (
                each.Iteration == 0 ? "the start"
                    : $"iteration {each.Iteration}, {each.Picture.Width} x {each.Picture.Height}",
                Data(Shown(each.Picture), ".jpg")))];
            page.Append(
                $"<figure><img id=\"stage\" alt=\"{frames[^1].Label}\" src=\"{frames[^1].Source}\"><figcaption " +
                $"id=\"label\">{frames[^1].Label}</figcaption>\n");
            page.Append(
                $"<input id=\"slider\" type=\"range\" min=\"0\" max=\"{frames.Length - 1}\" value=\"" +
                $"{frames.Length - 1}\" aria-label=\"iteration\"></figure>\n");
            IEnumerable<string> objects =
                frames.Select(frame => $"{{\"label\":\"{frame.Label}\",\"src\":\"{frame.Source}\"}}");
            page.Append(
                $"<script type=\"application/json\" id=\"frames\">[{string.Join(",\n", objects)}]</script>\n");
            // A printed page has no slider, so it gets all frames.
            IEnumerable<string> figures = frames.Select(frame =>
                $"<figure><img alt=\"\" src=\"{frame.Source}\"><figcaption>{frame.Label}</figcaption></figure>");
            page.Append($"<div class=\"print\">{string.Concat(figures)}</div>\n");
        }

        void Gram(GramComparison gram)
        {
            float largest = gram.Style.Max(Math.Abs);
            float off = Math.Max(Minus(gram.Start, gram.Style).Max(Math.Abs), 1e-30f);
            double Missed(float[] of) =>
                Math.Sqrt(Minus(of, gram.Style).Sum(Square) / gram.Style.Sum(Square));

            static double Square(float value) => (double)value * value;

            page.Append($"<h3>{gram.Layer}</h3>\n<div class=\"row gram\">\n");
            foreach ((string name, Picture picture) in new[]
            {
                ("style", Heat(gram.Style, value => Grey(value / largest))),
                ("start", Heat(gram.Start, value => Grey(value / largest))),
                ("result", Heat(gram.Result, value => Grey(value / largest))),
                (
                    $"start - style ({100 * Missed(gram.Start):0}% off)",
                    Heat(Minus(gram.Start, gram.Style), value => RedBlue(value / off))),
                (
                    $"result - style ({100 * Missed(gram.Result):0}% off)",
                    Heat(Minus(gram.Result, gram.Style), value => RedBlue(value / off))),
            })
            {
                page.Append(
                    $"<figure><img alt=\"{Text(gram.Layer)} {Text(name)}\" src=\"{Data(picture)}\"><figcaption>" +
                    $"{Text(name)}</figcaption></figure>\n");
            }

            page.Append("</div>\n");
        }

        void Pixel(TransferOptions of, TransferExplanation all)
        {
            PixelStory story = all.Pixel;
            page.Append("<div class=\"wide\"><table><tr><th></th><th>red</th><th>green</th><th>blue</th></tr>\n");
            Row($"start {Swatch(story.Start)}", story.Start);
            Row($"last iterate {Swatch(story.Result)}", story.Result);
            if (story.LastStep is not null) Row("the last step, -α m̂ / (√v̂ + ε)", story.LastStep);
            if (story.MeanGradient is not null) Row("m̂, the mean of its gradients", story.MeanGradient);
            if (story.RootSquare is not null) Row("√v̂, their root mean square", story.RootSquare);
            Row("dL/d(pixel) now", story.Gradient);
            int place = ((story.Row * all.Width) + story.Column) * 3;
            foreach (TermGradient term in all.Terms)
                Row($"= from {Text(term.Name)} (loss {Short(term.Value)})", term.Gradient[place..(place + 3)]);
            page.Append("</table></div>\n");
            page.Append(
                $"<p>Is the gradient right? Moving the pixel's {s_colors[story.Channel]} by " +
                $"±{Short(story.Nudge)} should change the loss by ±{Short(story.Predicted)}; computed anew, half " +
                $"the difference is {Short(story.Measured)}.</p>\n");
            string equation = of.Optimizer == OptimizerKind.Adam
                ? "m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²        " +
                    "x ← x - α m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)"
                : "x ← x - t H g,   H from the last steps s and gradient differences y (L-BFGS)";
            page.Append($"<div class=\"equation\">{equation}</div>\n");
            page.Append($"<p>{Clamping(of, story)}</p>\n");

            void Row(string name, float[] values) =>
                page.Append(
                    $"<tr><td>{name}</td>{string.Concat(values.Select(value => $"<td>{Short(value)}</td>"))}</tr>\n");

            string Swatch(float[] rgb)
            {
                IEnumerable<int> bytes =
                    rgb.Select(value => Math.Clamp((int)Math.Round(255 * value / of.PixelRange), 0, 255));
                return $"<span class=\"pixel\" style=\"background:rgb({string.Join(',', bytes)})\"></span>";
            }
        }
    }

    /// <summary>Says what happens to a step that leads out of the range of pixels.</summary>
    private static string Clamping(TransferOptions options, PixelStory story)
    {
        string range = $"0 ... {Short(options.PixelRange)}";
        if (story.Held is null)
            return $"This run does not clamp its pixels. They may leave the range {range}, and only pictures are cut " +
                "to it.";
        string rule = $"After each step, what left the range {range} is put back to its end. ";
        string[] held = [.. s_colors.Where((_, c) => story.Held[c])];
        return held.Length == 0
            ? rule + "Here no step leads out of it."
            : rule + $"That holds this pixel's {string.Join(" and ", held)}: the loss would fall further outside, so " +
                "the gradient stays, however long the run is.";
    }

    private static string Equations(TransferOptions options)
    {
        string content = options.ContentLossScale switch
        {
            LossScale.HalfSum => "½ Σ (F - P)²",
            LossScale.Mean => "mean (F - P)²",
            LossScale.HalfMean => "½ mean (F - P)²",
            LossScale.QuarterMean => "Σ (F - P)² / (4 H W C)",
            _ => "‖F - P‖² / ‖P‖²",
        };
        string style = options.StyleLoss == StyleLoss.Wasserstein ? "W₂²(F, A) / C" : options.StyleLossScale switch
        {
            LossScale.HalfSum => "½ Σ (G - A)²",
            LossScale.Mean => "mean (G - A)²",
            LossScale.HalfMean => "½ mean (G - A)²",
            LossScale.QuarterMean => "Σ (G - A)² / (4 C²)",
            _ => "‖G - A‖² / ‖A‖²",
        };
        string gram = options.GramScale switch
        {
            GramScale.Sum => "Fᵀ F",
            GramScale.PerPixel => "Fᵀ F / (H W)",
            _ => "Fᵀ F / (H W C)",
        };
        string variation = options.TvWeight == 0 ? "" : $" + {Short(options.TvWeight)} TV(x)";
        string contentLoss = $"{Short(options.ContentWeight)} Σ w {content}";
        string styleLoss = $"{Short(options.StyleWeight)} Σ w {style}";
        return $"L(x) = {contentLoss} + {styleLoss}{variation}\n" +
            $"content: {Terms(options.ContentTerms)}        style: {Terms(options.StyleTerms)}        G = {gram}";

        static string Terms(IEnumerable<LayerWeight> layers) =>
            Text(string.Join(", ", layers.Select(layer => $"{Short(layer.Weight)} {layer.Layer}")));
    }

    private static string LayerPlot(IReadOnlyList<IterationReport> reports)
    {
        if (reports.Count == 0 || reports[0].Layers is not { } layers) return "";
        PlotCurve[] curves = [.. layers.Select((layer, i) => new PlotCurve(
            $"{(layer.IsContent ? "content" : "style")} {layer.Layer}",
            LinePlot.Colors[(i + 1) % LinePlot.Colors.Count],
            [.. reports.Where(report => report.Layers is not null)
                .Select(report => ((double)report.Iteration, report.Layers![i].Value))]))];
        return LinePlot.Svg(curves, "iteration", width: 900);
    }

    private static Picture Shown(Picture picture)
    {
        if (Math.Max(picture.Height, picture.Width) <= PictureSide) return picture;
        (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, PictureSide);
        return Resampler.Resize(picture, height, width);
    }

    private static Picture GradientPicture(float[] gradient, int height, int width)
    {
        double[] length = [.. Enumerable.Range(0, height * width)
            .Select(p => Math.Sqrt(gradient.AsSpan(3 * p, 3).ToArray().Sum(g => (double)g * g)))];
        double white = Math.Max(length.Order().ElementAt((int)((length.Length - 1) * 0.995)), 1e-30);
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++)
            picture.Pixels[i] = (float)Math.Clamp(Math.Sqrt(length[i / 3] / white), 0, 1);
        return Shown(picture);
    }

    private static Picture Heat(float[] matrix, Func<float, (float, float, float)> color)
    {
        int n = (int)Math.Round(Math.Sqrt(matrix.Length));
        var picture = new Picture(n * GramCell, n * GramCell);
        for (int row = 0; row < picture.Height; row++)
        for (int column = 0; column < picture.Width; column++)
        {
            (picture[row, column, 0], picture[row, column, 1], picture[row, column, 2]) =
                color(matrix[(row / GramCell * n) + (column / GramCell)]);
        }

        return picture;
    }

    private static float[] Minus(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x - y)];

    /// <summary>Returns a dark grey for large values. A root makes small values visible.</summary>
    private static (float, float, float) Grey(float share)
    {
        float light = 1f - MathF.Sqrt(Math.Clamp(Math.Abs(share), 0f, 1f));
        return (light, light, light);
    }

    private static (float, float, float) RedBlue(float share)
    {
        float size = MathF.Sqrt(Math.Clamp(Math.Abs(share), 0f, 1f));
        return share > 0 ? (1f, 1f - (0.8f * size), 1f - (0.8f * size)) : (1f - (0.8f * size), 1f - (0.65f * size), 1f);
    }

    private static string Data(Picture picture, string extension = ".png")
    {
        byte[] bytes = PictureFile.Encode(picture, extension, new PictureWriteOptions(JpegQuality: 88));
        return $"data:image/{(extension == ".png" ? "png" : "jpeg")};base64,{Convert.ToBase64String(bytes)}";
    }

    private static string Short(double value) => value.ToString("g4", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
