using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeStyle.KernelCompiler;

/// <summary>Expressions. Every conversion that C# makes silently is written as a cast, because C's own differ.</summary>
internal sealed partial class BodyTranslator
{
    /// <summary>A statement-like expression: assignment, increment or call.</summary>
    private string SideEffect(ExpressionSyntax expression)
    {
        switch (expression)
        {
            case AssignmentExpressionSyntax assignment:
                return Assignment(assignment);
            case PostfixUnaryExpressionSyntax post when post.Kind() is SyntaxKind.PostIncrementExpression or SyntaxKind.PostDecrementExpression:
                return Expression(post.Operand) + post.OperatorToken.Text;
            case PrefixUnaryExpressionSyntax pre when pre.Kind() is SyntaxKind.PreIncrementExpression or SyntaxKind.PreDecrementExpression:
                return pre.OperatorToken.Text + Expression(pre.Operand);
            default:
                return Expression(expression);
        }
    }

    private string Assignment(AssignmentExpressionSyntax assignment)
    {
        if (assignment.Left is TupleExpressionSyntax or DeclarationExpressionSyntax)
        {
            Error(KernelDiagnostics.Syntax, assignment.GetLocation(), "an assignment to several variables at once");
            return "";
        }

        string left = Expression(assignment.Left), right = Converted(assignment.Right);
        ITypeSymbol? type = model.GetTypeInfo(assignment.Left).Type;
        if (KernelTypes.ViewElement(type) is not null)
        {
            Error(KernelDiagnostics.Syntax, assignment.GetLocation(), "giving a view variable another view");
            return "";
        }

        string token = assignment.OperatorToken.Text;
        if (token == ">>>=") return $"{left} = ({ValueType(type!, assignment.GetLocation())})((u{ValueType(type!, assignment.GetLocation())}){left} >> {right})";
        if (token == "%=" && type?.SpecialType is SpecialType.System_Single or SpecialType.System_Double) return $"{left} = fmod({left}, {right})";
        if (token == "??=")
        {
            Error(KernelDiagnostics.Syntax, assignment.GetLocation(), "'??='");
            return "";
        }

        return $"{left} {token} {right}";
    }

    /// <summary>An expression in the type that its surroundings want.</summary>
    private string Converted(ExpressionSyntax expression)
    {
        TypeInfo info = model.GetTypeInfo(expression);
        string text = Expression(expression);
        if (info.Type is null || info.ConvertedType is null || SymbolEqualityComparer.Default.Equals(info.Type, info.ConvertedType)) return text;
        Optional<object?> constant = model.GetConstantValue(expression);
        if (constant.HasValue && constant.Value is not null && expression is LiteralExpressionSyntax)
        {
            // A literal in the type that is wanted, as 2f for 2.
            object? value = ChangeType(constant.Value, info.ConvertedType.SpecialType);
            if (value is not null && Number(value) is { } number) return number;
        }

        return Cast(text, info.Type, info.ConvertedType, expression);
    }

    private static object? ChangeType(object value, SpecialType type) => type switch
    {
        SpecialType.System_Single => Convert.ToSingle(value),
        SpecialType.System_Double => Convert.ToDouble(value),
        SpecialType.System_UInt32 => Convert.ToUInt32(value),
        SpecialType.System_Int64 => Convert.ToInt64(value),
        SpecialType.System_UInt64 => Convert.ToUInt64(value),
        _ => null,
    };

    private string Cast(string text, ITypeSymbol from, ITypeSymbol to, ExpressionSyntax where)
    {
        int fromIndex = KernelTypes.IndexDimensions(from), toIndex = KernelTypes.IndexDimensions(to);
        if (fromIndex == 1 && toIndex == 0) return to.SpecialType == SpecialType.System_Int32 ? text : $"({ValueType(to, where.GetLocation())})({text})";
        if (toIndex == 1 && fromIndex == 0) return text;
        if (KernelTypes.ViewElement(to) is not null) return text;
        string target = ValueType(to, where.GetLocation()), operand = text.All(c => char.IsLetterOrDigit(c) || c == '_') ? text : $"({text})";
        bool fromReal = from.SpecialType is SpecialType.System_Single or SpecialType.System_Double;
        bool toInteger = to.SpecialType is SpecialType.System_Int32 or SpecialType.System_UInt32 or SpecialType.System_Int64 or SpecialType.System_UInt64;
        // C# keeps a real that does not fit at the largest or smallest integer, and makes 0 of not-a-number.
        return fromReal && toInteger ? $"convert_{target}_sat_rtz({text})" : $"({target}){operand}";
    }

    private string Expression(ExpressionSyntax expression)
    {
        switch (expression)
        {
            case ParenthesizedExpressionSyntax inner:
                return $"({Expression(inner.Expression)})";
            case LiteralExpressionSyntax literal:
                return Literal(literal);
            case IdentifierNameSyntax name:
                return Identifier(name);
            case ElementAccessExpressionSyntax element:
                return Element(element);
            case MemberAccessExpressionSyntax member:
                return Member(member);
            case InvocationExpressionSyntax call:
                return Call(call);
            case BinaryExpressionSyntax binary:
                return Binary(binary);
            case ConditionalExpressionSyntax conditional:
                return $"{Converted(conditional.Condition)} ? {Converted(conditional.WhenTrue)} : {Converted(conditional.WhenFalse)}";
            case CastExpressionSyntax cast:
                ITypeSymbol? from = model.GetTypeInfo(cast.Expression).Type, to = model.GetTypeInfo(cast.Type).Type;
                if (from is null || to is null) return "0";
                string operand = Expression(cast.Expression);
                return SymbolEqualityComparer.Default.Equals(from, to) ? operand : Cast(operand, from, to, cast);
            case PrefixUnaryExpressionSyntax prefix when prefix.Kind() is SyntaxKind.UnaryMinusExpression or SyntaxKind.UnaryPlusExpression
                or SyntaxKind.LogicalNotExpression or SyntaxKind.BitwiseNotExpression:
                string text = Converted(prefix.Operand);
                return text.StartsWith(prefix.OperatorToken.Text, StringComparison.Ordinal) ? $"{prefix.OperatorToken.Text}({text})" : prefix.OperatorToken.Text + text;
            case PrefixUnaryExpressionSyntax or PostfixUnaryExpressionSyntax or AssignmentExpressionSyntax:
                Error(KernelDiagnostics.SideEffect, expression.GetLocation());
                return "0";
            case BaseObjectCreationExpressionSyntax creation:
                return Creation(creation);
            case ArrayCreationExpressionSyntax or ImplicitArrayCreationExpressionSyntax or StackAllocArrayCreationExpressionSyntax
                or CollectionExpressionSyntax or AnonymousObjectCreationExpressionSyntax:
                Error(KernelDiagnostics.Allocation, expression.GetLocation(), "an array or object");
                return "0";
            case AnonymousFunctionExpressionSyntax:
                Error(KernelDiagnostics.Delegate, expression.GetLocation());
                return "0";
            case ThrowExpressionSyntax:
                Error(KernelDiagnostics.Exception, expression.GetLocation());
                return "0";
            case InterpolatedStringExpressionSyntax:
                Error(KernelDiagnostics.String, expression.GetLocation());
                return "0";
            case DefaultExpressionSyntax or LiteralExpressionSyntax:
                return "0";
            default:
                Error(KernelDiagnostics.Syntax, expression.GetLocation(), $"'{FirstLine(expression)}'");
                return "0";
        }
    }

    private string Literal(LiteralExpressionSyntax literal)
    {
        if (literal.Kind() is SyntaxKind.StringLiteralExpression or SyntaxKind.CharacterLiteralExpression)
        {
            Error(KernelDiagnostics.String, literal.GetLocation());
            return "0";
        }

        if (literal.Token.Value is double) program.UsesDouble = true;
        if (literal.IsKind(SyntaxKind.DefaultLiteralExpression)) return "0";
        if (literal.Token.Value is { } value && Number(value) is { } number) return number;
        Error(KernelDiagnostics.Syntax, literal.GetLocation(), $"'{literal}'");
        return "0";
    }

    private string Identifier(IdentifierNameSyntax name)
    {
        switch (model.GetSymbolInfo(name).Symbol)
        {
            case ILocalSymbol or IParameterSymbol:
                return Declare(model.GetSymbolInfo(name).Symbol!);
            case IFieldSymbol { IsConst: true, ConstantValue: { } value } field when Number(value) is { } number:
                if (value is double) program.UsesDouble = true;
                return program.Constant(field, number);
            case IFieldSymbol or IPropertySymbol or IEventSymbol:
                Error(KernelDiagnostics.Field, name.GetLocation(), name.ToString());
                return "0";
            default:
                Error(KernelDiagnostics.Syntax, name.GetLocation(), $"'{name}'");
                return "0";
        }
    }

    private string Element(ElementAccessExpressionSyntax element)
    {
        if (KernelTypes.ViewElement(model.GetTypeInfo(element.Expression).Type) is null)
        {
            Error(KernelDiagnostics.Syntax, element.GetLocation(), $"'{element}', an element of something else than a view,");
            return "0";
        }

        return $"{Expression(element.Expression)}[{Converted(element.ArgumentList.Arguments[0].Expression)}]";
    }

    private string Member(MemberAccessExpressionSyntax member)
    {
        ISymbol? symbol = model.GetSymbolInfo(member).Symbol;
        string name = member.Name.Identifier.Text;
        if (symbol is IFieldSymbol { IsConst: true, ConstantValue: { } value } field && Number(value) is { } number)
        {
            if (value is double) program.UsesDouble = true;
            return KernelTypes.OpenClName(field.ContainingType) is null ? program.Constant(field, number) : number;
        }

        if (symbol is IPropertySymbol property)
        {
            string? grid = KernelTypes.Is(property.ContainingType, "Group") ? name.StartsWith("Idx", StringComparison.Ordinal) ? "get_local_id" : "get_local_size"
                : KernelTypes.Is(property.ContainingType, "Grid") ? name.StartsWith("Idx", StringComparison.Ordinal) ? "get_group_id" : "get_num_groups" : null;
            if (grid is not null && name == "GlobalIndex")
                return "(int4)((int)get_global_id(0), (int)get_global_id(1), (int)get_global_id(2), 0)";
            if (grid is not null) return $"(int){grid}({"XYZ".IndexOf(name[name.Length - 1])})";
            int dimensions = KernelTypes.IndexDimensions(property.ContainingType);
            if (dimensions > 0 && name.Length == 1)
            {
                if (member.Expression is MemberAccessExpressionSyntax { Name.Identifier.Text: "GlobalIndex" }) return $"(int)get_global_id({"XYZ".IndexOf(name[0])})";
                return dimensions == 1 ? Expression(member.Expression) : $"{Expression(member.Expression)}.{char.ToLowerInvariant(name[0])}";
            }

            if (KernelTypes.Is(property.ContainingType, "Float4") && name.Length == 1) return $"{Expression(member.Expression)}.{char.ToLowerInvariant(name[0])}";
            if (KernelTypes.ViewElement(property.ContainingType) is not null) return ViewProperty(member, name);
        }

        if (symbol is { IsStatic: false }) Expression(member.Expression);
        Error(symbol is IFieldSymbol or IPropertySymbol ? KernelDiagnostics.Field : KernelDiagnostics.Syntax, member.GetLocation(), member.ToString());
        return "0";
    }

    /// <summary>Length, IntLength and IsValid, which only a kernel's own parameters have.</summary>
    private string ViewProperty(MemberAccessExpressionSyntax member, string name)
    {
        if (!isKernel || model.GetSymbolInfo(member.Expression).Symbol is not IParameterSymbol parameter)
        {
            Error(KernelDiagnostics.Syntax, member.GetLocation(), $"'{member}', the length of something else than a view that is a parameter of the kernel,");
            return "0";
        }

        program.LengthsRead.Add(parameter.Name);
        string length = Declare(parameter) + "_length";
        return name == "IsValid" ? $"({length} != 0)" : name == "Length" ? $"(long){length}" : length;
    }

    private string Binary(BinaryExpressionSyntax binary)
    {
        string left = Converted(binary.Left), right = Converted(binary.Right);
        ITypeSymbol? type = model.GetTypeInfo(binary.Left).ConvertedType;
        switch (binary.Kind())
        {
            case SyntaxKind.ModuloExpression when type?.SpecialType is SpecialType.System_Single or SpecialType.System_Double:
                return $"fmod({left}, {right})";
            case SyntaxKind.UnsignedRightShiftExpression:
                string name = ValueType(type!, binary.GetLocation()), unsigned = name.StartsWith("u", StringComparison.Ordinal) ? name : "u" + name;
                return $"({name})(({unsigned}){left} >> {right})";
            case SyntaxKind.AsExpression or SyntaxKind.IsExpression or SyntaxKind.CoalesceExpression:
                Error(KernelDiagnostics.Syntax, binary.GetLocation(), $"'{binary}'");
                return "0";
        }

        if (type is not null && KernelTypes.IndexDimensions(type) > 1)
        {
            Error(KernelDiagnostics.Syntax, binary.GetLocation(), $"'{binary}', arithmetic with whole indices,");
            return "0";
        }

        // C's bit operators bind less than comparisons; C#'s do so too, but compilers warn: the parentheses are C#'s own.
        return $"{left} {binary.OperatorToken.Text} {right}";
    }

    private string Creation(BaseObjectCreationExpressionSyntax creation)
    {
        ITypeSymbol? type = model.GetTypeInfo(creation).Type;
        string[] arguments = [.. (creation.ArgumentList?.Arguments ?? []).Select(argument => Converted(argument.Expression))];
        if (KernelTypes.Is(type, "Float4") && arguments.Length == 4) return $"(float4)({string.Join(", ", arguments)})";
        if (type is not null && KernelTypes.IndexDimensions(type) is > 0 and int dimensions && arguments.Length == dimensions)
            return dimensions == 1 ? arguments[0] : dimensions == 2 ? $"(int2)({string.Join(", ", arguments)})" : $"(int4)({string.Join(", ", arguments)}, 0)";
        Error(KernelDiagnostics.Allocation, creation.GetLocation(), type?.ToDisplayString() ?? creation.ToString());
        return "0";
    }

    private string Call(InvocationExpressionSyntax call)
    {
        if (model.GetSymbolInfo(call).Symbol is not IMethodSymbol method)
        {
            Error(KernelDiagnostics.Call, call.GetLocation(), call.Expression.ToString());
            return "0";
        }

        ExpressionSyntax[] arguments = [.. call.ArgumentList.Arguments.Select(argument => argument.Expression)];
        if (method.MethodKind == MethodKind.DelegateInvoke || method.MethodKind == MethodKind.LocalFunction)
        {
            Error(KernelDiagnostics.Delegate, call.GetLocation());
            return "0";
        }

        if (method.ContainingType.SpecialType == SpecialType.System_String)
        {
            Error(KernelDiagnostics.String, call.GetLocation());
            return "0";
        }

        if (KernelTypes.ViewElement(method.ContainingType) is not null && method.Name == "SubView" && call.Expression is MemberAccessExpressionSyntax part)
            return $"({Expression(part.Expression)} + {Converted(arguments[0])})";
        if (KernelTypes.Is(method.ContainingType, "Float4")) return VectorCall(method, call, arguments);
        if (!method.IsStatic)
        {
            // What the object is may itself be what is wrong.
            if (call.Expression is MemberAccessExpressionSyntax { Expression: { } target }) Expression(target);
            Error(KernelDiagnostics.InstanceCall, call.GetLocation(), method.Name);
            return "0";
        }

        if (KernelTypes.Is(method.ContainingType, "Group") && method.Name == "Barrier")
        {
            if (!isKernel) Error(KernelDiagnostics.Placement, call.GetLocation(), "a barrier stands in the kernel itself, not in a helper");
            return "barrier(CLK_LOCAL_MEM_FENCE)";
        }

        if (KernelTypes.Is(method.ContainingType, "Atomic")) return AtomicCall(method, arguments);
        if (KernelTypes.Is(method.ContainingType, "SharedMemory") || KernelTypes.Is(method.ContainingType, "LocalMemory"))
        {
            Error(KernelDiagnostics.Placement, call.GetLocation(), "shared and local memory are declared as variables of their own");
            return "0";
        }

        if (MathCall(method, arguments) is { } math) return math;
        if (method.DeclaringSyntaxReferences.Length == 0 || method.IsGenericMethod)
        {
            Error(KernelDiagnostics.Call, call.GetLocation(), method.ToDisplayString());
            return "0";
        }

        if (arguments.Length != method.Parameters.Length || call.ArgumentList.Arguments.Any(argument => argument.NameColon is not null))
        {
            Error(KernelDiagnostics.Syntax, call.GetLocation(), "a call with named or left-out arguments");
            return "0";
        }

        string[] spaces = [.. arguments.Select((argument, i) => KernelTypes.ViewElement(method.Parameters[i].Type) is null ? "" : Space(argument))];
        return $"{program.Helper(method, spaces, call.GetLocation())}({string.Join(", ", arguments.Select(Converted))})";
    }

    private string VectorCall(IMethodSymbol method, InvocationExpressionSyntax call, ExpressionSyntax[] arguments)
    {
        string[] texts = [.. arguments.Select(Converted)];
        switch (method.Name)
        {
            case "Load":
                return $"vload4(0, {texts[0]} + {texts[1]})";
            case "Store" when call.Expression is MemberAccessExpressionSyntax member:
                return $"vstore4({Expression(member.Expression)}, 0, {texts[0]} + {texts[1]})";
            case "Broadcast":
                return $"(float4)({texts[0]})";
            case "MultiplyAdd":
                return $"fma({string.Join(", ", texts)})";
            case "Max":
                return $"{program.Prelude("max_float4", MaxText("float4", "isnan(a) ? a : isnan(b) ? b : fmax(a, b)"))}({string.Join(", ", texts)})";
            default:
                Error(KernelDiagnostics.Call, call.GetLocation(), method.ToDisplayString());
                return "0";
        }
    }

    private string AtomicCall(IMethodSymbol method, ExpressionSyntax[] arguments)
    {
        string target = arguments[0] is RefExpressionSyntax reference ? Expression(reference.Expression) : Expression(arguments[0]);
        string[] values = [.. arguments.Skip(1).Select(Converted)];
        return method.Name switch
        {
            "Add" => $"atomic_add(&{target}, {values[0]})",
            "Max" => $"atomic_max(&{target}, {values[0]})",
            "Min" => $"atomic_min(&{target}, {values[0]})",
            _ => $"atomic_cmpxchg(&{target}, {string.Join(", ", values)})",
        };
    }

    /// <summary>MathF and Math where OpenCL has the same; null for other methods.</summary>
    private string? MathCall(IMethodSymbol method, ExpressionSyntax[] arguments)
    {
        string type = method.ContainingType.ToDisplayString();
        if (type is not ("System.MathF" or "System.Math")) return null;
        ITypeSymbol result = method.ReturnType;
        bool real = result.SpecialType is SpecialType.System_Single or SpecialType.System_Double;
        if (result.SpecialType == SpecialType.System_Double) program.UsesDouble = true;
        string[] texts = [.. arguments.Select(Converted)];
        string all = string.Join(", ", texts), name = KernelTypes.OpenClName(result) ?? "int";
        if (!real)
        {
            return (method.Name, texts.Length) switch
            {
                ("Abs", 1) => $"({name})abs({all})",
                ("Min", 2) => $"min({all})",
                ("Max", 2) => $"max({all})",
                ("Clamp", 3) => $"clamp({all})",
                _ => null,
            };
        }

        // C#'s maximum and minimum are not-a-number where either side is; C's are not.
        switch (method.Name, texts.Length)
        {
            case ("Max", 2):
                return $"{program.Prelude($"max_{name}", MaxText(name, "isnan(a) || isnan(b) ? a + b : fmax(a, b)"))}({all})";
            case ("Min", 2):
                return $"{program.Prelude($"min_{name}", MaxText(name, "isnan(a) || isnan(b) ? a + b : fmin(a, b)").Replace("max_", "min_"))}({all})";
            case ("Abs", 1):
                return $"fabs({all})";
            case ("Ceiling", 1):
                return $"ceil({all})";
            case ("Truncate", 1):
                return $"trunc({all})";
            case ("Round", 1):
                return $"rint({all})";
            case ("FusedMultiplyAdd", 3):
                return $"fma({all})";
            case ("Sqrt", 1) or ("Exp", 1) or ("Log", 1) or ("Log2", 1) or ("Log10", 1) or ("Sin", 1) or ("Cos", 1) or ("Tan", 1) or ("Tanh", 1) or ("Sinh", 1)
                or ("Cosh", 1) or ("Asin", 1) or ("Acos", 1) or ("Atan", 1) or ("Floor", 1) or ("Cbrt", 1) or ("Pow", 2) or ("Atan2", 2):
                return $"{method.Name.ToLowerInvariant()}({all})";
            default:
                return null;
        }
    }

    private static string MaxText(string type, string body) =>
        $"// C#'s, which gives not-a-number on where it meets one.\n{type} max_{type}({type} a, {type} b)\n{{\n    return {body};\n}}";

    /// <summary>Where a view's memory lies: __global, __local, or nothing for private.</summary>
    private string Space(ExpressionSyntax expression)
    {
        switch (expression)
        {
            case ParenthesizedExpressionSyntax inner:
                return Space(inner.Expression);
            case InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member }:
                return Space(member.Expression);
            default:
                ISymbol? symbol = model.GetSymbolInfo(expression).Symbol;
                if (symbol is not null && _spaces.TryGetValue(symbol, out string? space)) return space;
                Error(KernelDiagnostics.Syntax, expression.GetLocation(), $"'{expression}', a view whose memory is not known here,");
                return "__global";
        }
    }
}
