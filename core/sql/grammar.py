"""What SQL of those who are not above the rules may be made of: nodes of sqlglot's tree, functions, types. What is not
listed is refused; a new version of the parser can therefore only take away.
"""

STRUCTURE = frozenset(
    "Select Union Except Intersect Subquery With CTE TableAlias From Join Where Group Having Qualify Order Ordered Limit "
    "Offset Distinct Window WindowSpec Values Tuple Lateral Unnest Star Column Identifier Alias Paren Literal Boolean Null "
    "Var Filter WithinGroup Rollup Cube GroupingSets Grouping Cast TryCast DataType DataTypeParam Exists Any All Table Dot "
    "Lambda Anonymous".split()
)
OPERATORS = frozenset(
    "Case If Between In Like ILike Escape SimilarTo Is Not And Or Xor EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Add Sub "
    "Mul Div IntDiv Mod Neg DPipe Pow BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift "
    "Interval Extract Array Bracket Slice Struct PropertyEQ JSONExtract JSONExtractScalar JSONPath JSONPathRoot "
    "JSONPathKey JSONPathSubscript ArrayContainsAll ArrayContainedBy ArrayOverlaps Glob RegexpLike RegexpILike".split()
)
FUNCTIONS = frozenset(
    "Abs Ceil Floor Round Trunc Sign Sqrt Cbrt Exp Ln Log Pi Degrees Radians Sin Cos Tan Asin Acos Atan Atan2 Greatest "
    "Least Coalesce Nullif Lower Upper Length Trim Substring StrPosition Left Right Concat ConcatWs Replace Reverse Initcap "
    "Split SplitPart StringToArray StartsWith EndsWith Contains RegexpReplace RegexpExtract RegexpExtractAll RegexpSplit "
    "Translate Overlay Ascii Chr Pad MD5 ToChar TimeToStr StrToTime StrToDate CurrentDate CurrentTimestamp DateTrunc "
    "TimestampTrunc DateDiff DateAdd DateSub TimestampDiff Year Month Day Quarter Week WeekOfYear DayOfWeek DayOfWeekIso "
    "DayOfMonth DayOfYear Hour Minute Second LastDay MonthName DayName DateFromParts ToDays Epoch "
    "Count CountIf Sum Avg Min Max ArrayAgg GroupConcat Stddev StddevPop StddevSamp Variance VariancePop Median Mode "
    "PercentileCont PercentileDisc Quantile ArgMax ArgMin First Last AnyValue ApproxDistinct ApproxQuantile "
    "LogicalAnd LogicalOr Corr CovarPop CovarSamp RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue "
    "LastValue NthValue ArraySize ArrayContains ArrayLength ArrayToString List Transform ArrayFilter SortArray ArraySort "
    "ArrayDistinct ArrayUniqueAgg ArrayConcat ArraySlice ArrayFirst ArrayLast ArrayReverse ArraySum ArrayMax ArrayMin "
    "Flatten Explode GenerateSeries ExplodingGenerateSeries JSONArrayLength JSONType JSONBExists".split()
)
ANYWHERE = STRUCTURE | OPERATORS | FUNCTIONS
COMMON_NAMES = frozenset(
    "now age date_part to_char to_date to_timestamp make_date make_timestamp strip_accents bool_and bool_or string_split "
    "str_split json_array_length jsonb_array_length jsonb_typeof json_type json_extract json_extract_string json_keys "
    "json_extract_path_text jsonb_extract_path_text row lpad rpad ltrim rtrim btrim ascii chr trunc mod pi isnan isfinite "
    "isinf list_contains list_has list_has_any list_has_all list_count list_sum list_avg list_min list_max list_sort "
    "list_reverse_sort list_distinct list_unique list_slice list_concat list_position list_aggregate list_transform "
    "list_filter list_reverse array_position array_contains array_has array_has_any array_has_all array_remove "
    "array_append array_cat cardinality len typeof date_diff datediff date_add date_sub epoch epoch_ms dayname monthname "
    "strptime try_strptime strftime time_bucket last_day fsum approx_count_distinct mode entropy kurtosis skewness "
    "regr_slope regr_intercept regr_r2 regr_count bit_and bit_or product arg_min_null arg_max_null quantile_disc "
    "quantile_cont even gcd lcm factorial nvl ifnull div justify_days justify_hours justify_interval char_length "
    "character_length octet_length bit_length to_hex quote_literal levenshtein jaccard hamming prefix suffix "
    "regexp_matches regexp_full_match regexp_extract regexp_count regexp_substr regexp_like array_length array_lower "
    "array_upper every unnest range generate_series date_trunc concat_ws format_bytes ordinality percentile".split()
)
"""Functions that the parser has no node for, or not in both dialects."""
ROWS_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
"""What may stand in FROM."""
TYPES = frozenset(
    "TINYINT SMALLINT INT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT DECIMAL FLOAT DOUBLE BOOLEAN TEXT VARCHAR CHAR "
    "NCHAR DATE TIME TIMESTAMP TIMESTAMPTZ TIMESTAMPNTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL JSON JSONB UUID "
    "ARRAY LIST".split()
)
JOINS = frozenset({"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"})
SIDES = frozenset({"", "LEFT", "RIGHT", "FULL"})
METHODS = frozenset({"", "NATURAL"})
PARTS: dict[str, frozenset[str]] = {
    name: frozenset(parts.split())
    for name, parts in {
        "Select": "with_ expressions from_ joins laterals where group having qualify order limit offset distinct windows",
        "Union": "with_ this expression distinct by_name order limit offset",
        "Except": "with_ this expression distinct by_name order limit offset",
        "Intersect": "with_ this expression distinct by_name order limit offset",
        "Subquery": "with_ this alias joins order limit offset",
        "Table": "this alias db joins",
        "With": "expressions recursive",
        "CTE": "this alias materialized",
        "TableAlias": "this columns",
        "Join": "this on using kind side method",
        "Lateral": "this alias",
        "Unnest": "expressions alias offset",
        "Limit": "expression",
        "Offset": "expression",
        "Values": "expressions alias order limit offset",
        "Cast": "this to _type",
        "TryCast": "this to _type requires_string safe",
        "DataType": "this expressions nested",
        "In": "this expressions query",
        "Column": "this table db",
        "Star": "except_ replace rename",
        "Anonymous": "this expressions",
        "Group": "expressions grouping_sets cube rollup all",
        "Distinct": "expressions on",
        "Window": "this partition_by order spec alias over first",
        "Interval": "this unit",
        "Dot": "this expression",
        "Identifier": "this quoted",
    }.items()
}
"""The parts that some nodes may have. Those of others are expressions, or say how they are written."""
