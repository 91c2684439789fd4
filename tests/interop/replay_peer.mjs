// npm's ws as a client of replay-server: the whole dialogue, many clients at once, a remote control.
//   node replay_peer.mjs REPLAY_SERVER MAKE_SAMPLE
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import WebSocket from 'ws';

const [replayServer, makeSample] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'msim-'));
const sample = path.join(folder, 'sample.parquet');
const ROWS = 2000;

execFileSync(makeSample, [sample, '--rows', String(ROWS)]);
const server = spawn(replayServer, ['--port', '0', '--speed', 'max', sample], {
  stdio: ['ignore', 'ignore', 'pipe'],
});

async function urlOf(child) {
  for await (const line of readline.createInterface({ input: child.stderr })) {
    const found = /^Server running on ws:\/\/localhost:(\d+)/.exec(line);
    if (found) return `ws://127.0.0.1:${found[1]}/`;
  }
  throw new Error('the server did not start');
}

async function receive(url) {
  const messages = [];
  const feed = new WebSocket(url);
  feed.on('message', (data, isBinary) => {
    assert(!isBinary);
    messages.push(data.toString());
  });
  const [code] = await once(feed, 'close');
  return { messages, code };
}

try {
  const url = await urlOf(server);
  const feeds = await Promise.all(Array.from({ length: 5 }, () => receive(url)));
  for (const { messages, code } of feeds) {
    assert.strictEqual(code, 1000);
    assert.strictEqual(messages.length, ROWS + 2);
    assert.strictEqual(messages[0], '{"status": "Data loaded. Starting replay."}');
    assert.strictEqual(messages.at(-1), '{"status": "Replay finished."}');
    assert.deepStrictEqual(messages, feeds[0].messages);
  }
  let last = '';
  for (const text of feeds[0].messages.slice(1, -1)) {
    const trade = JSON.parse(text);
    assert.deepStrictEqual(Object.keys(trade), ['timestamp', 'price', 'volume', 'ticker']);
    assert(trade.timestamp >= last);
    last = trade.timestamp;
  }

  // Bundles say the same.
  const { messages: bundled } = await receive(`${url}?format=bundle&timestamps=ns`);
  const bundles = bundled.slice(1, -1).map((text) => JSON.parse(text));
  assert.strictEqual(bundles.reduce((sum, bundle) => sum + bundle.trades.length, 0), ROWS);
  assert.deepStrictEqual(Object.keys(bundles[0].trades[0]), ['price', 'volume', 'ticker']);

  // Paused, sent to a moment, stepped, and let go again.
  const remote = new WebSocket(`${url}?speed=0.000001`);
  const inbox = [];
  const arrivals = [];
  remote.on('message', (data) => {
    const message = JSON.parse(data.toString());
    if (arrivals.length > 0) arrivals.shift()(message);
    else inbox.push(message);
  });
  const next = async () => inbox.shift() ?? new Promise((done) => arrivals.push(done));
  const answer = async () => {
    for (;;) {
      const message = await next();
      if (message.status === 'ok' || message.error) return message;
    }
  };
  await once(remote, 'open');
  const say = (command) => {
    remote.send(JSON.stringify(command));
    return answer();
  };
  assert.deepStrictEqual(await say({ op: 'pause' }), { status: 'ok', op: 'pause' });
  assert.deepStrictEqual(await say({ op: 'seek', to: '2022-07-01T00:00:04Z' }),
    { status: 'ok', op: 'seek' });
  assert.deepStrictEqual(await say({ op: 'step', count: 1 }), { status: 'ok', op: 'step' });
  assert((await next()).timestamp >= '2022-07-01 00:00:04');
  assert((await say({ op: 'sing' })).error.includes('seek'));
  assert.strictEqual((await say({ op: 'stats' })).paused, true);
  await say({ op: 'speed', value: 'max' });
  await say({ op: 'resume' });
  const [code] = await once(remote, 'close');
  assert.strictEqual(code, 1000);
  assert.deepStrictEqual(inbox.at(-1), { status: 'Replay finished.' });

  console.log(`${feeds.length} clients, ${ROWS} trades each`);
} finally {
  server.kill('SIGTERM');
  fs.rmSync(folder, { recursive: true });
}
