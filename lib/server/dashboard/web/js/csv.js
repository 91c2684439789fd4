// CSV for spreadsheets: RFC 4180, with a mark of its encoding.
//
// A spreadsheet runs what begins with = + - or @ as a formula.  A text that does gets an
// apostrophe in front; a number is no text and stays a number.

const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

export function cell(value) {
    if (value === null || value === undefined)
        return "";
    if (typeof value === "number" || typeof value === "boolean")
        return String(value);
    let words = typeof value === "object" ? JSON.stringify(value) : String(value);
    if (FORMULA.test(words))
        words = "'" + words;
    return /[",\r\n;\t]/.test(words) || words !== words.trim()
        ? '"' + words.replaceAll('"', '""') + '"' : words;
}

const line = (cells) => cells.map(cell).join(",") + "\r\n";

// The parts of the file, to be laid one behind the other.
export function csvParts(columns, records) {
    const parts = ["\ufeff" + line(columns)];
    for (const { row } of records)
        parts.push(line(columns.map((name) => row[name])));
    return parts;
}
