// Chromium's own WebSocket against the library: plain and over TLS, compressed as both agree.
//
//     node ws_echo.mjs ECHO_SERVER

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startBrowser } from "./harness.mjs";

const [echoServer] = process.argv.slice(2);
const parts = (process.env.MSIM_TEST_PARTS ?? "tls deflate").split(" ");

// The certificate and its key in one file; its folder is the caller's to remove.
function makeCertificate(folder) {
    const file = join(folder, "both.pem");
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", join(folder, "key.pem"), "-out",
        join(folder, "cert.pem")], { stdio: "ignore" });
    execFileSync("sh", ["-c", `cat "${folder}/cert.pem" "${folder}/key.pem" > "${file}"`]);
    return file;
}

// In the page: sends texts and bytes of many sizes, and wants each back as it was.
function talk(url) {
    return new Promise((done) => {
        const sizes = [0, 1, 125, 126, 65535, 65536, 300000];
        const socket = new WebSocket(url);
        const sent = [];
        let heard = 0;
        socket.binaryType = "arraybuffer";
        socket.onerror = () => done({ error: "the socket failed" });
        socket.onopen = () => {
            for (const size of sizes) {
                const text = Array.from({ length: size / 4 + 1 }, (_, i) => "é" + i * i).join("");
                sent.push(text.slice(0, size));
                sent.push(Uint8Array.from({ length: size }, (_, i) => (i * i) % 251));
            }
            sent.forEach((message) => socket.send(message));
        };
        socket.onmessage = ({ data }) => {
            const wanted = sent[heard++];
            const is_same = typeof wanted === "string"
                ? wanted === data
                : data.byteLength === wanted.length &&
                  new Uint8Array(data).every((byte, i) => byte === wanted[i]);
            if (!is_same)
                done({ error: `message ${heard} came back otherwise` });
            if (heard === sent.length)
                socket.close(1000, "enough");
        };
        socket.onclose = ({ code, wasClean }) =>
            done({ code, wasClean, heard, extensions: socket.extensions });
    });
}

async function scene(page, options, scheme, extensions) {
    const child = spawn(echoServer, options, { stdio: ["ignore", "pipe", "inherit"] });
    try {
        const [line] = await once(child.stdout, "data");
        const port = /port (\d+)/.exec(line)[1];
        const said = await page.evaluate(talk, `${scheme}://localhost:${port}/`);
        assert.deepEqual(said, { code: 1000, wasClean: true, heard: 14, extensions });
    } finally {
        child.kill("SIGTERM");
        await once(child, "exit");
    }
}

const { browser } = await startBrowser();
try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    await scene(page, [], "ws", "");
    if (parts.includes("deflate")) {
        await scene(page, ["--deflate"], "ws", none);
        await scene(page, ["--deflate", "--context"], "ws", "permessage-deflate");
    }
    if (parts.length === 2 && spawnSync("openssl", ["version"]).status === 0) {
        const folder = mkdtempSync(join(tmpdir(), "msim-chromium-"));
        try {
            const file = makeCertificate(folder);
            await scene(page, ["--cert", file], "wss", "");
            await scene(page, ["--cert", file, "--deflate"], "wss", none);
        } finally {
            rmSync(folder, { recursive: true });
        }
    } else {
        console.log("TLS is not built in, or openssl not installed: wss is left out");
    }
} finally {
    await browser.close();
}
console.log("ok");
