// npm ws against the library, in both roles.
//
//     node ws_peer.mjs ECHO_SERVER ECHO_CLIENT
//
// Run by run_ws.py, which has installed ws beside this file's copy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const [echoServer, echoClient] = process.argv.slice(2);
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 300000];

async function start(program) {
  const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, port: Number(/port (\d+)/.exec(line)[1]) };
}

async function ask(peer, message, options) {
  const answer = once(peer, 'message');
  peer.send(message, options ?? {});
  const [data, isBinary] = await answer;
  return { data, isBinary };
}

async function asClient() {
  const { child, port } = await start(echoServer);
  for (const host of ['127.0.0.1', 'localhost']) {
    const peer = new WebSocket(`ws://${host}:${port}/any?x=1`, { maxPayload: 0 });
    await once(peer, 'open');
    assert.equal(peer.extensions, '');
    for (const size of sizes) {
      const text = await ask(peer, 'é'.repeat(size));
      assert.equal(text.isBinary, false);
      assert.equal(text.data.toString(), 'é'.repeat(size));
      const binary = await ask(peer, Buffer.alloc(size, 255));
      assert.equal(binary.isBinary, true);
      assert.ok(binary.data.equals(Buffer.alloc(size, 255)));
    }
    peer.send('in ', { fin: false });
    peer.ping('between');
    const [payload] = await once(peer, 'pong');
    assert.equal(payload.toString(), 'between');
    assert.equal((await ask(peer, 'pieces', { fin: true })).data.toString(), 'in pieces');
    peer.close(4001, 'enough');
    const [code] = await once(peer, 'close');
    assert.equal(code, 4001);
  }

  const refused = new WebSocket(`ws://127.0.0.1:${port}/refuse`);
  const [, response] = await once(refused, 'unexpected-response');
  assert.equal(response.statusCode, 404);

  const plain = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(plain.status, 426);
  assert.equal(plain.headers.get('sec-websocket-version'), '13');
  await plain.text();

  for (const query of ['', '?chunks']) {
    const body = Buffer.alloc(500000, 'ab');
    const answer = await fetch(`http://127.0.0.1:${port}/http/x${query}`, { method: 'PUT', body });
    assert.equal(answer.headers.get('x-method'), 'PUT');
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
  }

  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
}

async function asServer(perMessageDeflate) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
  await once(server, 'listening');
  server.on('connection', (peer) => {
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
  });
  const child = spawn(echoClient, [`ws://127.0.0.1:${server.address().port}/`], {
    stdio: 'inherit',
  });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  server.close();
}

setTimeout(() => {
  console.error('too slow');
  process.exit(1);
}, 100000).unref();
await asClient();
await asServer(false);
await asServer(true);
console.log('ok');
process.exit(0);
