// npm's ws as a robot of exchange-server: the first client of the examples, and a dialogue.
//   node exchange_peer.mjs EXCHANGE_SERVER EXAMPLES
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import WebSocket from 'ws';

const [exchangeServer, examples] = process.argv.slice(2);
const start = (...options) =>
  spawn(exchangeServer, ['--port', '0', '--log-level', 'error', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
const servers = [];

async function urlOf(child) {
  for await (const line of readline.createInterface({ input: child.stderr })) {
    const found = /^Server running on ws:\/\/localhost:(\d+)/.exec(line);
    if (found) return `ws://127.0.0.1:${found[1]}`;
  }
  throw new Error('the server did not start');
}

function theFirstClient(url, cancelled) {
  // It finds the package beside itself.
  const copy = path.join(process.cwd(), 'simple_client.mjs');
  fs.copyFileSync(path.join(examples, 'simple_client.mjs'), copy);
  const said = execFileSync(process.execPath, [copy, `${url}/ws`], { encoding: 'utf8' });
  assert.match(said, /^last price [\d.]+\norder \S{36} OPEN\ncancelled \S+\n$/);
  assert.ok(said.endsWith(`cancelled ${cancelled}\n`), said);
}

// Each message is lost once; an answer that is lost is not given again.
function losses() {
  const taken = [
    ['in', 'sub'], ['in', 'order.new'], ['out', 'ack.new'],
    ['in', 'order.cancel'], ['out', 'ack.cancel'],
  ];
  const strategies = taken.map(([dir, type]) => ({
    id: type, kind: 'drop', select: { dir, type }, max_hits: 1,
  }));
  const file = path.join(process.cwd(), 'losses.json');
  fs.writeFileSync(file, JSON.stringify({ format: 1, strategies, timeline: [] }));
  return ['--scenario', file, '--scenario-time', '2m'];
}

async function everyMessageIsAnswered(url) {
  const socket = new WebSocket(`${url}/ws`, { headers: { 'X-Session-ID': 'node' } });
  await once(socket, 'open');
  const heard = [];
  let wake = () => {};
  socket.on('message', (text) => {
    heard.push(JSON.parse(text));
    wake();
  });
  const answer = async (request) => {
    socket.send(JSON.stringify({ ...request, request_id: 'q' }));
    for (;;) {
      const at = heard.findIndex((message) => message.request_id === 'q');
      if (at >= 0) return heard.splice(at, 1)[0];
      await new Promise((resolve) => (wake = resolve));
    }
  };
  const order = { type: 'PLACE_ORDER', symbol: 'BTC/USD', side: 'BUY', order_type: 'LIMIT' };
  const ack = await answer({ ...order, price: '40000', quantity: 0.5 });
  assert.equal(ack.type, 'ORDER_ACK');
  const replaced = await answer({ type: 'REPLACE_ORDER', order_id: ack.order_id, price: '40001' });
  assert.deepEqual([replaced.type, replaced.price], ['ORDER_ACK', '40001']);
  const all = await answer({ type: 'CANCEL_ALL', symbol: 'BTC/USD' });
  assert.deepEqual([all.type, all.count], ['CANCEL_ALL_ACK', 1]);
  assert.equal((await answer({ type: 'CANCEL_ORDER', order_id: ack.order_id })).code, 'CANCEL_FAILED');
  assert.equal((await answer({ ...order, price: '1', quantity: '0.0000001' })).code, 'OFF_LOT');
  assert.equal((await answer({ type: 'PING' })).type, 'PONG');
  socket.close();
  await once(socket, 'close');
}

try {
  servers.push(start(), start(...losses()));
  const url = await urlOf(servers[0]);
  theFirstClient(url, '1.5');
  await everyMessageIsAnswered(url);
  theFirstClient(await urlOf(servers[1]), 'before');
} finally {
  servers.forEach((server) => server.kill());
}
console.log('good: the first client, and every message answered');
