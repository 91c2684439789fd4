// What the filter line means.
//
// Words must all be found somewhere in a row, whatever their case; field=value, field!=value,
// field>value and so on compare one column, by its name or a short one:
//
//     acme sell pnl<0 qty>=100

const SHORT = {
    pnl: "profit_loss",
    pl: "profit_loss",
    profit: "profit_loss",
    qty: "quantity",
    time: "timestamp",
    sym: "symbol",
    strat: "strategy",
};

const COMPARISON = /^([\w .-]*\w)(>=|<=|!=|=|>|<|:)(.*)$/;

// Words at spaces; "with quotes" a word may hold spaces.
function words(line) {
    return [...line.matchAll(/((?:[^\s"]|"[^"]*")+)/g)]
        .map((found) => found[1].replaceAll('"', ""))
        .filter(Boolean);
}

function compare(operator, cell, wanted) {
    const number = Number(wanted);
    if (operator === ":")
        return String(cell ?? "").toLowerCase().includes(wanted.toLowerCase());
    if (typeof cell === "number" && wanted !== "" && !Number.isNaN(number))
        return against(operator, cell, number);
    return against(operator, String(cell ?? "").toLowerCase(), wanted.toLowerCase());
}

function against(operator, a, b) {
    switch (operator) {
    case "=":
        return a === b;
    case "!=":
        return a !== b;
    case ">":
        return a > b;
    case "<":
        return a < b;
    case ">=":
        return a >= b;
    default:
        return a <= b;
    }
}

// All cells of a row in one lower-case text, made when it is first asked for.
function textOf(record) {
    record.text ??= Object.values(record.row).join("\n").toLowerCase();
    return record.text;
}

function test(word, known) {
    const found = COMPARISON.exec(word);
    const field = found && (SHORT[found[1].toLowerCase()] ?? found[1]);
    if (found && known(field))
        return ({ row }) => compare(found[2], row[field], found[3]);
    const wanted = word.toLowerCase();
    return (record) => textOf(record).includes(wanted);
}

// The line as a function of a record; null where nothing is filtered.  `chosen` holds what the
// lists beside the line say: {side, strategy, symbol}.
export function filterOf(line, chosen, known) {
    const tests = words(line).map((word) => test(word, known));
    if (chosen.side)
        tests.push(({ row }) => String(row.side).toLowerCase() === chosen.side.toLowerCase());
    if (chosen.strategy !== undefined && chosen.strategy !== "")
        tests.push(({ row }) => String(row.strategy ?? "") === chosen.strategy);
    if (chosen.symbol)
        tests.push(({ symbol }) => symbol === chosen.symbol);
    return tests.length ? (record) => tests.every((matches) => matches(record)) : null;
}
