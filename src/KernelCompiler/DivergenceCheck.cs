using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeStyle.KernelCompiler;

/// <summary>
/// Barriers that not every work item of a group reaches hang a GPU. A value varies between work items where it comes
/// from Group.Idx, Grid.GlobalIndex or memory, or was assigned under a condition that varies; a barrier under such a
/// condition, or after a return under one, is an error. What the check cannot see it lets pass.
/// </summary>
internal sealed class DivergenceCheck(KernelTranslator kernel, SemanticModel model, MethodDeclarationSyntax method, bool grouped)
{
    private readonly HashSet<ISymbol> _varying = new(SymbolEqualityComparer.Default);

    public void Run()
    {
        if (method.Body is null) return;
        int before;
        do
        {
            before = _varying.Count;
            foreach (SyntaxNode node in method.Body.DescendantNodes()) Spread(node);
        }
        while (_varying.Count != before);

        SyntaxNode? leaving = null;
        foreach (SyntaxNode node in method.Body.DescendantNodes())
        {
            if (node is ReturnStatementSyntax && Condition(node) is not null) leaving ??= node;
            if (node is not InvocationExpressionSyntax call || !IsBarrier(call)) continue;
            if (!grouped)
                kernel.Report(KernelDiagnostics.Placement, call.GetLocation(), "only explicitly grouped kernels, without an index parameter, have barriers");
            else if (Condition(call) is { } condition)
                kernel.Report(KernelDiagnostics.DivergentBarrier, call.GetLocation(), $"the condition '{condition}' differs between them");
            else if (leaving is not null)
                kernel.Report(KernelDiagnostics.DivergentBarrier, call.GetLocation(), $"some leave at the return in line {leaving.GetLocation().GetLineSpan().StartLinePosition.Line + 1}");
        }
    }

    private bool IsBarrier(InvocationExpressionSyntax call) =>
        model.GetSymbolInfo(call).Symbol is IMethodSymbol { Name: "Barrier" } target && KernelTypes.Is(target.ContainingType, "Group");

    private void Spread(SyntaxNode node)
    {
        if (node is VariableDeclaratorSyntax { Initializer.Value: { } value } declarator)
        {
            if ((Varies(value) || Condition(node) is not null) && model.GetDeclaredSymbol(declarator) is { } declared) _varying.Add(declared);
        }
        else if (node is AssignmentExpressionSyntax { Left: IdentifierNameSyntax left } assignment)
        {
            if ((Varies(assignment.Right) || Condition(node) is not null) && model.GetSymbolInfo(left).Symbol is { } assigned) _varying.Add(assigned);
        }
        else if (node is PostfixUnaryExpressionSyntax or PrefixUnaryExpressionSyntax && Condition(node) is not null)
        {
            ExpressionSyntax operand = node is PostfixUnaryExpressionSyntax post ? post.Operand : ((PrefixUnaryExpressionSyntax)node).Operand;
            if (node.Kind() is SyntaxKind.PostIncrementExpression or SyntaxKind.PostDecrementExpression or SyntaxKind.PreIncrementExpression or SyntaxKind.PreDecrementExpression
                && model.GetSymbolInfo(operand).Symbol is { } counted) _varying.Add(counted);
        }
    }

    /// <summary>The varying condition that a node stands under, if any.</summary>
    private ExpressionSyntax? Condition(SyntaxNode node)
    {
        for (SyntaxNode? child = node, parent = node.Parent; parent is not null && child != method.Body; child = parent, parent = parent.Parent)
        {
            ExpressionSyntax? condition = parent switch
            {
                IfStatementSyntax branch when child != branch.Condition => branch.Condition,
                ForStatementSyntax loop when child == loop.Statement || loop.Incrementors.Contains(child) => loop.Condition,
                WhileStatementSyntax loop when child != loop.Condition => loop.Condition,
                DoStatementSyntax loop when child != loop.Condition => loop.Condition,
                _ => null,
            };
            if (condition is not null && Varies(condition)) return condition;
        }

        return null;
    }

    private bool Varies(ExpressionSyntax expression) => expression.DescendantNodesAndSelf().Any(node => node switch
    {
        // Memory may hold anything; LengthOf views is the same for all.
        ElementAccessExpressionSyntax => true,
        InvocationExpressionSyntax call => model.GetSymbolInfo(call).Symbol is IMethodSymbol target
            && (KernelTypes.Is(target.ContainingType, "Atomic") || call.ArgumentList.Arguments.Any(argument => KernelTypes.ViewElement(model.GetTypeInfo(argument.Expression).Type) is not null)),
        MemberAccessExpressionSyntax member => model.GetSymbolInfo(member).Symbol is IPropertySymbol property
            && ((KernelTypes.Is(property.ContainingType, "Group") && property.Name.StartsWith("Idx", System.StringComparison.Ordinal))
                || (KernelTypes.Is(property.ContainingType, "Grid") && property.Name == "GlobalIndex")),
        IdentifierNameSyntax name => model.GetSymbolInfo(name).Symbol is { } symbol
            && (_varying.Contains(symbol) || (symbol is IParameterSymbol parameter && KernelTypes.IndexDimensions(parameter.Type) > 0)),
        _ => false,
    });
}
