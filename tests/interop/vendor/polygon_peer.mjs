// The vendor's own client with only its URL changed: it authenticates, subscribes, and gets trades and
// quotes; a wrong key is told so.  The same over TLS, where the server and openssl are there for it.
//   node polygon_peer.mjs MOCK_QUOTES
//   node polygon_peer.mjs --url URL       what it does itself, in a process that knows the certificate
import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { websocketClient } from '@polygon.io/client-js';

async function start(mockQuotes, keys, ...options) {
  const server = spawn(
    mockQuotes,
    ['--port', '0', '--protocol', 'polygon', '--rate', '500', '--api-key-file', keys, ...options],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const lines = [];
  for await (const line of readline.createInterface({ input: server.stderr })) {
    lines.push(line);
    const found = /^Server running on (wss?):\/\/localhost:(\d+)/.exec(line);
    if (found) return { server, url: `${found[1]}://127.0.0.1:${found[2]}` };
  }
  return { server, url: null, words: lines.join('\n') };
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

async function check(url) {
  const good = await talk(url, 'right-key', 'T.AAPL, Q.*', 50);
  assert.deepStrictEqual(good.statuses, ['connected', 'auth_success', 'success', 'success']);
  assert(good.events.some((e) => e.ev === 'T' && e.sym === 'AAPL' && typeof e.i === 'string'));
  assert(good.events.some((e) => e.ev === 'Q' && e.ap >= e.bp));
  assert(good.events.every((e) => e.ev === 'Q' || e.sym === 'AAPL'));
  const bad = await talk(url, 'wrong-key', 'T.*', 1);
  assert.deepStrictEqual(bad.statuses, ['connected', 'auth_failed']);
  assert.strictEqual(bad.code, 1008);
  console.log(`${url}: ${good.events.length} events, and a wrong key is told so`);
}

// Node reads its authorities once, when it starts: a process of its own for this certificate.
async function checkInAnother(url, certificate) {
  const child = spawn(process.execPath, [process.argv[1], '--url', url], {
    stdio: 'inherit',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
  });
  const [code] = await once(child, 'exit');
  assert.strictEqual(code, 0);
}

// Key and certificate in one file; null without openssl.
function certify(folder) {
  const file = path.join(folder, 'server.pem');
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
    '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file, '-out', file + '.cert']);
  if (made.status !== 0) return null;
  fs.appendFileSync(file, fs.readFileSync(file + '.cert'));
  return { file, certificate: file + '.cert' };
}

async function checkAll(mockQuotes) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'msim-'));
  const keys = path.join(folder, 'keys.txt');
  const servers = [];
  fs.writeFileSync(keys, 'right-key\n');
  try {
    const plain = await start(mockQuotes, keys);
    servers.push(plain.server);
    assert(plain.url, plain.words);
    await check(plain.url);
    const made = certify(folder);
    if (!made) {
      console.log('not over TLS: openssl is not there');
      return;
    }
    const secure = await start(mockQuotes, keys, '--tls-cert', made.file);
    servers.push(secure.server);
    if (secure.url) await checkInAnother(secure.url, made.certificate);
    else {
      assert.match(secure.words, /made without GnuTLS/);
      console.log('not over TLS: ' + secure.words);
    }
  } finally {
    for (const server of servers) server.kill('SIGTERM');
    fs.rmSync(folder, { recursive: true });
  }
}

const [first, second] = process.argv.slice(2);
if (first === '--url') await check(second);
else await checkAll(first);
