// What DuckDB computes is what the source gives, value by value, for every type that it exports.
//
//     node replay.mjs DUCKDB_REPLAY
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const [program] = process.argv.slice(2);
const library = join(
  import.meta.dirname, "node_modules", "@duckdb", "node-bindings-linux-x64", "libduckdb.so",
);
if (!existsSync(library)) {
  console.log("skipped: DuckDB's library is not there for this machine");
  process.exit(77);
}

const ROWS = 10000;
const START = Date.UTC(2022, 6, 1);

function run(query) {
  return spawnSync(program, [library, query], { encoding: "utf8", maxBuffer: 1 << 28 });
}

function check(what, holds, seen) {
  if (holds) return;
  console.log(`failed: ${what}`, seen);
  process.exit(1);
}

function moment(milliseconds) {
  const text = new Date(milliseconds).toISOString().replace("T", " ").replace("Z", "");
  return text.endsWith(".000") ? text.slice(0, -4) : `${text}000`;
}

function compare(name, columns, line) {
  const query =
    `SELECT ${columns} FROM range(${ROWS}) AS t(i) ORDER BY i`;
  const done = run(query);
  check(`${name}: ${query}`, done.status === 0, done.stderr);
  const lines = done.stdout.trimEnd().split("\n");
  check(`${name}: rows`, lines.length === ROWS, lines.length);
  for (let i = 0; i < ROWS; i++)
    check(`${name}, row ${i}`, lines[i] === line(i), [lines[i], line(i)]);
}

function object(time, price, volume, ticker) {
  return `{"timestamp": "${time}", "price": ${price}, "volume": ${volume}, "ticker": ${ticker}}`;
}

const times = "TIMESTAMP '2022-07-01' + to_milliseconds(i) AS timestamp";
const seconds = "(TIMESTAMP '2022-07-01' + to_seconds(i))";

compare(
  "decimals, doubles and nulls",
  `${times}, CASE WHEN i % 11 = 0 THEN NULL ELSE (i / 4.0)::DECIMAL(18,2) END AS price, ` +
    "i::DOUBLE / 8 AS volume, CASE WHEN i % 7 = 0 THEN NULL ELSE 'T' || (i % 300) END AS ticker",
  (i) => object(
    moment(START + i), i % 11 === 0 ? "null" : (i / 4).toFixed(2), String(i / 8),
    i % 7 === 0 ? "null" : `"T${i % 300}"`,
  ),
);
compare(
  "wide decimals, floats and an enumeration",
  `${times}, (i * 10 + 5)::DECIMAL(38,10) AS price, (i / 4.0)::FLOAT AS volume, ` +
    "(CASE WHEN i % 2 = 0 THEN 'even' ELSE 'a name of more than twelve bytes' END)" +
    "::ENUM('odd', 'even', 'a name of more than twelve bytes') AS ticker",
  (i) => object(
    moment(START + i), `${i * 10 + 5}.0000000000`, String(i / 4),
    i % 2 === 0 ? '"even"' : '"a name of more than twelve bytes"',
  ),
);
for (const [type, cast] of [
  ["seconds", "::TIMESTAMP_S"], ["milliseconds", "::TIMESTAMP_MS"],
  ["nanoseconds", "::TIMESTAMP_NS"], ["text", "::VARCHAR"],
])
  compare(
    type,
    `${seconds}${cast} AS timestamp, i::VARCHAR || '.50' AS price, (i % 200)::UTINYINT AS volume, ` +
      "'A' AS ticker",
    (i) => object(moment(START + i * 1000), `${i}.50`, String(i % 200), '"A"'),
  );
compare(
  "small integers and dates",
  "DATE '2022-07-01' + (i // 1000)::INTEGER AS timestamp, (i % 100 - 50)::TINYINT AS price, " +
    "(i - 5000)::SMALLINT AS volume, 'A' AS ticker",
  (i) => object(
    moment(START + Math.floor(i / 1000) * 86400000), String((i % 100) - 50), String(i - 5000),
    '"A"',
  ),
);

const late = run(
  `SELECT TIMESTAMP '2022-07-01' - to_seconds(i) AS timestamp, 1 AS price, 2 AS volume, ` +
    "'A' AS ticker FROM range(10) AS t(i) ORDER BY i",
);
check("rows that are late", late.status === 1, late.stderr);
check("are named", late.stderr.includes("row 1 (row 1 of the stream), column timestamp: "),
  late.stderr);
const nested = run("SELECT [1] AS timestamp, 1 AS price, 2 AS volume, 'A' AS ticker");
check("a nested column is refused", nested.stderr.includes('is "+l"'), nested.stderr);
console.log("all the same");
