// The connection: one WebSocket (polling where that cannot be), joined anew whenever it comes
// back, and the time of a round trip.

import { io } from "../vendor/socket.io.js";
import { keyHeaders } from "./key.js";

const SETTLED_AFTER_MS = 1000;
const PONG_WITHIN_MS = 5000; // a later one tells nothing

export class Connection {
    #asked = 0;
    #timer = 0;

    // on: {state(name, words), snapshot(update), update(update), latency(ms or null)}; `live`:
    // what to do with the events of the servers that are shown, by their names.
    constructor(on, key, live) {
        this.on = on;
        this.socket = io({
            transports: ["websocket", "polling"],
            tryAllTransports: true,
            reconnectionDelay: 500,
            reconnectionDelayMax: 5000,
            // A WebSocket of a browser has no headers of its own.
            extraHeaders: keyHeaders(key),
            query: key ? { api_key: key } : {},
        });
        this.socket.on("connect", () => this.#connected());
        this.socket.on("disconnect", (why) => this.#lost(why));
        this.socket.on("connect_error", (error) => this.#failed(error));
        this.socket.on("trading_update", (update) => on.update(update ?? {}));
        this.socket.on("snapshot", (snapshot) => on.snapshot(snapshot ?? {}));
        this.socket.on("pong", () => this.#ponged());
        for (const [name, take] of Object.entries(live))
            this.socket.on(name, take);
        this.socket.io.on("reconnect_attempt", () => on.state("connecting", "Reconnecting"));
    }

    get isConnected() {
        return this.socket.connected;
    }

    #connected() {
        this.on.state("connected", "Connected");
        this.join();
        // The first moments of a page are no measure of the way.
        setTimeout(() => this.measure(), SETTLED_AFTER_MS);
    }

    #lost(why) {
        this.on.state("disconnected", "Disconnected");
        this.on.latency(null);
        this.#asked = 0;
        // After a server's own good-bye the client would not come back by itself.
        if (why === "io server disconnect")
            this.#timer = setTimeout(() => this.socket.connect(), 1000);
    }

    #failed(error) {
        const needsKey = error?.description === 401 || error?.description === 403;
        this.on.state("disconnected", needsKey ? "Key needed" : "Disconnected");
    }

    // Rooms are lost with a connection; joining also brings what the server holds.
    join() {
        this.socket.emit("join_frontend");
        this.socket.emit("join_live");
    }

    // The book of a symbol, in place of the one before.
    watch(symbol, before) {
        if (before)
            this.socket.emit("unwatch_book", before);
        this.socket.emit("watch_book", symbol);
    }

    command(command) {
        this.socket.emit("faults_command", command);
    }

    measure() {
        if (!this.socket.connected)
            return;
        this.#asked = performance.now();
        this.socket.emit("ping_server");
    }

    #ponged() {
        const took = performance.now() - this.#asked;
        if (this.#asked && took < PONG_WITHIN_MS)
            this.on.latency(took);
        this.#asked = 0;
    }

    // At once, where nothing is on its way already.
    reconnect() {
        clearTimeout(this.#timer);
        if (!this.socket.active)
            this.socket.connect();
    }
}
