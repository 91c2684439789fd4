// The vendor's own client with only its URL changed: it authenticates, subscribes, and gets trades and
// quotes; a wrong key is told so.
//   node polygon_peer.mjs MOCK_QUOTES
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { websocketClient } from '@polygon.io/client-js';

const [mockQuotes] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'msim-'));
const keys = path.join(folder, 'keys.txt');
fs.writeFileSync(keys, 'right-key\n');

const server = spawn(
  mockQuotes,
  ['--port', '0', '--protocol', 'polygon', '--rate', '500', '--api-key-file', keys],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);

async function urlOf(child) {
  for await (const line of readline.createInterface({ input: child.stderr })) {
    const found = /^Server running on ws:\/\/localhost:(\d+)/.exec(line);
    if (found) return `ws://127.0.0.1:${found[1]}`;
  }
  throw new Error('the server did not start');
}

// Statuses and events until `wanted` events have come, or the server closes.
function talk(url, key, channels, wanted) {
  return new Promise((resolve) => {
    const statuses = [];
    const events = [];
    const feed = websocketClient(key, url).stocks();
    const end = (code) => resolve({ statuses, events, code });
    feed.onclose = ({ code }) => end(code);
    feed.onmessage = ({ data }) => {
      for (const event of JSON.parse(data)) {
        if (event.ev !== 'status') events.push(event);
        else statuses.push(event.status);
        if (event.status === 'auth_success')
          feed.send(JSON.stringify({ action: 'subscribe', params: channels }));
      }
      if (events.length >= wanted) feed.close();
    };
  });
}

try {
  const url = await urlOf(server);
  const good = await talk(url, 'right-key', 'T.AAPL, Q.*', 50);
  assert.deepStrictEqual(good.statuses, ['connected', 'auth_success', 'success', 'success']);
  assert(good.events.some((e) => e.ev === 'T' && e.sym === 'AAPL' && typeof e.i === 'string'));
  assert(good.events.some((e) => e.ev === 'Q' && e.ap >= e.bp));
  assert(good.events.every((e) => e.ev === 'Q' || e.sym === 'AAPL'));
  const bad = await talk(url, 'wrong-key', 'T.*', 1);
  assert.deepStrictEqual(bad.statuses, ['connected', 'auth_failed']);
  assert.strictEqual(bad.code, 1008);
  console.log(`${good.events.length} events, and a wrong key is told so`);
} finally {
  server.kill('SIGTERM');
  fs.rmSync(folder, { recursive: true });
}
