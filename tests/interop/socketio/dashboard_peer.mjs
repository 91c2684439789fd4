// npm's socket.io-client against dashboard-server, by polling, by WebSocket and on the way from the
// one to the other; and the example script, which stands beside this file's copy.
//
//     node dashboard_peer.mjs DASHBOARD_SERVER EXAMPLES
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { io } from 'socket.io-client';

const [program, examples] = process.argv.slice(2);
const head = 'timestamp,symbol,side,quantity,price,profit_loss,strategy\n';
const market = 'timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n';
const row = '2024-03-04T10:00:00,ACME,BUY,100,142.50,0.1,s\n';
const ways = [['polling'], ['websocket'], ['polling', 'websocket']];

async function serve(...options) {
  const child = spawn(program, ['--port', '0', ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const piece of child.stderr.iterator({ destroyOnReturn: false })) {
    said += piece;
    const found = /Dashboard on (http:\/\/\S+?)\//.exec(said);
    if (found) {
      child.stderr.resume();
      return { child, url: found[1].replace('localhost', '127.0.0.1') };
    }
  }
  throw new Error(`the server did not start: ${said}`);
}

async function stop(server) {
  server.child.kill('SIGTERM');
  assert.deepEqual(await once(server.child, 'exit'), [0, null]);
}

function told(socket, event) {
  return new Promise((done) => socket.once(event, done));
}

const client = (url, transports) => io(url, { transports, forceNew: true });

// What one pushes another sees, whole and in order, whatever carries it.
async function pushesAreSeen(server, transports) {
  const script = client(server.url, transports);
  const front = client(server.url, transports);
  const updates = [];
  assert.deepEqual(await told(front, 'status'), { msg: 'Connected to trading data server' });
  front.on('trading_update', (update) => updates.push(update));
  await front.timeout(20000).emitWithAck('join_frontend');
  for (let i = 0; i < 40; i++)
    script.emit('send_trading_data', { trades_csv: head + row.repeat(i), market_data_csv: market, timestamp: `${i}` });
  while (updates.length < 40)
    await told(front, 'trading_update');
  assert.deepEqual(updates.map((update) => update.timestamp), [...Array(40).keys()].map(String));
  assert.deepEqual(updates.map((update) => update.trades.length), [...Array(40).keys()]);
  assert.equal(updates[1].trades[0].price, 142.5);
  script.disconnect();
  front.disconnect();
}

async function largeMessagesArrive(server, transports) {
  const both = client(server.url, transports);
  const large = 'ü'.repeat(1000);
  await both.timeout(20000).emitWithAck('join_frontend');
  const seen = told(both, 'trading_update');
  const rows = `t,"${large}",SELL,1,1,,s\n`.repeat(300);
  both.emit('send_trading_data', { trades_csv: head + rows, market_data_csv: market });
  const update = await seen;
  assert.equal(update.trades.length, 300);
  assert.equal(update.trades[299].symbol, large);
  assert.equal(update.trades[299].profit_loss, null);
  both.disconnect();
}

// Bytes are no table, and say so; the session goes on.
async function bytesAreRefused(server, transports) {
  const script = client(server.url, transports);
  const answer = told(script, 'data_received');
  script.emit('send_trading_data', { trades_csv: Buffer.from(head), market_data_csv: new Uint8Array([1]).buffer });
  assert.equal((await answer).status, 'error');
  const pong = told(script, 'pong');
  script.emit('ping_server');
  assert.ok(Date.parse(`${(await pong).timestamp}`));
  script.disconnect();
}

async function strangersAreRefused(server, transports) {
  const lost = io(`${server.url}/nope`, { transports, forceNew: true });
  assert.equal((await told(lost, 'connect_error')).message, 'Invalid namespace');
  lost.disconnect();
}

// A client of JavaScript's keeps what it emits until it is connected again.
async function clientsComeBack() {
  let server = await serve();
  const port = new URL(server.url).port;
  const script = client(server.url);
  await told(script, 'status');
  const gone = told(script, 'disconnect');
  await stop(server);
  assert.match(await gone, /transport (close|error)/);
  const receipt = told(script, 'data_received');
  script.emit('send_trading_data', { trades_csv: head + row, market_data_csv: market });
  server = await serve('--port', port);
  assert.equal((await receipt).trades_processed, 1);
  script.disconnect();
  await stop(server);
}

// The example finds socket.io-client where its copy lies.
async function theExampleIsConfirmed(server) {
  copyFileSync(join(examples, 'push_trades.mjs'), 'push_trades.mjs');
  const child = spawn(process.execPath, ['push_trades.mjs', server.url, '0', '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (piece) => { said += piece; });
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(said.match(/3 trades, 3 rows/g)?.length, 3, said);
}

setTimeout(() => {
  console.error('too slow');
  process.exit(1);
}, 200000).unref();
const server = await serve();
for (const transports of ways) {
  for (const check of [pushesAreSeen, largeMessagesArrive, bytesAreRefused, strangersAreRefused])
    await check(server, transports);
}
await theExampleIsConfirmed(server);
await stop(server);
await clientsComeBack();
console.log('ok');
process.exit(0);
