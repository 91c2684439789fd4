// npm ws against the library, in both roles.
//
//     node ws_peer.mjs ECHO_SERVER ECHO_CLIENT
//
// Run by run_ws.py, which has installed ws beside this file's copy.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';

const [echoServer, echoClient] = process.argv.slice(2);
const parts = (process.env.MSIM_TEST_PARTS ?? 'tls deflate').split(' ');
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 300000];

// A certificate of one's own for localhost, if openssl is there to make it: {folder, cert, key}.
function certificate() {
  if (!parts.includes('tls') || spawnSync('openssl', ['version']).status !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'msim-ws-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const both = join(folder, 'both.pem');
  execFileSync('sh', ['-c', `cat "${cert}" "${key}" > "${both}"`]);
  return { folder, cert, key, both };
}

async function start(program, options = []) {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] });
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

// Sizes as above, over TLS or not, compressed as both agree.
async function asCompressedClient(secure, options, offer, agreed) {
  const { child, port } = await start(echoServer, [
    ...(secure ? ['--cert', secure.both] : []), ...options]);
  const peer = new WebSocket(`${secure ? 'wss' : 'ws'}://localhost:${port}/`, {
    maxPayload: 0,
    perMessageDeflate: { threshold: 0, ...offer },
    ca: secure ? readFileSync(secure.cert) : undefined,
  });
  await once(peer, 'open');
  assert.equal(peer.extensions, 'permessage-deflate');
  const terms = Object.keys(peer._extensions['permessage-deflate'].params).sort();
  assert.deepEqual(terms, agreed);
  for (let round = 0; round < 3; round++) {
    for (const size of sizes) {
      // A long text is no bomb.
      const text = Array.from({ length: size / 4 + 1 }, (_, i) => `é${i * i}`).join('').slice(0, size);
      assert.equal((await ask(peer, text)).data.toString(), text);
      const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * i) % 251));
      assert.ok((await ask(peer, bytes)).data.equals(bytes));
    }
  }
  peer.close(1000);
  assert.equal((await once(peer, 'close'))[0], 1000);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
}

async function asSecureServer(secure, deflate) {
  const https = createServer({ cert: readFileSync(secure.cert), key: readFileSync(secure.key) });
  const server = new WebSocketServer({ server: https, perMessageDeflate: deflate });
  server.on('connection', (peer) => {
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const options = [`wss://localhost:${https.address().port}/`, secure.cert];
  const child = spawn(echoClient, deflate ? [...options, 'deflate'] : options, {
    stdio: 'inherit',
  });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  server.close();
  https.close();
}

async function asServer(perMessageDeflate) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
  await once(server, 'listening');
  server.on('connection', (peer) => {
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
  });
  const url = `ws://127.0.0.1:${server.address().port}/`;
  const child = spawn(echoClient, perMessageDeflate ? [url, '', 'deflate'] : [url], {
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
if (!parts.includes('deflate')) {
  console.log('compression is not built in: the rest is left out');
  process.exit(0);
}
await asServer(true);
await asServer({ threshold: 0, serverNoContextTakeover: true, serverMaxWindowBits: 10 });
const none = ['client_no_context_takeover', 'server_no_context_takeover'];
await asCompressedClient(null, ['--deflate'], {}, none);
await asCompressedClient(null, ['--deflate', '--context'], {}, []);
await asCompressedClient(null, ['--deflate', '--context'], { serverMaxWindowBits: 9 },
  ['server_max_window_bits']);
const secure = certificate();
if (secure) {
  try {
    await asCompressedClient(secure, ['--deflate'], {}, none);
    await asCompressedClient(secure, ['--deflate', '--context'], {}, []);
    await asSecureServer(secure, false);
    await asSecureServer(secure, { threshold: 0 });
  } finally {
    rmSync(secure.folder, { recursive: true });
  }
} else {
  console.log('TLS is not built in, or openssl not installed: wss is left out');
}
console.log('ok');
process.exit(0);
